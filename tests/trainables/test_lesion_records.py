"""Lesion records as bytes: their size, and outcomes that carry them as text."""

import numpy as np
import pytest

from trainables.lesion_records import MOST_FALSE_POSITIVES, Lesions, packed_bytes
from trainables.metrics.scoring import scores_of
from trainables.trial import Outcome


def records(lesions: int, false_positives: int) -> Lesions:
    kept = min(false_positives, MOST_FALSE_POSITIVES)
    rng = np.random.default_rng(lesions)
    return Lesions(
        "case",
        "lesion",
        voxels=rng.integers(1, 99, lesions).astype(np.uint32),
        dice=rng.random(lesions),
        confidence=rng.normal(size=lesions).astype(np.float32),
        false_voxels=np.ones(kept, np.uint32),
        false_confidence=np.zeros(kept, np.float32),
        false_positives=false_positives,
        peak=2.5,
    )


@pytest.mark.parametrize(("lesions", "false"), [(0, 0), (3, 0), (0, 5), (2, MOST_FALSE_POSITIVES + 7)])
def test_an_outcome_brings_them_back(lesions: int, false: int) -> None:
    known = records(lesions, false)
    assert len(known.pack()) == packed_bytes(lesions, false)
    outcome = Outcome(iteration=5, lesions=(scores_of(known),))
    again = Outcome.from_json(outcome.to_json())
    assert again == outcome
    found = Lesions.unpack("case", "lesion", again.lesions[0].records)
    assert found.dice.tolist() == known.dice.tolist()
    assert (found.false_positives, found.peak, len(found.false_voxels)) == (
        false,
        2.5,
        min(false, MOST_FALSE_POSITIVES),
    )


def test_records_of_another_size_are_refused() -> None:
    text = Outcome(iteration=5, lesions=(scores_of(records(3, 1)),)).to_json()
    with pytest.raises(ValueError, match="fewer than"):
        Outcome.from_json(text.replace('"lesions": 3', '"lesions": 4'))
