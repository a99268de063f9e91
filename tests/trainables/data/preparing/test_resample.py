import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.nn import functional

from trainables.data.preparing import resample

SIZES = [(9, 7, 11), (9, 7, 5), (20, 3, 7), (1, 14, 6), (4, 4, 4)]


def smooth(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(shape)
    return np.asarray(ndimage.gaussian_filter(noise, 1) * 100, np.float32)


@pytest.mark.parametrize("shape", SIZES)
def test_images_equal_scipys_cubic_spline_with_half_voxel_centres(shape: tuple[int, ...]) -> None:
    volume = smooth((9, 7, 5))
    zoom = [new / old for new, old in zip(shape, volume.shape, strict=True)]
    expected = ndimage.zoom(volume.astype(np.float64), zoom, order=3, mode="reflect", grid_mode=True)
    assert resample.image(volume, shape).shape == shape
    assert np.abs(resample.image(volume, shape) - expected).max() < 2e-3 * volume.std()


def test_a_line_by_hand() -> None:
    # Linear values stay linear away from the edges: voxel middles at 0.5, 1.5, … of 8 become 1, 3, 5, 7 of 8.
    line = np.arange(40, dtype=np.float32).reshape(1, 1, 40)
    halved = resample.image(line, (1, 1, 20))[0, 0]
    assert halved[5:15] == pytest.approx(np.arange(5, 15) * 2 + 0.5, abs=1e-3)


def test_class_maps_by_hand() -> None:
    # Four voxels 0 1 1 2 to three: middles at 1/6, 1/2, 5/6 of the line are 1/6, 3/2, 17/6 in voxels: between voxels
    # 0 and 1 (5/6 of class 0), 1 and 2 (all class 1), 2 and 3 (5/6 of class 2).
    assert resample.class_map(np.array([[0, 1, 1, 2]], np.uint8), (1, 3), 3).tolist() == [[0, 1, 2]]
    # To two: middles at 1/2 and 5/2: half 0 half 1, half 1 half 2; of equals the first.
    assert resample.class_map(np.array([[0, 1, 1, 2]], np.uint8), (1, 2), 3).tolist() == [[0, 1]]


@pytest.mark.parametrize("shape", SIZES)
def test_class_maps_equal_one_hot_trilinear_argmax(shape: tuple[int, ...]) -> None:
    classes = np.digitize(smooth((8, 10, 6), 3), [-8, 12, 25]).astype(np.uint8)
    one_hot = functional.one_hot(torch.from_numpy(classes).long(), 4).movedim(-1, 0).float()
    scores = functional.interpolate(one_hot[None], shape, mode="trilinear", align_corners=False)[0]
    ours = resample.class_map(classes, shape, 4)
    assert ours.dtype == np.uint8
    top = scores.topk(2, 0).values
    clear = (top[0] - top[1]) > 1e-5  # ties are broken by the last bit
    assert clear.float().mean() > 0.5
    assert (torch.from_numpy(ours).long() == scores.argmax(0))[clear].all()
    assert torch.equal(resample.restore(one_hot, shape), torch.from_numpy(ours))


def test_planes_without_foreground_are_skipped_and_not_forgotten() -> None:
    classes = np.zeros((12, 6, 6), np.uint8)
    classes[5, 1:5, 1:5] = 2
    back = resample.class_map(resample.class_map(classes, (24, 6, 6), 3), (12, 6, 6), 3)
    assert (back == classes).all()
    assert resample.class_map(np.ones((3, 4, 4), np.uint8), (7, 4, 4), 2).all()


def test_resampling_commutes_with_flips() -> None:
    volume, classes = smooth((9, 8, 7)), np.digitize(smooth((9, 8, 7), 1), [0]).astype(np.uint8)
    for axis in range(3):
        flipped = resample.image(np.ascontiguousarray(np.flip(volume, axis)), (5, 11, 8))
        assert np.allclose(np.flip(flipped, axis), resample.image(volume, (5, 11, 8)), atol=1e-2)
        flipped = resample.class_map(np.ascontiguousarray(np.flip(classes, axis)), (5, 11, 8), 2)
        assert (np.flip(flipped, axis) != resample.class_map(classes, (5, 11, 8), 2)).mean() < 0.01


def test_same_grid_changes_nothing() -> None:
    volume = smooth((5, 6, 7))
    assert (resample.image(volume, (5, 6, 7)) == volume).all()
    scores = torch.randn(3, 5, 6, 7)
    assert torch.equal(resample.restore(scores, (5, 6, 7)), scores.argmax(0).to(torch.uint8))


def test_flat_pictures_are_volumes_of_one_slice() -> None:
    scores = torch.randn(3, 9, 6)
    assert torch.equal(resample.restore(scores, (5, 8)), resample.restore(scores[:, None], (1, 5, 8))[0])
    classes = np.digitize(smooth((9, 6)), [0]).astype(np.uint8)
    assert (resample.class_map(classes, (5, 8), 2) == resample.class_map(classes[None], (1, 5, 8), 2)[0]).all()


def test_half_precision_scores_are_compared_in_full() -> None:
    scores = torch.randn(3, 4, 5, 6).bfloat16()
    assert torch.equal(resample.restore(scores, (8, 9, 7)), resample.restore(scores.float(), (8, 9, 7)))


@pytest.mark.parametrize(
    ("shape", "spacing", "new_spacing", "expected"),
    [
        ((52, 512, 512), (3.0, 0.677734, 0.677734), (3.22, 1.62, 1.62), (48, 214, 214)),
        ((10,), (1.0,), (4.0,), (3,)),  # 2.5 is rounded up
        ((2,), (1.0,), (30.0,), (1,)),
    ],
)
def test_sizes_at_another_spacing(
    shape: tuple[int, ...], spacing: tuple[float, ...], new_spacing: tuple[float, ...], expected: tuple[int, ...]
) -> None:
    assert resample.shape_at(shape, spacing, new_spacing) == expected


def test_read_only_input_is_left_alone() -> None:
    classes = np.zeros((4, 4), np.uint8)
    classes[1, 2] = 1
    classes.setflags(write=False)
    resample.class_map(classes, (8, 8), 2)
    assert classes.sum() == 1
