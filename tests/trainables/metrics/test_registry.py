"""Names of metrics: directions, spelling, and the inputs that they need."""

import numpy as np
import pytest

import search_spaces.metrics
from search_spaces import metrics as metric_names
from trainables.errors import InputError
from trainables.metrics import METRICS, Geometry, metric_named, registry


def test_every_metric_has_a_direction_in_the_search_spaces() -> None:
    directions = {
        "overlap": "greater", "ranking": "greater", "distance": "smaller", "volume": "smaller", "bias": "zero",
        "lesions": "greater", "count": "smaller", "calibration": "smaller",
        "voxels": "greater",
    }  # fmt: skip
    assert {name: directions[metric.kind] for name, metric in METRICS.items()} == metric_names.METRICS
    assert {
        name: directions[make(2.0).kind] for name, make in registry.FAMILIES.items()
    } == search_spaces.metrics.FAMILIES
    assert registry.NUMBERED == search_spaces.metrics.NUMBERED


@pytest.mark.parametrize(
    "name",
    ["f", "f0", "f02", "f2.0", "f2.50", "f-1", "f1e3", "surface_dice", "surface_dice_", "surface_dice_2mm", "g2"],
)
def test_names_with_a_number_are_spelled_in_one_way(name: str) -> None:
    with pytest.raises(InputError, match="no metric named"):
        metric_named(name)
    assert search_spaces.metrics.better(name) is None


def test_metrics_that_read_records_say_so() -> None:
    assert {name for name, metric in METRICS.items() if metric.reads == "lesions"} == {
        "lesion_recall",
        "lesion_false_positives",
        "lesion_dice",
    }
    assert [name for name, metric in METRICS.items() if metric.reads == "histogram"] == [
        "average_precision",
        "roc_auc",
        "brier",
        "ece",
    ]
    with pytest.raises(AssertionError, match="log-odds"):
        METRICS["average_precision"].compute(Geometry.of(np.ones(3, np.bool_), np.ones(3, np.bool_)))
