"""Cards of metrics: definition, unit, range, direction, what is needed, and what an empty mask counts."""

import dataclasses
import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from reports.prose.definitions import definition
from reports.results.metric_facts import METRICS
from search_spaces.metrics import KNOWN, LESIONS, better, of_split
from study.study_file.errors import suggestion
from trainables.errors import InputError

WIDTH = 100
EXAMPLES = {"f2": "fBETA", "surface_dice_2": "surface_dice_MM", "surface_dice_area_2": "surface_dice_area_MM"}
"""An example of each family → how it is listed."""
BETTER = {"greater": "greater is better", "smaller": "smaller is better", "zero": "best is 0"}
EMPTY = {
    "clean negative": "neither mask has the region",
    "false positive": "only the prediction has it",
    "miss": "only the reference has it",
}
"""Which masks are empty → in words."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetricCard:
    """Facts about one metric.

    Attributes:
        name: Its name in a study file.
        label: Its name in tables.
        unit: Unit where voxel sizes are known; empty for a share or a count.
        better: Which values are better.
        range: Least and greatest value; None where there is no greatest.
        definition: Formula and convention.
        of: `case`: a value for each case, with interval and test; `split`: one value for all cases together.
        needs: What it is computed from: `masks`, `probabilities` or `lesions`.
        empty: Which masks are empty → what is recorded with `report.empty: missing` and with `one`; for metrics of a
            case.
    """

    name: str
    label: str
    unit: str
    better: str
    range: tuple[float, float | None]
    definition: str
    of: str
    needs: str
    empty: Mapping[str, tuple[str, str]]

    def plain(self) -> dict[str, Any]:
        """JSON-able."""
        return dataclasses.asdict(self)


def all_cards() -> list[MetricCard]:
    """Return a card for each metric, families by an example."""
    return [card_of(name) for name in KNOWN]


def card_of(name: str) -> MetricCard:
    """Return a metric's card.

    Raises:
        InputError: There is no such metric.
    """
    if better(name) is None:
        raise InputError(f"no metric named {name!r}.{suggestion(name, KNOWN)} `segstudy metrics` lists them.")
    metric = METRICS[name]
    low, high = metric.range
    unit = "mm" if metric.tolerance is not None else {"distance": "mm", "volume": "mL"}.get(metric.kind, "")
    needs, empty = _from_masks(name)
    return MetricCard(
        name=name,
        label=metric.label,
        unit="" if metric.tolerance is not None else unit,
        better=BETTER[metric.better],
        range=(low, None if math.isinf(high) else high),
        definition=definition(name, "mm"),
        of="split" if of_split(name) else "case",
        needs=needs,
        empty=empty,
    )


def _from_masks(name: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """Return what a metric is computed from, and its values for empty masks."""
    from trainables.metrics.empty import RULES, Value
    from trainables.metrics.registry import metric_named

    if of_split(name):
        return ("probabilities" if "average_precision" in name else "lesions" if name in LESIONS else "masks"), {}
    metric = metric_named(name)
    worst = "the image's diagonal" if metric.kind == "distance" else "0"
    words = {
        Value.MISSING: "left out",
        Value.BEST: "0" if metric.kind == "distance" else "1",
        Value.WORST: worst,
        Value.COMPUTED: "computed",
    }
    empty = {
        said: (words[RULES["missing"][note][metric.kind]], words[RULES["one"][note][metric.kind]])  # type: ignore[index]
        for note, said in EMPTY.items()
    }
    return {"histogram": "probabilities"}.get(metric.reads, metric.reads), empty


def lines(cards: Sequence[MetricCard]) -> str:
    """Return a list of metrics, a line or more for each."""
    names = [EXAMPLES.get(card.name, card.name) for card in cards]
    width = max(map(len, names)) + 2
    text = []
    for name, card in zip(names, cards, strict=True):
        wrapped = textwrap.wrap(card.definition, WIDTH - width) or [""]
        text += [f"{name:<{width}}{wrapped[0]}", *(" " * width + line for line in wrapped[1:])]
    more = (
        "A card of one: segstudy metrics NAME. "
        "pooled_ and group_ go before dice, iou, precision, recall, mcc and fBETA: of all cases, or by patient."
    )
    return "\n".join([*text, "", *textwrap.wrap(more, WIDTH)])


def text(card: MetricCard) -> str:
    """Return a card as text."""
    low, high = card.range
    unit = f" {card.unit}" if card.unit else ""
    facts = {
        "in tables": card.label,
        "values": f"{low:g}{unit} or more" if high is None else f"{low:g} to {high:g}",
        "best": card.better,
        "of": "each case, with interval" if card.of == "case" else "all cases together, without interval or test",
        "needs": card.needs,
        **{
            said: one if one == other else f"{one}; with `report.empty: one` {other}"
            for said, (one, other) in card.empty.items()
        },
    }
    width = max(map(len, facts)) + 2
    head = textwrap.wrap(f"{card.name}: {card.definition}", WIDTH)
    return "\n".join([*head, *(f"  {key:<{width}}{value}" for key, value in facts.items())])
