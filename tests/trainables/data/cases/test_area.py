"""Crop, region of interest and ignored voxels, from files to scores; every case is asymmetric and worked by hand."""

import pathlib
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainables.data.files import affine, options, orientations, picture, save
from trainables.data.cache import cache
from trainables.data.cases import area
from trainables.data.cases import case as cases
from trainables.data.cases.area import Crop, Roi
from trainables.data.cases.label_values import IGNORED, Label, parse, to_classes
from trainables.data.finding.layouts import CaseFiles
from trainables.data.preparing import preprocess
from trainables.errors import InputError

SHAPE = (11, 9, 7)
"""x, y, z."""


def files(folder: pathlib.Path, **more: np.ndarray) -> CaseFiles:
    """The image is 0 outside x 1..9, y 2..8, z 3..5; the organ is x 2..6, y 3..8, z 3..6, a corner of it the lesion."""
    image, mask = np.zeros(SHAPE, np.int16), np.zeros(SHAPE, np.uint8)
    image[1:9, 2:8, 3:5] = np.random.default_rng(0).integers(1, 500, (8, 6, 2))
    mask[2:6, 3:8, 3:6], mask[2:4, 3:5, 3] = 1, 2
    for name, array in (("image", image), ("mask", mask), *more.items()):
        save(folder / f"{name}.nii.gz", array)
    roi = folder / "roi.nii.gz" if "roi" in more else None
    return CaseFiles("a", (folder / "image.nii.gz",), folder / "mask.nii.gz", roi)


def opened(folder: pathlib.Path, given: CaseFiles, **how: Any) -> cache.CachedCase:
    given_options = options(normalize="none", **how)
    record = cache.prepare_case(given, given_options, folder / "cache")
    return cache.Dataset.open(cache.write_index(folder / "cache", [record], given_options)).cases[given.name]


CROPS = {
    "nonzero": (Crop(to="nonzero"), None, ((3, 5), (2, 8), (1, 9))),
    "margin on one side only has room": (Crop(to="nonzero", margin=(3,)), None, ((0, 7), (0, 9), (0, 11))),
    "margins of [z, y, x]": (Crop(to="nonzero", margin=(1, 0, 2)), None, ((2, 6), (2, 8), (0, 11))),
    "reference": (Crop(to="reference", rule=parse("", 2), margin=(1,)), None, ((2, 5), (2, 6), (1, 5))),
    "reference by rule": (Crop(to="reference", rule=parse("", ">=1")), None, ((3, 6), (3, 8), (2, 6))),
    "box": (Crop(to="roi", margin=(0, 1, 0)), Roi(box=((1, 4), (2, 5), (6, 9))), ((1, 4), (1, 6), (6, 9))),
    "label as region": (Crop(to="roi"), Roi(rule=parse("", ">0")), ((3, 6), (3, 8), (2, 6))),
}


@pytest.mark.parametrize(("crop", "roi", "expected"), CROPS.values(), ids=CROPS)
def test_boxes_by_hand(tmp_path: pathlib.Path, crop: Crop, roi: Roi | None, expected: area.Box) -> None:
    given = files(tmp_path)
    case = opened(tmp_path, given, crop=crop, roi=roi)
    whole = cases.read(given, options().labels, dim=3)
    kept = area.slices(expected)
    assert case.box == expected
    assert (case.image[0] == whole.image[0][kept]).all()
    assert (case.label == whole.reference[kept]).all()
    assert case.reference.shape == whole.reference.shape


def test_a_cropped_case_comes_back_to_its_place(tmp_path: pathlib.Path) -> None:
    # The lesion (2 x 2 x 1 voxels) is inside the box of [z, y, x] = 2..5, 2..6, 1..5; of the organ's 60 - 4 voxels
    # those with y < 6, x < 5 and z < 5 are: 3 x 3 x 2 - 4 = 14. The rest is missed, and the ceiling says so.
    case = opened(tmp_path, files(tmp_path), crop=Crop(to="reference", rule=parse("", 2), margin=(1,)))
    perfect = torch.nn.functional.one_hot(torch.from_numpy(case.label.astype(np.int64)), 3).movedim(-1, 0).float()
    back = case.restore(perfect).numpy()
    assert (back[2:5, 2:6, 1:5] == case.reference[2:5, 2:6, 1:5]).all()
    assert back.sum() == 14 + 2 * 4
    assert case.facts.voxels == {"organ": 56, "lesion": 4}
    assert case.facts.ceilings == {"all": 2 * 18 / (18 + 60), "lesion": 1}
    assert case.facts.prepared_shape == (3, 4, 4)


