"""Damaged MetaImages: one line each, and nothing of what ITK writes on the standard error stream."""

import pathlib
import tracemalloc

import numpy as np
import pytest

from tests.trainables.data.files import affine, volume
from tests.trainables.data.formats import write
from trainables.data.reading import readers
from trainables.errors import InputError

IMAGE = volume((5, 4, 3))[0]
DAMAGE: dict[str, tuple[bytes, bytes, str]] = {
    "no size": (b"DimSize = 5 4 3\n", b"", "damaged header: it has no DimSize"),
    "no type": (b"ElementType = MET_SHORT\n", b"", "damaged header: it has no ElementType"),
    "no dimensions": (b"NDims = 3\n", b"", "damaged header: it has no NDims"),
    "a size that is none": (b"= 5 4 3", b"= 5 x 3", "damaged header: DimSize is '5 x 3'"),
    "no voxels": (b"= 5 4 3", b"= 5 0 3", "damaged header: DimSize is '5 0 3'"),
    "too few sizes": (b"= 5 4 3", b"= 5 4", "NDims 3 and DimSize '5 4' make no image"),
    "eleven dimensions": (b"NDims = 3", b"NDims = 11", "NDims 11 and DimSize '5 4 3' make no image"),
    "more voxels than data": (b"= 5 4 3", b"= 5 4 30", "120 of 1,200 bytes of voxels in it"),
    "an unknown type": (b"MET_SHORT", b"MET_SHRT", "ElementType MET_SHRT is not among MET_CHAR"),
    "not compressed": (b"CompressedData = False", b"CompressedData = True", "0 of 120 bytes of voxels in it"),
    "cut header": (b"ElementDataFile = LOCAL\n", b"", "damaged header: it has no ElementDataFile"),
}


def refused(path: pathlib.Path, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    with pytest.raises(InputError) as error:
        readers.read(path)
    assert str(error.value).startswith(f"{path.parent.name}/{path.name}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("old", "new", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_one_line(
    tmp_path: pathlib.Path, old: bytes, new: bytes, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a.mha", IMAGE, affine())
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))
    refused(path, message, capfd)


