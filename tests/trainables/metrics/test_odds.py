"""Log-odds of a region gathered plane by plane."""

import numpy as np
import pytest

from trainables.metrics import gather


@pytest.mark.parametrize("dim", [2, 3])
def test_outside_the_box_nothing_is_ever_found(dim: int) -> None:
    rng = np.random.default_rng(3)
    reference = (rng.random((6, 7, 8)[-dim:]) < 0.5).astype(np.uint8)
    box = (slice(1, 4), slice(2, 6), slice(0, 5))[-dim:]
    inside = rng.random(reference[box].shape).astype(np.float32)
    planes = np.stack([1 - inside, inside], axis=-dim if dim == 3 else 0).reshape((-1, 2, *inside.shape[-2:]))
    everywhere = np.zeros(reference.shape)
    everywhere[box] = inside
    prediction = (everywhere > 0.5).astype(np.uint8)
    odds = gather(planes, reference, prediction, {"r": (1,)}, box=box)["r"]
    assert np.array_equal(odds.found, everywhere > 0.5)
    assert odds.histogram.positives.sum() == reference.sum()
    assert odds.histogram.negatives.sum() == (1 - reference).sum()
    assert np.array_equal(odds.values > 0, np.ones(odds.found.sum(), np.bool_))
    assert odds.histogram.positives.argmax() == 0x03FF or odds.histogram.positives[0x03FF] == (
        reference.sum() - reference[box].sum()
    )


def test_what_is_not_scored_is_not_found_either() -> None:
    inside = np.full((1, 4), 0.9, np.float32)
    excluded = np.array([[False, True, False, False]])
    reference = np.array([[1, 0, 0, 1]], np.uint8)
    prediction = np.array([[1, 0, 1, 1]], np.uint8)
    odds = gather([np.stack([1 - inside, inside])], reference, prediction, {"r": (1,)}, excluded=excluded)["r"]
    assert odds.found.tolist() == [[True, False, True, True]]
    assert len(odds.values) == 3
    assert (odds.histogram.positives.sum(), odds.histogram.negatives.sum()) == (2, 1)


def test_the_mask_is_the_predicted_classes_also_where_a_region_has_less_than_one_half() -> None:
    # Background 0.30, organ 0.28, lesion 0.42 in the first voxel: predicted lesion, log-odds log(0.42 / 0.58) < 0.
    # 0.40, 0.30, 0.30 in the second: background, though organ and lesion together have log-odds log(0.6 / 0.4) > 0.
    plane = np.array([[0.30, 0.40], [0.28, 0.30], [0.42, 0.30]], np.float32)[:, None]
    prediction = plane.argmax(0).astype(np.uint8)
    odds = gather([plane], np.array([[2, 2]], np.uint8), prediction, {"lesion": (2,), "both": (1, 2)})
    assert odds["lesion"].found.tolist() == [[True, False]]
    assert odds["lesion"].values.tolist() == [pytest.approx(np.log(0.42 / 0.58), rel=1e-3)]
    assert odds["both"].found.tolist() == [[True, False]]
    assert odds["both"].values.tolist() == [pytest.approx(np.log(0.7 / 0.3), rel=1e-3)]