def test_the_ceiling_of_a_cropped_and_resampled_case_is_the_score_of_its_reference(tmp_path: pathlib.Path) -> None:
    case = opened(
        tmp_path,
        files(tmp_path),
        spacing=(2.0, 3.0, 2.0),
        crop=Crop(to="nonzero"),
        roi=Roi(box=((0, 7), (0, 9), (0, 4))),
    )
    perfect = torch.nn.functional.one_hot(torch.from_numpy(case.label.astype(np.int64)), 3).movedim(-1, 0).float()
    back = case.restore(perfect).numpy()
    for region, classes in {"all": (1, 2), "lesion": (2,)}.items():
        truth, guess = np.isin(case.reference, classes), np.isin(back, classes)
        assert case.facts.ceilings[region] == 2 * (truth & guess).sum() / (truth.sum() + guess.sum())


def test_what_lies_outside_the_region_is_not_scored_and_stays_background(tmp_path: pathlib.Path) -> None:
    roi = np.zeros(SHAPE, np.uint8)
    roi[3:11, 0:6, 1:6] = 7  # anything but 0
    case = opened(tmp_path, files(tmp_path, roi=roi), roi=Roi())
    inside = roi.transpose() > 0
    assert case.excluded is not None
    assert (case.excluded == ~inside).all()
    # inside are, of the organ x 3..6, y 3..6, z 3..6: 27; of them lesion x 3, y 3..5, z 3: 2
    assert case.facts.voxels == {"organ": 25, "lesion": 2}
    assert (case.reference > 0).sum() == 27
    everywhere = torch.zeros(3, *case.label.shape)
    everywhere[1] = 1
    assert (case.restore(everywhere).numpy() == inside).all()
    assert (case.label > 0).sum() == 60  # training sees all of it
    assert case.box is None


def test_outside_the_region_the_lowest_value(tmp_path: pathlib.Path) -> None:
    given, roi = files(tmp_path), Roi(box=((3, 5), (2, 8), (3, 9)))
    kept = opened(tmp_path, given, roi=roi)
    case = opened(tmp_path, given, roi=roi, outside_roi="minimum", clip=(-10.0, 400.0))
    inside = np.zeros(SHAPE[::-1], bool)
    inside[3:5, 2:8, 3:9] = True
    assert (case.image[0][~inside] == 0).all()
    assert (case.image[0][inside] == np.minimum(kept.image[0][inside], 400)).all()
    assert (kept.image[0][~inside] != 0).any()
    assert (case.label == np.where(inside, kept.label, 0)).all()  # what cannot be seen is not asked for


def test_the_region_is_taken_along_where_voxels_are_resampled(tmp_path: pathlib.Path) -> None:
    image, mask = np.full((8, 4, 4), 100, np.int16), np.zeros((8, 4, 4), np.uint8)
    image[:2], image[4:] = 10, 50
    mask[1:3] = 1
    given = CaseFiles(
        "a", (save(tmp_path / "i.nii", image, affine((1, 1, 1))),), save(tmp_path / "m.nii", mask, affine((1, 1, 1)))
    )
    case = opened(
        tmp_path, given, spacing=(1.0, 1.0, 2.0), roi=Roi(box=((0, 4), (0, 4), (4, 8))), outside_roi="minimum"
    )
    assert case.image.shape == (1, 4, 4, 4)
    assert (case.image[0][:, :, :2] == case.image.min()).all()
    assert (case.image[0][:, :, 2:] > case.image.min()).all()