@pytest.mark.parametrize("content", [b"hello world\n" * 9, b"\0" * 99, b"NDims = 3"])
def test_what_is_no_header(tmp_path: pathlib.Path, content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.mha").write_bytes(content)
    refused(tmp_path / "a.mha", "damaged header: it has no ", capfd)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("ending", [".mha", ".mhd"])
def test_cut_short(tmp_path: pathlib.Path, ending: str, packed: bool, capfd: pytest.CaptureFixture[str]) -> None:
    image = np.random.default_rng(0).integers(0, 9999, (15, 14, 13)).astype(np.int16)
    path = write(tmp_path / f"a{ending}", image, affine(), packed=packed)
    readers.read(path)
    data = path if ending == ".mha" else next(file for file in tmp_path.iterdir() if file.name.endswith("raw"))
    content = data.read_bytes()
    data.write_bytes(content[: len(content) // 2])
    refused(path, f"of 5,460 bytes of voxels in {'it' if ending == '.mha' else data.name}", capfd)
    data.write_bytes(content[: len(content) // 2] + b"\xff" * (len(content) - len(content) // 2))
    if packed:  # damaged in the middle: ITK would go on with what was in memory
        refused(path, "truncated or damaged gzip", capfd)


def test_a_missing_data_file(tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.mhd", IMAGE, affine())
    (tmp_path / "a.raw").unlink()
    refused(path, "its data file a.raw is not there", capfd)


def test_windows_line_ends_and_several_slices(tmp_path: pathlib.Path) -> None:
    path = write(tmp_path / "a.mhd", IMAGE, affine())
    whole = readers.read(path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert (readers.read(path).array == whole.array).all()
    voxels = (tmp_path / "a.raw").read_bytes()
    for number in range(3):
        (tmp_path / f"s{number}.raw").write_bytes(voxels[number * 40 : number * 40 + 40])
    path.write_bytes(path.read_bytes().replace(b"a.raw", b"s%d.raw 0 2 1"))
    assert (readers.read(path).array == whole.array).all()


def test_a_mask_is_inflated_piece_by_piece(tmp_path: pathlib.Path) -> None:
    mask = np.zeros((300, 300, 200), np.uint8)
    mask[3:9, 4:7, 5:50] = 1
    path = write(tmp_path / "a.mha", mask, affine(), packed=True)
    assert path.stat().st_size * 100 < mask.size
    tracemalloc.start()
    try:
        assert (readers.read(path).array == mask).all()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.1 * mask.size  # once as it was inflated, once as NumPy compares


def changed(path: pathlib.Path, *pairs: tuple[bytes, bytes]) -> pathlib.Path:
    """The file with parts of its header replaced."""
    content = path.read_bytes()
    for old, new in pairs:
        assert content.count(old) == 1
        content = content.replace(old, new)
    path.write_bytes(content)
    return path


DICTIONARY = b"dim[0] = 3\n0008|0016 = 1.2.840.10008.5.1.4.1.1.2\nITK_FileNotes = a = b\nDimSize = 5 4 3\n"
SAME: dict[str, tuple[tuple[bytes, bytes], ...]] = {
    "a dictionary before the sizes": ((b"DimSize = 5 4 3\n", DICTIONARY),),
    "a line that is no field": ((b"NDims = 3\n", b"a comment\nNDims = 3\n"),),
    "Position for Offset": ((b"Offset = ", b"Position = "),),
    "Origin for Offset": ((b"Offset = ", b"Origin = "),),
    "Orientation for TransformMatrix": ((b"TransformMatrix = ", b"Orientation = "),),
    "ElementSize for ElementSpacing": ((b"ElementSpacing = ", b"ElementSize = "),),
    "a field twice, with one value": ((b"NDims = 3\n", b"NDims = 3\nNDims = 3\n"),),
    "no compression field": ((b"CompressedData = False\n", b""),),
}


@pytest.mark.parametrize("name", SAME)
def test_other_ways_to_say_the_same(tmp_path: pathlib.Path, name: str) -> None:
    path = write(tmp_path / "a.mha", IMAGE, affine())
    whole = readers.read(path)
    same = readers.read(changed(path, *SAME[name]))
    assert (same.array == whole.array).all()
    assert (same.affine == whole.affine).all()  # type: ignore[union-attr]
    assert same.sides == whole.sides


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"NDims = 3\n", b"NDims = 3\nDimSize = 3 4 5\n", "damaged header: DimSize stands twice, as 3 4 5 and 5 4 3"),
        (b"ElementSpacing = 1.5 2 3", b"ElementSpacing = 1.5 0 3", "voxel size (ElementSpacing) is 1.5 0 3"),
        (b"ElementSpacing = 1.5 2 3", b"ElementSpacing = 1.5 -2 3", "voxel size (ElementSpacing) is 1.5 -2 3"),
        (b"ElementSpacing = 1.5 2 3", b"ElementSpacing = 1.5 2", "damaged header: ElementSpacing is '1.5 2'"),
        (b"Offset = ", b"Offset = nan ", "damaged header: Offset is 'nan"),
        (b"NDims = 3", b"ElementNumberOfChannels = x\nNDims = 3", "ElementNumberOfChannels is 'x'"),
        (b"MET_SHORT", b"MET_CHAR", "120 bytes for 60. The voxel type or a size in the header is wrong"),
        (b"= 5 4 3", b"= 400000000 400000000 3", "120 of 960,000,000,000,000,000 bytes of voxels in it"),
    ],
)
def test_wrong_fields_are_named(
    tmp_path: pathlib.Path, old: bytes, new: bytes, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    refused(changed(write(tmp_path / "a.mha", IMAGE, affine()), (old, new)), message, capfd)


def test_compressed_voxels_are_those_that_were_checked(tmp_path: pathlib.Path) -> None:
    """ITK reads `CompressedDataSize` bytes of them; absent or wrong, the rest is old memory."""
    image = np.random.default_rng(0).integers(0, 9999, (15, 14, 13)).astype(np.int16)
    path = write(tmp_path / "a.mha", image, affine(), packed=True)
    content = path.read_bytes()
    line = next(line for line in content.split(b"\n") if line.startswith(b"CompressedDataSize"))
    for other in (b"", b"CompressedDataSize = 7\n", b"CompressedDataSize = 99999999\n"):
        path.write_bytes(content.replace(line + b"\n", other))
        assert (readers.read(path).array == image).all()


def test_bytes_before_or_after_the_voxels(tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.mhd", IMAGE, affine())
    header, voxels = path.read_bytes(), (tmp_path / "a.raw").read_bytes()
    (tmp_path / "a.raw").write_bytes(b"H" * 50 + voxels)
    refused(path, "its data in a.raw are 50 bytes longer than the header explains. If these stand before", capfd)
    for size in (b"50", b"-1"):
        path.write_bytes(header.replace(b"DimSize", b"HeaderSize = " + size + b"\nDimSize"))
        raw = readers.read(path)
        assert (raw.array == IMAGE).all()
        assert raw.warnings == ()
    (tmp_path / "a.raw").write_bytes(voxels + b"T" * 50)
    path.write_bytes(header.replace(b"DimSize", b"HeaderSize = 0\nDimSize"))
    raw = readers.read(path)
    assert (raw.array == IMAGE).all()
    assert "50 bytes longer than the header explains" in raw.warnings[0]
    local = write(tmp_path / "b.mha", IMAGE, affine())
    local.write_bytes(local.read_bytes() + b"\n")
    assert "1 bytes longer" in readers.read(local).warnings[0]


def test_big_endian_and_text(tmp_path: pathlib.Path) -> None:
    path = write(tmp_path / "a.mha", IMAGE, affine())
    header = path.read_bytes()[: -IMAGE.nbytes]
    path.write_bytes(header.replace(b"MSB = False", b"MSB = True") + IMAGE.astype(">i2").tobytes(order="F"))
    assert (readers.read(path).array == IMAGE).all()
    words = " ".join(str(value) for value in IMAGE.reshape(-1, order="F"))
    path.write_bytes(header.replace(b"BinaryData = True", b"BinaryData = False") + words.encode())
    assert (readers.read(path).array == IMAGE).all()
    path.write_bytes(header.replace(b"BinaryData = True", b"BinaryData = False") + words.encode() + b" 7 7")
    with pytest.raises(InputError, match="62 numbers in its text, 60 expected"):
        readers.read(path)
