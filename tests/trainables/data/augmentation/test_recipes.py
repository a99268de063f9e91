"""Recipes: every option changes what is drawn, in its own distribution; wrong ones are refused."""

from typing import Any

import numpy as np
import pytest
import torch

from trainables.data.augmentation import deform, draws, intensity
from trainables.data.augmentation.augment import Augmenter
from trainables.data.augmentation.draws import DRAWS
from trainables.data.augmentation.patterns import perlin
from trainables.data.augmentation.recipes import OPTIONS, PRESETS, RecipeError, parse, spelled, written


def drawn(recipe: dict[str, dict[str, Any]], count: int = 2000, size: tuple[int, ...] = (8, 9, 10)) -> list[Any]:
    """The draw for the one augmentation of a recipe."""
    ((name, _),) = recipe.items()
    maker = Augmenter((recipe,), 7, size)
    return [one[name] for iteration in range(count) if name in (one := maker.draw(iteration, 1)[0].values)]


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "mirror"])
def test_the_probability_is_that_of_the_recipe(name: str) -> None:
    assert len(drawn({name: {"probability": 0.6}})) / 2000 == pytest.approx(0.6, abs=0.04)
    assert drawn({name: {"probability": 0}}) == []


def test_each_axis_is_mirrored_by_its_own_chance() -> None:
    flips = np.array(drawn({"mirror": {"probability": 0.2}}))
    assert flips.mean(0) == pytest.approx([0.2] * 3, abs=0.04)


@pytest.mark.parametrize(
    ("name", "options", "low", "high"),
    [
        ("rotate", {"degrees": 40}, np.deg2rad(-40), np.deg2rad(40)),
        ("scale", {"range": [0.5, 3]}, 0.5, 3),
        ("elastic", {"displacement": [1, 4]}, 1, 4),
        ("brightness", {"range": [0.2, 0.4]}, 0.2, 0.4),
        ("contrast", {"range": [0.9, 1.2]}, 0.9, 1.2),
        ("gamma", {"range": [0.1, 2]}, 0.1, 2),
        ("noise", {"deviation": [0.3, 0.4]}, 0.3, 0.4),
        ("uniform_noise", {"amplitude": [0.5, 0.9]}, 0.5, 0.9),
        ("salt_pepper", {"share": [0.1, 0.3]}, 0.1, 0.3),
    ],
)
def test_ranges_are_those_of_the_recipe(name: str, options: dict[str, Any], low: float, high: float) -> None:
    values = np.array(drawn({name: {"probability": 1, **options}}))
    assert low <= values.min() < low + 0.02 * (high - low)
    assert high - 0.02 * (high - low) < values.max() <= high
    middle = (low + high) / 2 if name not in ("scale", "contrast", "gamma") else 1.0
    assert (values < middle).mean() == pytest.approx(0.5, abs=0.05)


def test_the_filters_strength_and_width() -> None:
    values = np.array(drawn({"elastic_filter": {"probability": 1}}))
    assert (values.min(0) >= [0, 9]).all()
    assert (values.max(0) <= [900, 13]).all()
    assert values.mean(0) == pytest.approx([450, 11], rel=0.05)
    fixed = np.array(drawn({"elastic_filter": {"probability": 1, "alpha": 30, "sigma": [4, 4]}}, 50))
    assert (fixed == [30, 4]).all()


def test_perlins_cells_octaves_and_amplitude() -> None:
    values = drawn({"perlin": {"probability": 1, "octaves": [2, 4], "cell": [5, 7], "persistence": 0.3}}, 600)
    assert {one["octaves"] for one in values} == {2, 3, 4}
    assert all(5 <= one["cell"] <= 7 and 0.02 <= one["amplitude"] <= 0.2 for one in values)
    assert {one["persistence"] for one in values} == {0.3}


def test_the_filtered_field_is_batchgenerators() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    noise = np.random.default_rng(0).uniform(-1, 1, (2, 20, 33)).astype(np.float32)
    found = deform.smoothed(torch.from_numpy(noise), 2.5, (1.0, 1.0))
    expected = np.stack([ndimage.gaussian_filter(one, 2.5, mode="constant", cval=0) for one in noise])
    assert found.numpy() == pytest.approx(expected, abs=1e-6)
    thick = deform.smoothed(torch.from_numpy(noise), 2.5, (4.0, 1.0))
    assert not thick[0].any()
    assert torch.equal(thick[1], found[1])


def test_grains_take_the_channels_extremes() -> None:
    images = torch.tensor([[[[1.0, 2.0, 3.0]], [[10.0, 20.0, 30.0]]]])
    grains = torch.tensor([[[[1.0, 0.0, -1.0]], [[0.0, -1.0, 1.0]]]])
    assert intensity.salt_pepper(images, grains).tolist() == [[[[3.0, 2.0, 1.0]], [[10.0, 10.0, 30.0]]]]


def test_salt_and_pepper_are_as_many_as_said() -> None:
    images = torch.randn(1, 1, 100, 100)
    maker = Augmenter(({"salt_pepper": {"probability": 1, "share": [0.1, 0.1]}},), 3, (100, 100))
    seen, _ = maker.apply(images, torch.zeros(1, 100, 100, dtype=torch.int64), 0)
    changed = seen != images
    assert changed.float().mean() == pytest.approx(0.1, abs=0.015)
    assert set(seen[changed].tolist()) == {images.min().item(), images.max().item()}


