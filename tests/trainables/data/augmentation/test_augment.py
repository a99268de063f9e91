import numpy as np
import pytest
import torch
from torch import Tensor

from trainables.data.augmentation import augment, deform, intensity
from trainables.data.augmentation.augment import AUGMENTATIONS, Augmenter


def batch(size: tuple[int, ...], count: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn((count, 2, *size), generator=generator)
    return images, torch.randint(0, 3, (count, *size), generator=generator)


def augmenter(names: tuple[str, ...], size: tuple[int, ...] = (8, 9, 10), **how: object) -> Augmenter:
    return Augmenter(names, 7, size, **how)  # type: ignore[arg-type]


def test_nothing_named_cuts_out_the_middle() -> None:
    images, labels = batch((12, 9, 10))
    seen, classes = augmenter(()).apply(images, labels, 0)
    assert torch.equal(seen, images[:, :, 2:-2])
    assert torch.equal(classes, labels[:, 2:-2])


@pytest.mark.parametrize("size", [(8, 9, 10), (14, 15)])
def test_draws_depend_on_seed_iteration_and_slot_only(size: tuple[int, ...]) -> None:
    images, labels = batch(size)
    maker = augmenter(AUGMENTATIONS, size)
    whole = [maker.apply(images, labels, iteration) for iteration in range(4)]
    for iteration in (3, 1):
        again = augmenter(AUGMENTATIONS, size).apply(images, labels, iteration)
        assert torch.equal(again[0], whole[iteration][0])
        assert torch.equal(again[1], whole[iteration][1])
    fewer = maker.apply(images[:2], labels[:2], 1)
    assert torch.allclose(fewer[0], whole[1][0][:2], atol=1e-5)
    assert torch.equal(fewer[1], whole[1][1][:2])
    assert not torch.equal(whole[1][0], whole[2][0])


def test_the_input_is_left_alone() -> None:
    images, labels = batch((8, 9, 10))
    kept, kept_labels = images.clone(), labels.clone()
    for iteration in range(10):
        augmenter(AUGMENTATIONS).apply(images, labels, iteration)
    assert torch.equal(images, kept)
    assert torch.equal(labels, kept_labels)


def test_leaving_one_out_changes_no_other() -> None:
    for iteration in range(5):
        every = augmenter(("mirror", "brightness", "noise"))
        drawn = [one.values for one in every.draw(iteration, 6)]
        fewer = [one.values for one in augmenter(("mirror", "noise")).draw(iteration, 6)]
        for one, other in zip(drawn, fewer, strict=True):
            assert one["mirror"] == other["mirror"]
            assert one.get("noise") == other.get("noise")


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("size", [(7, 6, 8), (12, 11)])
def test_each_happens_as_often_as_documented_and_keeps_labels_valid(name: str, size: tuple[int, ...]) -> None:
    images, labels = batch(size, 10)
    maker = augmenter((name,), size)
    changed = 0
    for iteration in range(40):
        seen, classes = maker.apply(images, labels, iteration)
        assert seen.shape == images.shape
        assert classes.dtype == labels.dtype
        assert torch.isfinite(seen).all()
        assert set(classes.unique().tolist()) <= {0, 1, 2}
        changed += sum(not torch.equal(one, other) for one, other in zip(seen, images, strict=True))
    expected = 1 - 0.5 ** len(size) if name == "mirror" else 0.15
    assert changed / 400 == pytest.approx(expected, abs=0.06)


def test_ranges_are_those_of_the_table() -> None:
    maker = augmenter(AUGMENTATIONS)
    drawn = [maker.draw(iteration, 1)[0].values for iteration in range(4000)]
    bounds = {
        "rotate": (-np.deg2rad(15), np.deg2rad(15)),
        "scale": (0.85, 1.25),
        "elastic": (0, 2.5),
        "brightness": (0.5, 2),
        "contrast": (0.3, 3),
        "gamma": (0.7, 1.5),
        "noise": (0, 0.05),
    }
    for name, (low, high) in bounds.items():
        values = np.array([one[name] for one in drawn if name in one])
        assert len(values) / 4000 == pytest.approx(0.15, abs=0.02)
        assert low <= values.min() < low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) < values.max() <= high
        if name in ("scale", "contrast", "gamma"):
            assert (values < 1).mean() == pytest.approx(0.5, abs=0.07)


def test_mirrors_by_hand() -> None:
    _, labels = batch((4, 5), 1)
    found = set()
    for iteration in range(40):
        seen, classes = augmenter(("mirror",), (4, 5)).apply(labels[:, None].float(), labels, iteration)
        assert torch.equal(seen[:, 0], classes.float())  # the image turns with its labels
        found.add(tuple(classes.flatten().tolist()))
    assert found == {tuple(labels[0].flip(axes).flatten().tolist()) for axes in ([], [0], [1], [0, 1])}


