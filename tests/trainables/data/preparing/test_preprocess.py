import dataclasses

import numpy as np
import pytest
import torch

from tests.trainables.data.files import normalized, options
from trainables.data.cases.case import Case
from trainables.data.preparing import preprocess, resample
from trainables.errors import InputError


def sphere(shape: tuple[int, ...] = (20, 18, 16), spacing: tuple[float, ...] | None = (2.0, 1.0, 1.0)) -> Case:
    axes = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
    radius = sum(axis**2 for axis in axes) ** 0.5
    reference = (radius < 6).astype(np.uint8) + (radius < 2.5)
    image = np.random.default_rng(0).normal(reference * 50.0, 20, shape)
    return Case(image[None].astype(np.float32), reference.astype(np.uint8), spacing, ())


def test_a_case_on_its_own_grid() -> None:
    case = sphere()
    made = preprocess.prepare(case, options())
    assert (made.label == case.reference).all()
    assert (made.image[0] == normalized(case.image[0], None, "zscore")).all()
    assert made.spacing == made.reference_spacing == (2.0, 1.0, 1.0)
    assert made.padding == (0.0,)


def test_a_case_on_another_grid() -> None:
    case = sphere()
    made = preprocess.prepare(case, options(spacing=(3.0, 1.5, 1.0), clip=(-40, 80), normalize="none"))
    assert made.label.shape == made.image.shape[1:] == (13, 12, 16)
    assert made.spacing == (round(40 / 13, 6), 1.5, 1.0)
    assert (made.image[0] == np.clip(resample.image(case.image[0], (13, 12, 16)), -40, 80)).all()
    assert made.padding == (float(made.image.min()),)
    assert made.reference is case.reference
    assert made.reference_spacing == (2.0, 1.0, 1.0)


def test_unknown_spacing_reports_pixels_and_cannot_be_resampled() -> None:
    assert preprocess.prepare(sphere(), options(spacing="unknown")).reference_spacing is None
    assert preprocess.prepare(sphere(spacing=None), options()).spacing is None
    with pytest.raises(InputError, match=r"asks for \[1.0, 1.0, 1.0\] mm. Set it to `native`"):
        preprocess.prepare(sphere(spacing=None), options(spacing=(1.0, 1.0, 1.0)))


def test_channels_are_normalised_by_themselves() -> None:
    case = sphere()
    both = Case(np.concatenate([case.image, case.image * 1000 + 5]), case.reference, case.spacing, ())
    made = preprocess.prepare(both, options())
    assert np.allclose(made.image[0], made.image[1], atol=1e-3)


def test_foreground_is_sampled_class_by_class(monkeypatch: pytest.MonkeyPatch) -> None:
    label = np.zeros((10, 10), np.uint8)
    label[2:8, 3:9], label[4, 4:6] = 1, 3
    voxels, counts = preprocess.foreground_sample(label, 4)
    assert counts == (0, 34, 0, 2)
    assert voxels.dtype == np.int32
    assert voxels.tolist() == [*np.flatnonzero(label == 1), 44, 45]
    monkeypatch.setattr(preprocess, "FOREGROUND_CAP", 8)
    few, counts = preprocess.foreground_sample(label, 4)
    assert counts == (0, 8, 0, 2)
    assert len(set(few[:8])) == 8
    assert (label.reshape(-1)[few[:8]] == 1).all()
    places = np.searchsorted(np.flatnonzero(label == 1), few[:8])
    eighths = np.arange(9) * 34 / 8
    assert (np.floor(eighths[:-1]) <= places).all()
    assert (places < np.ceil(eighths[1:])).all()
    assert (preprocess.foreground_sample(label, 4)[0] == few).all()


def test_grey_levels_by_hand() -> None:
    values = np.array([-200, -160, 40, 240, 999], np.float32)
    assert preprocess.grey_levels(values, (-160, 240)).tolist() == [0, 0, 128, 255, 255]
    spread = np.arange(1001, dtype=np.float32)
    assert preprocess.grey_levels(spread, None)[[0, 5, 500, 995, 1000]].tolist() == [0, 0, 128, 255, 255]
    assert preprocess.grey_levels(np.full(4, 3.0, np.float32), None).tolist() == [0] * 4


def test_ceilings_by_hand() -> None:
    # 1 1 0 0 2 0 on six pixels, on two: middles at 1.0 and 4.0 of the six, all 1 and all 2; back on six the middles
    # 1/6, 1/2, 5/6, … of the two give 1 1 1 2 2 2. Class 1: 2 * 2 / (2 + 3); class 2: 2 * 1 / (1 + 3).
    reference = np.array([[1, 1, 0, 0, 2, 0]], np.uint8)
    label = resample.class_map(reference, (1, 2), 4)
    assert label.tolist() == [[1, 2]]
    regions = {"both": (1, 2), "one": (1,), "two": (2,), "none": (3,)}
    assert preprocess.ceilings(label, reference, regions, 4) == {
        "both": pytest.approx(6 / 9),
        "one": pytest.approx(4 / 5),
        "two": pytest.approx(2 / 4),
        "none": None,
    }


def test_the_ceiling_is_the_score_of_the_reference_as_prediction() -> None:
    case = sphere((24, 30, 28))
    made = preprocess.prepare(case, options(spacing=(3.2, 1.7, 1.7)))
    perfect = torch.nn.functional.one_hot(torch.from_numpy(made.label).long(), 3).movedim(-1, 0).float()
    returned = resample.restore(perfect, case.reference.shape).numpy()
    for region, classes in {"all": (1, 2), "lesion": (2,)}.items():
        truth, guess = np.isin(case.reference, classes), np.isin(returned, classes)
        dice = 2 * np.logical_and(truth, guess).sum() / (truth.sum() + guess.sum())
        found = preprocess.ceilings(made.label, case.reference, {region: classes}, 3)[region]
        assert found == dice
        assert 0.7 < found < 1


