"""Values for empty masks: one table for all metrics."""

import math

import numpy as np
import pytest

from tests.trainables.metrics.examples import PREDICTION, REFERENCE
from trainables.metrics import METRICS, Geometry, score_case
from trainables.metrics.empty import RULES, Empty, Kind, Value, by_rule, note_of

DIAGONAL = math.hypot(5 * 2.0, 6 * 0.5)


@pytest.mark.parametrize(
    ("empty", "reference", "prediction", "note", "dice", "hd95", "volume_bias"),
    [
        ("missing", False, False, "clean negative", None, None, None),
        ("missing", False, True, "false positive", None, None, None),
        ("missing", True, False, "miss", 0.0, DIAGONAL, -1.0),
        ("one", False, False, "clean negative", 1.0, 0.0, None),
        ("one", False, True, "false positive", 0.0, DIAGONAL, None),
        ("one", True, False, "miss", 0.0, DIAGONAL, -1.0),
    ],
)
def test_empty_masks(
    empty: Empty,
    reference: bool,
    prediction: bool,
    note: str,
    dice: float | None,
    hd95: float | None,
    volume_bias: float | None,
) -> None:
    masks = [(mask & there).astype(np.uint8) for mask, there in ((REFERENCE, reference), (PREDICTION, prediction))]
    names = ("dice", "hd95", "volume_bias")
    scores = score_case("a", *masks, regions={"r": (1,)}, metrics=names, spacing=(2.0, 0.5), empty=empty)
    assert [score.value for score in scores] == [dice, hd95, volume_bias]
    assert {score.note for score in scores} == {note}


def test_the_volume_of_what_is_falsely_found_or_missed() -> None:
    nothing = np.zeros((5, 6, 1), dtype=np.bool_)
    error = METRICS["volume_error"].compute
    missed = Geometry.of(REFERENCE[..., None], nothing, spacing=(2.0, 0.5, 10.0))
    assert by_rule(missed, "volume") is Value.COMPUTED
    assert error(missed) == pytest.approx(0.09)
    false = Geometry.of(nothing, PREDICTION[..., None], spacing=(2.0, 0.5, 10.0))
    assert by_rule(false, "volume") is None
    assert by_rule(false, "volume", "one") is Value.COMPUTED
    assert error(false) == pytest.approx(0.05)
    assert false.prediction_volume == pytest.approx(50)


@pytest.mark.parametrize("empty", RULES)
@pytest.mark.parametrize("kind", RULES["one"]["miss"])
def test_metrics_decide_where_both_masks_hold_something(kind: Kind, empty: Empty) -> None:
    for prediction in (PREDICTION, ~REFERENCE):
        geometry = Geometry.of(REFERENCE, prediction)
        assert note_of(geometry) is None
        assert by_rule(geometry, kind, empty) is Value.COMPUTED