@pytest.mark.parametrize("name", ["rotate", "scale", "elastic"])
@pytest.mark.parametrize("size", [(16, 18, 14), (30, 24)])
def test_image_and_labels_move_together(name: str, size: tuple[int, ...]) -> None:
    labels = torch.zeros(4, *size, dtype=torch.int64)
    labels[:, size[0] // 3 : size[0] // 2, 3:-4] = 1
    for iteration in range(12):
        seen, classes = augmenter((name, "mirror"), size).apply(labels[:, None].float(), labels, iteration)
        agree = (seen[:, 0] > 0.5) == (classes == 1)
        assert agree.float().mean() > 0.97


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"there is no augmentation 'blur'"):
        augmenter(("mirror", "blur"))


def test_margins_only_where_something_turns() -> None:
    assert augmenter(("mirror", "noise")).margin == (0, 0, 0)
    assert augmenter(("scale",)).margin == (2, 3, 3)
    assert augmenter(("rotate",), spacing=(3.22, 1.62, 1.62)).margin == (2, 3, 3)
    assert augmenter(("rotate",), spacing=(5.0, 1.0, 1.0)).margin == (0, 3, 3)


# geometry


def maps(*angles: float, scale: float = 1.0, flips: tuple[bool, ...] | None = None, spacing: object = None) -> Tensor:
    dim = 2 if len(angles) == 1 else 3
    sides = spacing or (1.0,) * dim
    return torch.from_numpy(deform.matrix(angles, scale, flips or (False,) * dim, sides))[None]  # type: ignore[arg-type]


def test_identity_and_flips_are_exact() -> None:
    images, labels = batch((6, 7, 8), 1)
    for flips in ((False, False, False), (True, False, True)):
        seen, classes = deform.sample(images, labels, maps(0, 0, 0, flips=flips), None, (6, 7, 8))
        axes = [axis for axis, flip in enumerate(flips) if flip]
        assert torch.allclose(seen[0], images[0].flip([axis + 1 for axis in axes]), atol=1e-5)
        assert torch.equal(classes[0], labels[0].flip(axes))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_quarter_turn_about_each_axis(axis: int) -> None:
    images, labels = batch((7, 7, 7), 1)
    angles = [np.pi / 2 if index == axis else 0.0 for index in range(3)]
    seen, classes = deform.sample(images, labels, maps(*angles), None, (7, 7, 7))
    plane = [index for index in range(3) if index != axis]
    turned = [torch.rot90(labels[0], turns, plane) for turns in (1, 3)]
    assert any(torch.equal(classes[0], one) for one in turned)
    turns = (1, 3)[[torch.equal(classes[0], one) for one in turned].index(True)]
    assert torch.allclose(seen[0], torch.rot90(images[0], turns, [index + 1 for index in plane]), atol=1e-4)


def test_a_turn_in_space_and_not_in_voxels() -> None:
    # Voxels of 2 x 1: what one row (2 mm) above the middle shows comes, after a quarter turn, from two columns aside.
    matrix = deform.matrix([np.pi / 2], 1.0, (False, False), (2.0, 1.0))
    assert np.abs(matrix @ [1, 0]) == pytest.approx([0, 2])
    assert np.abs(matrix @ [0, 2]) == pytest.approx([1, 0])
    sides = np.diag([2.0, 1.0])
    turn = sides @ deform.matrix([0.2], 1.0, (False, False), (2.0, 1.0)) @ np.linalg.inv(sides)
    assert turn @ turn.T == pytest.approx(np.eye(2))


def test_between_thick_slices_nothing_moves() -> None:
    spacing = (5.0, 1.0, 1.0)
    matrix = deform.matrix([0.1, 0.2, 0.15], 1.2, (True, False, False), spacing)
    assert matrix[0].tolist() == [-1, 0, 0]
    assert matrix[:, 0].tolist() == [-1, 0, 0]
    assert np.linalg.det(matrix[1:, 1:]) == pytest.approx(1.2**2)
    control = torch.randn(1, 3, *deform.knots((6, 20, 20), spacing))
    field = deform.displacement(control, (6, 20, 20), spacing)
    assert not field[:, 0].any()
    assert field[:, 1:].any()


def test_scale_above_one_shows_more() -> None:
    labels = torch.zeros(1, 24, 24, dtype=torch.int64)
    labels[:, 8:16, 8:16] = 1
    images = labels[:, None].float()
    for scale, side in ((1.0, 8), (2.0, 4), (0.5, 16)):
        _, classes = deform.sample(images, labels, maps(0.0, scale=scale), None, (24, 24))
        assert int(classes.sum()) == side**2


