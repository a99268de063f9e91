import pathlib
import types

import numpy as np
import pytest

from tests.trainables.data.files import options, pair
from trainables.data.cache import cache
from trainables.data.cache.scaling import Scaled, scaled, training_scales
from trainables.data.patches.patches import PatchSampler
from trainables.errors import InputError
from trainables.trial import TrialSpec


def with_foreground(*values: list[float]) -> types.SimpleNamespace:
    return types.SimpleNamespace(foreground_intensities=np.array(values, np.float32))


def test_scales_by_hand() -> None:
    # 1, 3, 5, 7 over both cases: mean 4, variance 5; the second channel is not asked for.
    cases = [with_foreground([1, 7, 3], [0, 0, 0]), with_foreground([5], [9])]
    how = options(normalize=("zscore_training", "minmax"))
    assert training_scales(cases, how) == ((None, None, 4.0, pytest.approx(5**0.5)), None)
    cut = options(normalize=("zscore_training", "minmax"), percentiles=(0.0, 50.0))
    assert training_scales(cases, cut) == ((1.0, 4.0, 4.0, pytest.approx(5**0.5)), None)
    assert training_scales(cases, options()) == ()
    assert training_scales([with_foreground([6, 6])], options(normalize="zscore_training")) == ((None, None, 6.0, 1.0),)
    with pytest.raises(InputError, match="none has any"):
        training_scales([with_foreground([])], options(normalize="zscore_training"))


def test_scaled_by_hand() -> None:
    values = np.array([-1, 2, 9], np.float32)
    assert scaled(values, (0.0, 5.0, 2.0, 0.5)).tolist() == [-4, 0, 6]
    assert scaled(values, (None, None, 2.0, 0.5)).tolist() == [-6, 0, 14]
    assert scaled(values, None).tolist() == [-1, 2, 9]
    assert scaled(values, None) is not values


def test_a_scaled_image_is_read_like_an_array() -> None:
    stored = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    image = Scaled(stored, ((None, None, 1.0, 2.0), None))
    whole = np.stack([(stored[0] - 1) / 2, stored[1]])
    assert image.shape == (2, 3, 4)
    assert len(image) == 2
    assert (np.array(image) == whole).all()
    for index in ((slice(None), slice(1, 3), 2), (0, 1), 1, slice(1, 2), (slice(None), slice(0, 1), slice(None))):
        assert (image[index] == whole[index]).all()
    assert np.asarray(image, np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="1 scales for 2 channels"):
        Scaled(stored, (None,))


def test_only_training_cases_decide_and_every_reader_sees_it(tmp_path: pathlib.Path) -> None:
    how = options(normalize="zscore_training", clip=(-400.0, 450.0))
    records = [cache.prepare_case(pair(tmp_path, f"c{seed}", seed), how, tmp_path / "cache") for seed in range(3)]
    index = cache.write_index(tmp_path / "cache", records, how)
    plain = cache.Dataset.open(index)
    with pytest.raises(ValueError, match="c0: prepared for zscore_training"):
        _ = plain.cases["c0"].image
    scales = training_scales([plain.cases["c0"], plain.cases["c2"]], how)
    raw = [np.load(case.folder / "image.npy") for case in plain]
    inside = np.concatenate([raw[i][0][plain.cases[f"c{i}"].label > 0] for i in (0, 2)]).astype(np.float64)
    assert scales == ((None, None, pytest.approx(inside.mean()), pytest.approx(inside.std())),)
    data = cache.Dataset.open(index, scales)
    for number, case in enumerate(data):
        assert np.allclose(np.array(case.image), (raw[number] - inside.mean()) / inside.std(), atol=1e-5)
        assert case.padding == (0.0,)
    patch, _ = PatchSampler(data, ["c1"], (9, 9, 9), 0.0, seed=1).batch(0, 1)  # larger than the case: all of it
    assert patch.mean() == pytest.approx(np.pad(np.array(data.cases["c1"].image)[0], ((1, 1), (0, 1), (0, 0))).mean())


def test_padding_by_the_lowest_value_is_scaled_too(tmp_path: pathlib.Path) -> None:
    how = options(normalize="zscore_training", clip=(-400.0, 450.0), pad="minimum")
    record = cache.prepare_case(pair(tmp_path), how, tmp_path / "cache")
    index = cache.write_index(tmp_path / "cache", [record], how)
    assert cache.Dataset.open(index, ((None, None, 100.0, 50.0),)).cases["case_1"].padding == (-10.0,)


def test_scales_survive_json() -> None:
    from tests.trainables import tiny

    given = tiny.spec(scales=((None, None, 4.0, 0.1), None, (-1.5, 2.5, 0.3, 7.0)))
    assert TrialSpec.from_json(given.to_json()) == given