@pytest.mark.parametrize("how", [{"ignore": (parse("", 7),)}, {"other_labels": "ignore"}])
def test_ignored_voxels_are_neither_trained_on_nor_scored(tmp_path: pathlib.Path, how: dict[str, Any]) -> None:
    given = files(tmp_path)
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:6, 3:8, 3:6], mask[2:4, 3:5, 3] = 1, 2
    mask[4:8, 6:9, 4] = 7  # 2 x 2 x 1 of the organ, 12 in all
    save(given.mask, mask)
    case = opened(tmp_path, given, **how)
    ignored = mask.transpose() == 7
    assert case.label.dtype == np.uint8
    assert ((case.label == IGNORED) == ignored).all()
    assert (np.where(ignored, 0, case.label) == case.reference).all()
    assert case.facts.voxels == {"organ": 52, "lesion": 4}
    assert case.facts.ceilings == {"all": 1, "lesion": 1}
    assert case.excluded is not None
    assert (case.excluded == ignored).all()
    assert not np.isin(case.foreground, np.flatnonzero(ignored)).any()
    everywhere = torch.zeros(3, *case.label.shape)
    everywhere[2] = 1
    assert ((case.restore(everywhere).numpy() == 0) == ignored).all()


def test_ignored_voxels_on_another_grid(tmp_path: pathlib.Path) -> None:
    # Along x: 1 1 | 7 7 | 0 0 at twice the side is 1, ignored, 0.
    mask = np.repeat(np.array([1, 1, 7, 7, 0, 0], np.uint8), 8).reshape(6, 4, 2)
    given = CaseFiles(
        "a",
        (save(tmp_path / "i.nii", mask.astype(np.int16), affine((1, 1, 1))),),
        save(tmp_path / "m.nii", mask, affine((1, 1, 1))),
    )
    case = opened(tmp_path, given, spacing=(1.0, 1.0, 2.0), ignore=(parse("", 7),))
    assert (case.label == np.array([1, IGNORED, 0])).all()


def test_ignore_beside_rules() -> None:
    values = np.array([0, 1, 2, 3, 255])
    labels = (Label("tissue", ">=", 1.0),)
    assert to_classes(values, labels, ignore=(parse("", 255),)).tolist() == [0, 1, 1, 1, IGNORED]
    assert to_classes(values, (parse("a", 1),), "ignore").tolist() == [0, 1, IGNORED, IGNORED, IGNORED]
    assert to_classes(values, (parse("a", 1),), "background", (parse("", ">2"),)).tolist() == [
        0,
        1,
        0,
        IGNORED,
        IGNORED,
    ]
    with pytest.raises(InputError, match="takes the value of a label"):
        to_classes(values, (parse("a", 2),), "background", (parse("", ">1"),))
    with pytest.raises(InputError, match="values 2, 3 are covered by no label"):
        to_classes(values, (parse("a", 1),), ignore=(parse("", 255),))


WRONG = {
    "a box beyond the image": ({"roi": Roi(box=((0, 2), (9, 12), (0, 4)))}, "holds no voxel of the image's"),
    "a box of four sides": ({"roi": Roi(box=((0, 2),) * 4)}, "has 4 sides, the image 3"),
    "no mask of the region": ({"roi": Roi()}, "no mask of its region of interest"),
    "a label that is not there": ({"crop": Crop(to="reference", rule=parse("liver", 3))}, "nothing of the label"),
    "a region that is empty": ({"crop": Crop(to="roi"), "roi": Roi(rule=parse("", 3))}, "region of interest is empty"),
    "a margin of two numbers": ({"crop": Crop(to="nonzero", margin=(1, 2))}, "has 2 numbers, the image 3 axes"),
}