@pytest.mark.parametrize(
    "wrong",
    [{"dim": 4}, {"spacing": (1.0, 1.0)}, {"spacing": (1.0, 0.0, 1.0)}, {"clip": (3, 3)}, {"regions": {"a": (3,)}}],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must"):
        options(**wrong)


def test_options_survive_json() -> None:
    how = options(spacing=(3.22, 1.62, 1.62), clip=(-79.0, 304.0))
    assert type(how).from_plain(how.plain()) == how
    assert type(how).from_plain(options(spacing="unknown").plain()) == options(spacing="unknown")
    assert how.classes == ("background", "organ", "lesion")


def test_zscore_of_what_is_not_zero() -> None:
    # 1, 3, 5, 7 as above; the zeros stay 0 and count for nothing.
    image = np.array([[0, 1, 3, 0, 5, 7, 0]], np.float32)
    case = Case(image[None], np.zeros((1, 7), np.uint8), (1.0, 1.0), ())
    made = preprocess.prepare(case, options(dim=2, regions={}, normalize="zscore_nonzero"))
    assert made.image[0, 0] == pytest.approx(np.array([0, -3, -1, 0, 1, 3, 0]) / 5**0.5)
    assert made.padding == (0.0,)
    empty = dataclasses.replace(case, image=np.zeros_like(case.image))
    assert not preprocess.prepare(empty, options(dim=2, regions={}, normalize="zscore_nonzero")).image.any()


def test_percentiles_of_each_channel() -> None:
    # 0 … 10: the 10th and 90th percentile are 1 and 9. Twice that in the second channel.
    image = np.arange(11, dtype=np.float32).reshape(1, 1, 11) * np.array([1, 2], np.float32).reshape(2, 1, 1)
    case = Case(image, np.zeros((1, 11), np.uint8), (1.0, 1.0), ())
    how = options(dim=2, regions={}, normalize="none", percentiles=(10.0, 90.0))
    made = preprocess.prepare(case, how).image
    assert made[0, 0].tolist() == [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert made[1, 0].tolist() == [2, 2, 4, 6, 8, 10, 12, 14, 16, 18, 18]
    # of 1 … 10 they are 1.9 and 9.1: with zscore_nonzero zeros do not count
    apart = preprocess.prepare(case, dataclasses.replace(how, normalize="zscore_nonzero")).image[0, 0]
    inside = np.clip(np.arange(1, 11), 1.9, 9.1)
    assert apart[1:] == pytest.approx((inside - inside.mean()) / inside.std(), abs=1e-6)
    assert apart[0] == 0


def test_each_channel_its_own_normalisation() -> None:
    case = sphere()
    both = dataclasses.replace(case, image=np.concatenate([case.image, case.image + 5]))
    made = preprocess.prepare(both, options(normalize=("zscore", "minmax"), pad="background"))
    assert (made.image[0] == normalized(both.image[0], None, "zscore")).all()
    assert (made.image[1] == normalized(both.image[1], None, "minmax")).all()
    assert made.padding == (0.0, 0.0)
    for wrong in (("zscore",), ("zscore", "minmax", "none")):
        with pytest.raises(InputError, match=f"given for {len(wrong)} channels, the image has 2"):
            preprocess.prepare(both, options(normalize=wrong))


def test_padding_is_the_lowest_value_where_it_should() -> None:
    case = sphere()
    for how in ("zscore", "zscore_nonzero", "minmax", "none"):
        made = preprocess.prepare(case, options(normalize=how, pad="minimum"))
        assert made.padding == (float(made.image.min()),)
    assert made.padding[0] is not None
    assert made.padding[0] < -20


def test_zscore_training_leaves_intensities_and_keeps_those_of_the_foreground(monkeypatch: pytest.MonkeyPatch) -> None:
    case = sphere()
    made = preprocess.prepare(case, options(normalize="zscore_training", clip=(-30, 90), percentiles=None))
    assert (made.image[0] == np.clip(case.image[0], -30, 90)).all()
    assert made.foreground_intensities is not None
    assert (made.foreground_intensities[0] == made.image[0][case.reference > 0]).all()
    assert made.padding == (None,)
    monkeypatch.setattr(preprocess, "FOREGROUND_CAP", 50)
    few = preprocess.prepare(case, options(normalize="zscore_training", clip=(-30, 90))).foreground_intensities
    assert few is not None
    assert few.shape == (1, 50)
    assert np.isin(few, made.foreground_intensities).all()


def test_foreground_intensities_are_of_classes_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    # 900 voxels of one class and 90 of another: of 200 some 18 are the other's, not a half.
    reference = np.zeros((1, 1000), np.uint8)
    reference[0, :900], reference[0, 905:995] = 1, 2
    ignored = np.zeros((1, 1000), bool)
    ignored[0, 995:] = True
    case = Case(np.where(ignored, 7, reference)[None].astype(np.float32), reference, (1.0, 1.0), (), ignored)
    monkeypatch.setattr(preprocess, "FOREGROUND_CAP", 200)
    made = preprocess.prepare(case, options(dim=2, regions={}, normalize="zscore_training", other_labels="ignore"))
    assert made.foreground_intensities is not None
    values, counts = np.unique(made.foreground_intensities, return_counts=True)
    assert values.tolist() == [1, 2]
    assert counts[1] == pytest.approx(200 * 90 / 990, abs=1)
