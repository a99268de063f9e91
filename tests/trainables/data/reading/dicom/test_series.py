"""DICOM series: each slice's own rescale, bits and sign; series that make up no volume are named."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pydicom
import pytest

from tests.trainables.data.files import affine, volume
from tests.trainables.data.formats import write_series
from trainables.data.reading import readers
from trainables.data.reading.dicom.series import UNMEASURED
from trainables.errors import InputError

UPRIGHT = affine((0.75, 0.8, 2.5), (-12.5, 7.25, -100)) @ np.diag([-1.0, -1.0, 1.0, 1.0])
IMAGE = volume()[0]


def series(folder: pathlib.Path, change: Callable[[Any, int], None] = lambda slice_, number: None) -> pathlib.Path:
    """A CT whose slices are changed one by one, given each and its number from the lowest."""
    write_series(folder, IMAGE, UPRIGHT)
    for file in folder.iterdir():
        slice_ = pydicom.dcmread(file)
        change(slice_, int(slice_.InstanceNumber))
        slice_.save_as(file)
    return folder


def by_number(folder: pathlib.Path, number: int) -> pathlib.Path:
    return next(file for file in folder.iterdir() if pydicom.dcmread(file).InstanceNumber == number)


def test_each_slice_has_its_own_rescale(tmp_path: pathlib.Path) -> None:
    def rescale(slice_: Any, number: int) -> None:
        slice_.RescaleSlope, slice_.RescaleIntercept = (
            ("1", "0") if number == 0 else (f"{0.5 / number:.6g}", f"{number}")
        )

    raw = readers.read(series(tmp_path / "pet", rescale))
    slopes = [1.0, *(float(f"{0.5 / number:.6g}") for number in range(1, 7))]
    assert raw.array == pytest.approx(IMAGE * np.array(slopes) + np.arange(7), abs=1e-9)
    assert raw.array.dtype == np.float64
    assert raw.warnings == ()


def test_whole_rescales_stay_whole_and_do_not_wrap(tmp_path: pathlib.Path) -> None:
    def rescale(slice_: Any, number: int) -> None:
        slice_.RescaleSlope, slice_.RescaleIntercept = str(1 if number == 0 else 100), "0"

    raw = readers.read(series(tmp_path / "ct", rescale))
    assert raw.array.dtype.kind == "i"
    assert (raw.array == IMAGE.astype(np.int64) * np.array([1, *[100] * 6])).all()


def test_bits_and_signs_may_differ_from_slice_to_slice(tmp_path: pathlib.Path) -> None:
    def store(slice_: Any, number: int) -> None:
        plane = IMAGE[:, :, number].T
        if number % 3 == 1:  # unsigned, shifted by an intercept
            slice_.PixelRepresentation, slice_.RescaleIntercept = 0, "-500"
            slice_.PixelData = (plane + 500).astype("<u2").tobytes()
        if number % 3 == 2:  # 12 bits of 16
            slice_.BitsStored, slice_.HighBit = 12, 11

    raw = readers.read(series(tmp_path / "ct", store))
    assert (raw.array == IMAGE).all()


def test_copies_are_taken_once(tmp_path: pathlib.Path) -> None:
    folder = series(tmp_path / "ct")
    (folder / "copy.dcm").write_bytes(by_number(folder, 3).read_bytes())
    raw = readers.read(folder)
    assert (raw.array == IMAGE).all()
    assert raw.warnings == ("1 of its 8 slices are copies of others: taken once",)


def _add(folder: pathlib.Path, number: int, **tags: Any) -> None:
    """Another slice at the place of one, with other pixels."""
    slice_ = pydicom.dcmread(by_number(folder, number))
    slice_.PixelData = bytes(len(slice_.PixelData))
    for name, value in tags.items():
        setattr(slice_, name, value)
    slice_.save_as(folder / f"other-{number}-{len(list(folder.iterdir()))}.dcm")


def _times(folder: pathlib.Path, **tags: tuple[Any, Any]) -> None:
    for number in range(7):
        file = by_number(folder, number)
        slice_ = pydicom.dcmread(file)
        for name, (first, _) in tags.items():
            setattr(slice_, name, first)
        slice_.save_as(file)
    for number in range(7):
        _add(folder, number, **{name: second for name, (_, second) in tags.items()})


def _set(number: int, **tags: Any) -> Callable[[pathlib.Path], None]:
    def spoil(folder: pathlib.Path) -> None:
        file = by_number(folder, number)
        slice_ = pydicom.dcmread(file)
        for name, value in tags.items():
            setattr(slice_, name, value)
        slice_.save_as(file)

    return spoil


BAD: dict[str, tuple[Callable[[pathlib.Path], None], str]] = {
    "a doubled slice": (lambda folder: _add(folder, 3), "different slices lie at one place"),
    "two times": (
        lambda folder: _times(folder, TemporalPositionIdentifier=(1, 2)),
        r"2 volumes in one series: its slices differ in TemporalPositionIdentifier \(1, 2\)",
    ),
    "two echoes": (lambda folder: _times(folder, EchoNumbers=(1, 2)), r"differ in EchoNumbers \(1, 2\)"),
    "two acquisitions": (lambda folder: _times(folder, AcquisitionNumber=(4, 5)), r"AcquisitionNumber \(4, 5\)"),
    "two series": (
        lambda folder: _times(folder, SeriesInstanceUID=("1.2.3", "1.2.4")),
        "2 DICOM series in this folder, expected one",
    ),
    "a gap": (lambda folder: by_number(folder, 3).unlink(), "slices lie 2.5 to 5 mm apart: one is missing"),
    "a slice out of line": (_set(3, ImagePositionPatient=[12.5, -7.25, -91.3]), "slices lie 1.3 to 3.7 mm apart"),
    "another photometric": (_set(3, PhotometricInterpretation="MONOCHROME1"), "differ in PhotometricInterpretation"),
    "other pixels": (_set(3, PixelSpacing=[0.9, 0.75]), "differ in PixelSpacing"),
    "another orientation": (_set(3, ImageOrientationPatient=[0, 1, 0, 1, 0, 0]), "differ in ImageOrientationPatient"),
    "no position": (_set(3, ImagePositionPatient=None), "one is without a position"),
    "no size": (
        lambda folder: [_set(n, PixelSpacing=[0, 0.75])(folder) for n in range(7)] and None,
        r"voxel size \(PixelSpacing\) is 0 0.75: not all are positive",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_volume_is_named(tmp_path: pathlib.Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    spoil, message = BAD[name]
    folder = series(tmp_path / "ct")
    spoil(folder)
    capfd.readouterr()
    with pytest.raises(InputError, match=message) as caught:
        readers.read(folder)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path.name}/ct: ")
    assert capfd.readouterr() == ("", "")


def test_another_size_is_named(tmp_path: pathlib.Path) -> None:
    folder = series(tmp_path / "ct")
    wide = write_series(tmp_path / "wide", np.zeros((9, 10, 7), np.int16), UPRIGHT)
    file = by_number(folder, 3)
    file.write_bytes(by_number(wide, 3).read_bytes())
    with pytest.raises(InputError, match=r"its slices differ in size \(9 x 8 x 1 and 9 x 10 x 1\)"):
        readers.read(folder)


def test_a_tilted_gantry_keeps_its_shear(tmp_path: pathlib.Path) -> None:
    def tilt(slice_: Any, number: int) -> None:
        x, y, z = slice_.ImagePositionPatient
        slice_.ImagePositionPatient = [x, float(y) + 0.75 * number, z]

    raw = readers.read(series(tmp_path / "ct", tilt))
    assert (raw.array == IMAGE).all()
    assert raw.affine is not None
    assert raw.affine[:3, 2] == pytest.approx([0, -0.75, 2.5])  # to the back in LPS
    assert raw.sides == pytest.approx((0.75, 0.8, np.hypot(0.75, 2.5)))


def test_slices_without_pixel_spacing_are_told(tmp_path: pathlib.Path) -> None:
    def drop(slice_: Any, number: int) -> None:
        del slice_.PixelSpacing

    assert UNMEASURED in readers.read(series(tmp_path / "xa", drop)).warnings


def test_one_slice_and_one_file(tmp_path: pathlib.Path) -> None:
    folder = series(tmp_path / "ct")
    raw = readers.read(by_number(folder, 4))
    assert (raw.array[:, :, 0] == IMAGE[:, :, 4]).all()
    assert raw.sides is not None
    assert raw.sides[:2] == (0.75, 0.8)


def test_sizes_and_directions_that_differ_by_rounding_are_one_volume(tmp_path: pathlib.Path) -> None:
    def jitter(slice_: Any, number: int) -> None:
        slice_.PixelSpacing = [0.80005, 0.75] if number % 2 else [0.80004, 0.75]
        slice_.ImageOrientationPatient = [1, 0.0005 if number % 2 else 0.0004, 0, 0, 1, 0]

    assert (readers.read(series(tmp_path / "ct", jitter)).array == IMAGE).all()


@pytest.mark.parametrize("implicit", [False, True])
def test_values_that_go_through_a_table_are_refused(tmp_path: pathlib.Path, implicit: bool) -> None:
    def change(slice_: Any, number: int) -> None:
        if implicit:
            slice_.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        if number == 2:
            table = pydicom.Dataset()
            table.LUTDescriptor, table.ModalityLUTType, table.LUTData = (
                [4, 0, 16],
                "OD",
                np.array([0, 7, 70, 700], "<u2").tobytes(),
            )
            slice_.ModalityLUTSequence = pydicom.Sequence([table])
            del slice_.RescaleSlope, slice_.RescaleIntercept

    with pytest.raises(InputError, match=r"its values go through a table \(Modality LUT Sequence\)"):
        readers.read(series(tmp_path / "ct", change))


def test_a_window_for_display_does_not_change_values(tmp_path: pathlib.Path) -> None:
    """A VOI LUT is a viewer's; an empty Modality LUT Sequence says nothing."""

    def change(slice_: Any, number: int) -> None:
        table = pydicom.Dataset()
        table.LUTDescriptor, table.LUTData = [4, 0, 16], np.array([0, 7, 70, 700], "<u2").tobytes()
        slice_.VOILUTSequence = pydicom.Sequence([table])
        slice_.WindowCenter, slice_.WindowWidth = "40", "400"
        slice_.ModalityLUTSequence = pydicom.Sequence([])

    changed, plain = readers.read(series(tmp_path / "a", change)), readers.read(series(tmp_path / "b"))
    assert (changed.array == plain.array).all()
