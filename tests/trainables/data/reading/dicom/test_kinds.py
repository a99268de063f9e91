"""Kinds of DICOM files by the SOP class of their first bytes."""

import pathlib

import pytest

from tests.trainables.data.files import affine, volume
from tests.trainables.data.formats import write_series
from trainables.data.reading.dicom import kinds

CT, SEG, RTSTRUCT, REPORT = (f"{kinds.STORAGE}{end}" for end in ("2", "66.4", "481.3", "88.11"))


def test_the_class_of_a_slice(tmp_path: pathlib.Path) -> None:
    folder = write_series(tmp_path / "ct", volume((4, 3, 2))[0], affine())
    for file in folder.iterdir():
        assert kinds.is_image(kinds.sop_class(file))
        assert kinds.sop_class(file).startswith("1.2.840.10008.5.1.4.1.1.")


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 200, b"\0" * 128 + b"DICM", b"\0" * 128 + b"DICM" + b"\2\0\2\0UI\xff\xff"]
)
def test_other_bytes_have_none(tmp_path: pathlib.Path, content: bytes) -> None:
    (tmp_path / "a.dcm").write_bytes(content)
    assert kinds.sop_class(tmp_path / "a.dcm") in ("", "\xff")
    assert kinds.sop_class(tmp_path / "missing.dcm") == ""


def test_images_masks_and_others() -> None:
    assert [kinds.is_image(kind) for kind in (CT, SEG, RTSTRUCT, REPORT, "")] == [True, False, False, False, True]
    assert [kinds.is_mask(kind) for kind in (CT, SEG, RTSTRUCT, REPORT, "")] == [False, True, True, False, False]
