import pathlib

import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.files import affine, picture, save, volume
from trainables.data.cases import case as cases
from trainables.data.cases.coding import decoded, listed, values_of
from trainables.data.cases.label_values import parse_all
from trainables.data.finding.layouts import CaseFiles
from trainables.errors import InputError

BLACK_AND_WHITE = np.array([0, 255], np.uint8)
BITS = np.array([[0, 1, 1], [1, 0, 0]], np.uint8)


@pytest.mark.parametrize("rule", [1, 255, ">127", ">0", "!=0", ">=1"])
def test_a_bit_is_found_by_its_number_or_by_what_it_shows(rule: int | str) -> None:
    assert (decoded(BITS, parse_all({"organ": rule}), "refuse", (), levels=BLACK_AND_WHITE).classes == BITS).all()


def test_two_readings_that_both_have_labels_and_differ_are_refused() -> None:
    with pytest.raises(InputError, match=r"as stored \(1\) and as viewers show them \(255\) are both labels"):
        decoded(BITS, parse_all({"a": 1, "b": 255}), "refuse", (), levels=BLACK_AND_WHITE)
    white_first = np.array([255, 0], np.uint8)
    with pytest.raises(InputError, match="are both labels"):
        decoded(BITS, parse_all({"a": ">0"}), "refuse", (), levels=white_first)


def test_a_reading_in_which_all_is_ignored_does_not_count() -> None:
    found = decoded(BITS, parse_all({"organ": 255}), "ignore", (), levels=BLACK_AND_WHITE)
    assert (found.classes == BITS).all()
    assert (found.values == 255 * BITS).all()


def test_values_of_neither_reading_are_refused_as_stored() -> None:
    with pytest.raises(InputError, match="value 1 is covered by no label"):
        decoded(BITS, parse_all({"organ": 7}), "refuse", (), levels=BLACK_AND_WHITE)
    assert not decoded(0 * BITS, parse_all({"organ": 7}), "refuse", (), levels=BLACK_AND_WHITE).classes.any()


def test_values_within_half_a_scale_factor_are_labels() -> None:
    labels = parse_all({"organ": 1, "lesion": 2})
    mask = np.array([0, 0.99607849, 2.0000001], np.float32)  # 0, 1, 2 as nibabel packs them in bytes: 127 / 255 * 2
    assert decoded(mask, labels, "background", (), step=2 / 255).classes.tolist() == [0, 1, 2]
    assert decoded(mask, labels, "background", ()).classes.tolist() == [0, 0, 2]
    with pytest.raises(InputError, match="covered by no label"):
        decoded(np.array([0, 0.99, 2]), labels, "refuse", (), step=2 / 255)


def test_a_float_mask_saved_with_a_header_of_bytes(tmp_path: pathlib.Path) -> None:
    image, mask = volume()
    packed = nibabel.Nifti1Image(mask.astype(np.float64), affine())
    packed.set_data_dtype(np.uint8)
    nibabel.save(packed, tmp_path / "m.nii.gz")
    assert 0.99 < np.unique(nibabel.load(tmp_path / "m.nii.gz").get_fdata())[1] < 0.997
    files = CaseFiles("a", (save(tmp_path / "i.nii.gz", image),), tmp_path / "m.nii.gz")
    found = cases.read(files, parse_all({"organ": 1, "lesion": 2}), dim=3, other="background")
    assert (found.reference == mask.transpose()).all()
    assert found.mask_values == (1.0, 2.0)


@pytest.mark.parametrize("kind", ["bit", "palette", "gif", "alpha"])
def test_masks_that_are_coded_differently_give_the_same_case(tmp_path: pathlib.Path, kind: str) -> None:
    mask = np.zeros((12, 10), np.uint8)
    mask[2:7, 3:9] = 255
    image = picture(tmp_path / "i.png", np.arange(120, dtype=np.uint8).reshape(12, 10))
    path = tmp_path / ("m.gif" if kind == "gif" else "m.png")
    if kind == "bit":
        Image.fromarray(mask > 0).save(path)
    elif kind == "alpha":
        Image.merge("LA", [Image.new("L", (10, 12), 255), Image.fromarray(mask)]).save(path)
    else:
        drawn = Image.fromarray((mask > 0).astype(np.uint8), mode="P")
        drawn.putpalette([0, 0, 0, 255, 255, 255])
        drawn.save(path)
    found = cases.read(CaseFiles("a", (image,), path), parse_all({"organ": ">127"}), dim=2)
    assert (found.reference == (mask > 0)).all()


def test_values_by_hand() -> None:
    assert values_of(np.array([[3, 0], [1, 3]], np.uint8)) == (1.0, 3.0)
    assert values_of(np.array([0.5, -2, 0])) == (-2.0, 0.5)
    assert len(values_of(np.arange(300))) == 16
    assert listed(np.arange(9)) == "1, 2, 3, 4, …"
    assert listed(np.zeros(3)) == "0"


def test_a_mask_that_was_drawn_on_the_turned_picture_is_refused_with_the_reason(tmp_path: pathlib.Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = picture(tmp_path / "i.png", np.zeros((12, 10), np.uint8), exif=exif)
    mask = picture(tmp_path / "m.png", np.zeros((10, 12), np.uint8))
    with pytest.raises(InputError, match=r"shape 10x12 differs from its image's 12x10 \(EXIF orientation 6 asks"):
        cases.read(CaseFiles("a", (image,), mask), parse_all({"organ": 1}), dim=2)