@pytest.mark.parametrize("size", [(64, 80), (20, 24, 22)])
def test_perlin_noise_is_smooth_centred_and_reaches_one(size: tuple[int, ...]) -> None:
    made = [perlin(np.random.default_rng(seed), size, cell=16, octaves=1, persistence=0.5) for seed in range(8)]
    for pattern in made:
        assert pattern.shape == size
        assert np.abs(pattern).max() == pytest.approx(1)
        assert max(float(np.abs(np.diff(pattern, axis=axis)).max()) for axis in range(len(size))) < 0.35
    assert np.mean(made) == pytest.approx(0, abs=0.1)
    rough = perlin(np.random.default_rng(0), size, cell=16, octaves=4, persistence=0.9)
    assert np.abs(np.diff(rough, axis=0)).mean() > 1.5 * np.abs(np.diff(made[0], axis=0)).mean()


def test_perlin_noise_is_nothing_on_its_lattice() -> None:
    class Still:  # a generator whose lattice begins at the first voxel's middle less half a voxel
        random = staticmethod(lambda: 0.0)
        standard_normal = np.random.default_rng(1).standard_normal

    pattern = perlin(Still(), (9, 9), cell=1, octaves=1, persistence=1)  # type: ignore[arg-type]
    assert np.abs(pattern).max() == 1  # in the middle between lattice points
    fine = perlin(Still(), (8, 8), cell=4, octaves=1, persistence=1)  # type: ignore[arg-type]
    assert np.abs(fine[0, 0]) < np.abs(fine[1:3, 1:3]).max()


def test_miscnns_order_is_intensities_before_geometry() -> None:
    """A constant brightness before or after the one spatial map gives the same; noise before it is interpolated."""
    images, labels = torch.zeros(1, 1, 40, 40), torch.zeros(1, 40, 40, dtype=torch.int64)
    always = {"noise": {"probability": 1, "deviation": [1, 1]}}, {"rotate": {"probability": 1, "degrees": 30}}
    before, after = (Augmenter(order, 5, (24, 24)) for order in (always, always[::-1]))
    spread = [maker.apply(images, labels, 1)[0].std().item() for maker in (before, after)]
    assert spread[1] == pytest.approx(1, abs=0.1)
    assert spread[0] < 0.9
    assert not images.any()
    assert tuple(dict(parse(("miscnn",)))) == PRESETS["miscnn"]


def test_presets_are_spelled_out_and_recipes_written_shortly() -> None:
    assert spelled(("miscnn", "perlin")) == (*PRESETS["miscnn"], "perlin")
    given = ({"rotate": {"probability": 0.15, "degrees": 30}}, {"noise": {}}, {"scale": {"range": (0.9, 1.1)}})
    assert written(given) == ({"rotate": {"degrees": 30.0}}, "noise", {"scale": {"range": [0.9, 1.1]}})
    assert written(written(given)) == written(given)
    assert dict(parse(written(given))) == dict(parse(given))


def test_every_augmentation_has_options_and_draws() -> None:
    assert list(OPTIONS) == list(DRAWS)
    assert all("probability" in options for options in OPTIONS.values())


@pytest.mark.parametrize(
    ("entry", "path", "text"),
    [
        ("blur", (0,), "there is no augmentation 'blur'"),
        ({"rotate": {}, "scale": {}}, (0,), "expected a name"),
        ({"rotate": 15}, (0,), "expected a name"),
        ({"rotate": {"angle": 15}}, (0, "rotate", "angle"), "rotate has no such option; it has probability, degrees"),
        ({"rotate": {"degrees": 400}}, (0, "rotate", "degrees"), "a number from 0 to 180"),
        ({"rotate": {"degrees": [0, 20]}}, (0, "rotate", "degrees"), "a number from 0 to 180"),
        ({"noise": {"probability": True}}, (0, "noise", "probability"), "a number from 0 to 1"),
        ({"scale": {"range": [1.1, 1.3]}}, (0, "scale", "range"), "a range around 1"),
        ({"gamma": {"range": [2, 1]}}, (0, "gamma", "range"), "2 is above 1"),
        ({"perlin": {"cell": [1, 8]}}, (0, "perlin", "cell"), "two numbers of at least 2, low and high"),
    ],
)
def test_what_cannot_be_is_refused(entry: Any, path: tuple[Any, ...], text: str) -> None:
    with pytest.raises(RecipeError, match=text) as caught:
        parse((entry,))
    assert caught.value.path == path
    with pytest.raises(RecipeError, match="names one twice: mirror"):
        parse(("mirror", {"mirror": {}}))


def test_an_axis_that_is_not_mirrored_leaves_the_others_draws_as_they_were() -> None:
    every, some = (dict(parse([{"mirror": {"axes": axes}}])) for axes in ("zyx", "xz"))
    assert some["mirror"]["axes"] == "zx"
    for slot in range(20):
        whole = draws.draw(every, 3, 3, 0, slot).values["mirror"]
        assert draws.draw(some, 3, 3, 0, slot).values["mirror"] == [whole[0], False, whole[2]]
        flat = draws.draw(some, 3, 2, 0, slot).values["mirror"]
        assert flat == [False, draws.draw(every, 3, 2, 0, slot).values["mirror"][1]]
    assert written([{"mirror": {"axes": "zyx"}}]) == ("mirror",)


@pytest.mark.parametrize("axes", ["", "w", "xx", 1, ["x"], None])
def test_axes_that_are_none_are_refused(axes: object) -> None:
    with pytest.raises(RecipeError, match="expected letters among zyx"):
        parse([{"mirror": {"axes": axes}}])