@pytest.mark.parametrize(("how", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_kept_is_refused(tmp_path: pathlib.Path, how: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        opened(tmp_path, files(tmp_path), **how)
    assert str(error.value).startswith(f"{tmp_path.name}/")
    assert "\n" not in str(error.value)


def test_an_empty_or_shifted_mask_of_the_region_is_refused(tmp_path: pathlib.Path) -> None:
    given = files(tmp_path, roi=np.zeros(SHAPE, np.uint8))
    with pytest.raises(InputError, match=r"roi\.nii\.gz: the region of interest is empty"):
        opened(tmp_path, given, roi=Roi())
    save(tmp_path / "roi.nii.gz", np.ones((*SHAPE[:2], 6), np.uint8))
    with pytest.raises(InputError, match=r"roi\.nii\.gz: shape 6x9x11 differs"):
        opened(tmp_path, given, roi=Roi())


def test_an_empty_image_has_nothing_to_crop_to(tmp_path: pathlib.Path) -> None:
    given = files(tmp_path)
    save(given.images[0], np.zeros(SHAPE, np.int16))
    with pytest.raises(InputError, match=r"image\.nii\.gz: all voxels are 0"):
        opened(tmp_path, given, crop=Crop(to="nonzero"))


def test_48_orientations_are_one_entry_whatever_is_kept(tmp_path: pathlib.Path) -> None:
    given = files(tmp_path, roi=(np.indices(SHAPE).sum(0) > 5).astype(np.uint8))
    how = options(
        spacing=(2.0, 3.0, 2.0),
        roi=Roi(),
        crop=Crop(to="reference", rule=parse("", 2), margin=(1, 0, 2)),
        ignore=(parse("", 9),),
    )
    import nibabel

    arrays = [np.asarray(nibabel.load(path).dataobj) for path in (*given.images, given.mask, given.roi)]  # type: ignore[arg-type]
    turned = [list(orientations(array, affine())) for array in arrays]
    entries = set()
    for number in range(48):
        paths = [save(tmp_path / f"{i}_{number}.nii", *kind[number]) for i, kind in enumerate(turned)]
        entries.add(cache.prepare_case(CaseFiles("a", (paths[0],), paths[1], paths[2]), how, tmp_path / "cache").entry)
    assert len(entries) == 1


def test_pictures_have_regions_too(tmp_path: pathlib.Path) -> None:
    mask = np.zeros((6, 9), np.uint8)
    mask[1:4, 2:7] = 1
    given = CaseFiles("a", (picture(tmp_path / "i.png", 30 * mask + 5),), picture(tmp_path / "m.png", mask))
    case = opened(tmp_path, given, dim=2, regions={}, roi=Roi(box=((0, 3), (4, 9))), crop=Crop(to="roi", margin=(1, 0)))
    assert case.box == ((0, 4), (4, 9))
    assert case.facts.voxels == {"organ": 6, "lesion": 0}


def test_a_blurred_region_is_refused(tmp_path: pathlib.Path) -> None:
    mask = np.zeros((16, 16), np.uint8)
    mask[2:9, 3:8] = 1
    given = CaseFiles(
        "a",
        (picture(tmp_path / "i.png", 30 * mask),),
        picture(tmp_path / "m.png", mask),
        picture(tmp_path / "r.jpg", 255 * mask),
    )
    with pytest.raises(InputError, match=r"/r\.jpg: JPEG blurs the edge of a region\. Save it as PNG"):
        opened(tmp_path, given, dim=2, regions={}, roi=Roi())


def test_another_region_file_is_another_key(tmp_path: pathlib.Path) -> None:
    first = opened(tmp_path, files(tmp_path, roi=np.ones(SHAPE, np.uint8)), roi=Roi())
    roi = np.ones(SHAPE, np.uint8)
    roi[:3] = 0
    second = opened(tmp_path, files(tmp_path, roi=roi), roi=Roi())
    assert first.folder != second.folder


def test_options_with_an_area_survive_json() -> None:
    how = options(
        roi=Roi(box=((0, 3), (1, 4), (2, 5))),
        crop=Crop(to="reference", rule=parse("liver", ">=1"), margin=(1, 2, 3)),
        ignore=(parse("", 255),),
        normalize=("zscore", "minmax"),
        percentiles=(0.5, 99.5),
    )
    assert type(how).from_plain(how.plain()) == how
    assert type(how).from_plain(options(roi=Roi(rule=parse("l", 1))).plain()) == options(roi=Roi(rule=parse("l", 1)))
    for wrong in ({"crop": Crop(to="roi")}, {"outside_roi": "minimum"}, {"percentiles": (2, 1)}):
        with pytest.raises(ValueError, match="must"):
            options(**wrong)
    assert preprocess.PreprocessOptions.from_plain(options().plain()) == options()
    later = {"roi", "crop", "ignore", "outside_roi", "pad", "percentiles", "components"}
    earlier = {name: value for name, value in options().plain().items() if name not in later}
    assert preprocess.PreprocessOptions.from_plain(earlier) == options()