def test_a_constant_displacement_shifts() -> None:
    images, labels = batch((8, 9), 1)
    field = torch.zeros(1, 2, 8, 9)
    field[:, 0], field[:, 1] = 2, -1  # the result shows what lies two rows further and one column before
    seen, classes = deform.sample(images, labels, maps(0.0), field, (8, 9))
    assert torch.allclose(seen[:, :, :6, 1:], images[:, :, 2:, :-1], atol=1e-5)
    assert torch.equal(classes[:, :6, 1:], labels[:, 2:, :-1])


def test_a_larger_source_is_seen_around_its_middle() -> None:
    images, labels = batch((12, 13), 1)
    seen, classes = deform.sample(images, labels, maps(0.0), None, (8, 9))
    assert torch.allclose(seen, images[:, :, 2:-2, 2:-2], atol=1e-5)
    assert torch.equal(classes, labels[:, 2:-2, 2:-2])
    field = torch.full((1, 2, 8, 9), 1.0)
    seen, classes = deform.sample(images, labels, maps(0.0), field, (8, 9))
    assert torch.allclose(seen, images[:, :, 3:-1, 3:-1], atol=1e-5)
    assert torch.equal(classes, labels[:, 3:-1, 3:-1])


def test_a_small_lesion_survives_turning_in_the_mean() -> None:
    labels = torch.zeros(300, 9, 9, 9, dtype=torch.int64)
    labels[:, 4, 3, 5] = 1
    rng = np.random.default_rng(0)
    turns = torch.cat([maps(*rng.uniform(-0.3, 0.3, 3)) for _ in range(300)])
    _, kept = deform.sample(labels[:, None].float(), labels, turns, None, (9, 9, 9))
    assert kept.sum() / 300 == pytest.approx(1, abs=0.15)


def test_displacements_are_smooth_and_of_unit_variance() -> None:
    size, spacing = (48, 64, 64), (2.0, 1.0, 1.0)
    control = torch.randn(24, 3, *deform.knots(size, spacing), generator=torch.Generator().manual_seed(0))
    field = deform.displacement(control, size, spacing)
    assert field.shape == (24, 3, *size)
    assert field[:, 1:].std() == pytest.approx(1, abs=0.1)
    assert field[:, 0].std() == pytest.approx(0.5, abs=0.05)  # as many mm are half as many voxels
    assert field[:, 2].diff(dim=3).abs().max() < 0.5


# intensities


def strength(value: float, count: int = 1) -> Tensor:
    return torch.full((count, 1, 1, 1), value)


def test_brightness_and_noise_by_hand() -> None:
    images = torch.tensor([[[[1.0, -2.0]]]])
    assert intensity.brightness(images, strength(1.5)).tolist() == [[[[1.5, -3.0]]]]
    assert intensity.noise(images, torch.tensor([[[[0.5, 0.25]]]])).tolist() == [[[[1.5, -1.75]]]]


def test_contrast_by_hand() -> None:
    # mean 2: distances -2, -1, 3 doubled are -4, -2, 6, cut at the old extremes 0 and 5
    images = torch.tensor([[[[0.0, 1.0, 5.0]]]])
    assert intensity.contrast(images, strength(2.0)).tolist() == [[[[0.0, 0.0, 5.0]]]]
    assert intensity.contrast(images, strength(0.5)).tolist() == [[[[1.0, 1.5, 3.5]]]]


def test_gamma_bends_and_keeps_mean_and_deviation() -> None:
    images, _ = batch((16, 16), 3)
    bent = intensity.gamma(images, strength(1.5, 3))
    assert torch.allclose(bent.mean((2, 3)), images.mean((2, 3)), atol=1e-5)
    assert torch.allclose(bent.std((2, 3)), images.std((2, 3)), atol=1e-4)
    assert not torch.allclose(bent, images, atol=0.05)
    assert torch.allclose(intensity.gamma(images, strength(1.0, 3)), images, atol=1e-5)
    order = images[0, 0].flatten().argsort()
    assert (bent[0, 0].flatten()[order].diff() >= 0).all()


def test_a_constant_patch_stays_finite() -> None:
    flat = torch.full((1, 1, 4, 4), 3.0)
    for name in ("brightness", "contrast", "gamma"):
        assert torch.isfinite(intensity.INTENSITIES[name](flat, strength(0.7))).all()
    assert torch.allclose(intensity.gamma(flat, strength(0.7)), flat)


def test_every_patch_has_its_own_strength() -> None:
    images, _ = batch((5, 5), 2)
    factors = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1)
    assert torch.equal(intensity.brightness(images, factors)[0], images[0])
    assert torch.equal(intensity.brightness(images, factors)[1], images[1] * 3)


def test_the_table_in_the_docstring_names_every_augmentation() -> None:
    assert augment.__doc__ is not None
    for name in AUGMENTATIONS:
        assert f"| {name} |" in augment.__doc__
