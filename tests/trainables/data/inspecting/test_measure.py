"""Measures of a case: percentiles, lesions, equal images."""

import numpy as np
import pytest

from trainables.data.inspecting.measure import SAMPLE, content_digest, labels_in, lesion_sizes, quantiles


def test_quantiles_of_known_numbers() -> None:
    channel = np.arange(1001, dtype=np.float32).reshape(7, 11, 13)[::-1]
    assert quantiles(channel) == (5.0, 500.0, 995.0)
    large = np.tile(np.arange(1000, dtype=np.float32), SAMPLE // 250)
    assert quantiles(large)[1] == pytest.approx(500, abs=5)


def test_lesions_by_hand() -> None:
    # Class 1 touches class 2 by a corner only; a single voxel of class 2 stands apart.
    reference = np.zeros((4, 5, 6), np.uint8)
    reference[0, 0, 0:3] = 1
    reference[1, 1, 3:5] = 2
    reference[3, 4, 5] = 2
    found = lesion_sizes(reference, {"both": (1, 2), "one": (1,), "two": (2,), "three": (3,)})
    assert found == {"both": (5, 1), "one": (3,), "two": (2, 1), "three": ()}


def test_lesions_in_2d_share_corners() -> None:
    assert lesion_sizes(np.eye(5, dtype=np.uint8), {"a": (1,)}) == {"a": (5,)}


@pytest.mark.parametrize("shape", [(12, 13), (40, 41), (7, 8, 9)])
def test_as_many_lesions_as_scipy_finds(shape: tuple[int, ...]) -> None:
    from scipy import ndimage

    for seed in range(30):  # cc3d numbers background too in some flat bool arrays of odd width
        reference = (np.random.default_rng(seed).random(shape) > 0.7).astype(np.uint8)
        numbers, count = ndimage.label(reference, np.ones((3,) * len(shape)))
        sizes = sorted(np.bincount(numbers.reshape(-1))[1:].tolist(), reverse=True)
        assert lesion_sizes(reference, {"a": (1,)})["a"] == tuple(sizes)
        assert len(sizes) == count


def test_equal_images_have_equal_digests() -> None:
    image = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    assert content_digest(image) == content_digest(np.asfortranarray(image))
    assert content_digest(image) != content_digest(image.reshape(1, 2, 4, 3))
    other = image.copy()
    other[0, 1, 2, 3] += 1
    assert content_digest(image) != content_digest(other)


def test_size_and_place_of_labels() -> None:
    reference = np.zeros((4, 10), np.uint8)
    reference[1:3, 4:6] = 1
    reference[0, 9] = 3
    reference[3, :] = 255  # ignored
    voxels, centres = labels_in(reference, ("background", "organ", "none", "lesion"))
    assert voxels == {"organ": 4, "none": 0, "lesion": 1}
    assert centres == {"organ": (0.5, 0.5), "lesion": (0.125, 0.95)}
    volume = np.zeros((2, 4, 5), np.uint8)
    volume[1, 3, 0] = 2
    assert labels_in(volume, ("background", "a", "b")) == ({"a": 0, "b": 1}, {"b": (0.75, 0.875, 0.1)})
    assert labels_in(volume[::-1], ("background", "a", "b"))[1] == {"b": (0.25, 0.875, 0.1)}
