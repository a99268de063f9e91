"""NRRD: encodings, skips and data files; wrong headers are named."""

import bz2
import gzip
import pathlib

import numpy as np
import pytest

from tests.trainables.data.files import volume
from trainables.data.reading import readers
from trainables.errors import InputError

IMAGE = volume((5, 4, 3))[0]
VOXELS = IMAGE.tobytes(order="F")
HEAD = b"NRRD0004\n# made by hand\ntype: short\ndimension: 3\nsizes: 5 4 3\nendian: little\nspace: RAS\n"
HEAD += b"space directions: (1.5,0,0) (0,2,0) (0,0,3)\nspace origin: (-20,5,40)\nmy key:=a value: with colons\n"


def nrrd(path: pathlib.Path, encoding: bytes, data: bytes, *more: bytes, head: bytes = HEAD) -> pathlib.Path:
    path.write_bytes(head + b"encoding: " + encoding + b"\n" + b"".join(line + b"\n" for line in more) + b"\n" + data)
    return path


WORDS = " ".join(str(value) for value in IMAGE.reshape(-1, order="F")).encode()
ENCODED = {
    b"raw": VOXELS,
    b"gzip": gzip.compress(VOXELS),
    b"gz": gzip.compress(VOXELS),
    b"bzip2": bz2.compress(VOXELS),
    b"text": WORDS,
    b"hex": VOXELS.hex().encode(),
}


@pytest.mark.parametrize("encoding", ENCODED, ids=lambda encoding: encoding.decode())
def test_every_encoding_in_one_file_and_two(tmp_path: pathlib.Path, encoding: bytes) -> None:
    whole = nrrd(tmp_path / "a.nrrd", encoding, ENCODED[encoding])
    (tmp_path / "b.data").write_bytes(ENCODED[encoding])
    apart = nrrd(tmp_path / "b.nhdr", encoding, b"", b"data file: b.data")
    for path in (whole, apart):
        raw = readers.read(path)
        assert raw.array.dtype == np.int16
        assert raw.array.dtype.isnative
        assert (raw.array == IMAGE).all()
        assert raw.sides == (1.5, 2.0, 3.0)
        assert raw.affine is not None
        assert raw.affine[:3, 3].tolist() == [-20, 5, 40]
        assert raw.warnings == ()


def test_skipped_lines_and_bytes(tmp_path: pathlib.Path) -> None:
    (tmp_path / "d").write_bytes(b"one\ntwo\n??" + VOXELS)
    assert (
        readers.read(nrrd(tmp_path / "a.nhdr", b"raw", b"", b"data file: d", b"line skip: 2", b"byte skip: 2")).array
        == IMAGE
    ).all()
    assert (readers.read(nrrd(tmp_path / "b.nhdr", b"raw", b"", b"datafile: d", b"byteskip: -1")).array == IMAGE).all()
    (tmp_path / "z").write_bytes(gzip.compress(b"??" + VOXELS))
    assert (
        readers.read(nrrd(tmp_path / "c.nhdr", b"gzip", b"", b"data file: z", b"byte skip: 2")).array == IMAGE
    ).all()


def test_slices_in_files_of_their_own(tmp_path: pathlib.Path) -> None:
    for number in range(3):
        (tmp_path / f"s{number + 9}.raw").write_bytes(VOXELS[number * 40 : number * 40 + 40])
    listed = nrrd(tmp_path / "a.nhdr", b"raw", b"", b"data file: LIST\ns9.raw\ns10.raw\ns11.raw")
    listed.write_bytes(listed.read_bytes().rstrip(b"\n") + b"\n")
    assert (readers.read(listed).array == IMAGE).all()
    assert (readers.read(nrrd(tmp_path / "b.nhdr", b"raw", b"", b"data file: s%d.raw 9 11 1")).array == IMAGE).all()


def test_big_endian_and_windows_line_ends(tmp_path: pathlib.Path) -> None:
    big = HEAD.replace(b"little", b"big").replace(b"\n", b"\r\n")
    path = tmp_path / "a.nrrd"
    path.write_bytes(big + b"encoding: raw\r\n\r\n" + IMAGE.astype(">i2").tobytes(order="F"))
    assert (readers.read(path).array == IMAGE).all()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"sizes: 5 4 3\n", b"", "damaged header: it has no sizes"),
        (b"sizes: 5 4 3", b"sizes: 5 4", "damaged header: dimension 3 and sizes '5 4' make no image"),
        (b"sizes: 5 4 3", b"sizes: 5 4 0", "damaged header: dimension 3 and sizes '5 4 0' make no image"),
        (b"type: short", b"type: block", "voxels of type block are not grey values"),
        (b"endian: little\n", b"", "damaged header: it has no endian"),
        (b"encoding: raw", b"encoding: zstd", "encoding 'zstd' is not among raw, gzip"),
        (b"NRRD0004", b"XRRD0004", "it does not begin with NRRD"),
        (b"type: short", b"type: short\ntype: int", "type stands twice, with different values"),
        (b"type: short", b"type: uchar", "120 bytes for 60. The voxel type or a size in the header is wrong"),
        (b"sizes: 5 4 3", b"sizes: 90000000 90000000 3", "truncated or damaged: 120 of 48,600,000,000,000,000 bytes"),
        (b"(0,2,0)", b"(0,0,0)", "voxel size (space directions) is 1.5 0 3"),
    ],
)
def test_wrong_headers_are_named(tmp_path: pathlib.Path, old: bytes, new: bytes, message: str) -> None:
    path = nrrd(tmp_path / "a.nrrd", b"raw", VOXELS)
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))
    with pytest.raises(InputError) as caught:
        readers.read(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_data_longer_than_the_header_explains(tmp_path: pathlib.Path) -> None:
    (tmp_path / "d").write_bytes(VOXELS + b"tail")
    with pytest.raises(InputError, match="add `byte skip: -1` to the header; if after, `byte skip: 0`"):
        readers.read(nrrd(tmp_path / "a.nhdr", b"raw", b"", b"data file: d"))
    raw = readers.read(nrrd(tmp_path / "a.nhdr", b"raw", b"", b"data file: d", b"byte skip: 0"))
    assert "4 bytes longer" in raw.warnings[0]
    assert (
        "4 bytes longer"
        in readers.read(nrrd(tmp_path / "b.nrrd", b"gzip", gzip.compress(VOXELS + b"tail"))).warnings[0]
    )
