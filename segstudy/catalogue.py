"""Losses, networks and metrics that a study file may name, as frames."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def losses() -> "pd.DataFrame":
    """Returns the losses: `name`, and `formula` in one line."""
    return _cards("losses", "formula")


def models() -> "pd.DataFrame":
    """Returns the networks: `name`, and `structure` in one line."""
    return _cards("models", "structure")


def metrics() -> "pd.DataFrame":
    """Returns the metrics.

    Returns:
        `name`, `label` as tables print it, `unit` (missing where there is none), `better`: `greater`, `smaller`, or
        `zero` for a signed bias.
    """
    import pandas as pd

    from reports.results.metric_facts import METRICS

    rows = [
        {
            "name": name,
            "label": metric.label,
            "unit": UNITS.get(metric.kind),
            "better": metric.better,
        }
        for name, metric in METRICS.items()
    ]
    return pd.DataFrame(rows)


UNITS = {"distance": "mm", "volume": "mL"}
"""Kind of metric → unit, where voxel sizes are known."""


def _cards(kind: str, column: str) -> "pd.DataFrame":
    import pandas as pd

    from study.console.cards import lines_of

    return pd.DataFrame(list(lines_of(kind).items()), columns=["name", column])
