"""Files that an image consists of: data files of headers, slices of a series."""

import pathlib

import pytest

from trainables.data.reading import parts

MHD = b"NDims = 3\nElementDataFile = "
NRRD = b"NRRD0004\ntype: short\ndata file: "


@pytest.mark.parametrize(
    ("name", "header", "named"),
    [
        ("a.mhd", MHD + b"a.raw\n", ["a.raw"]),
        ("a.mhd", MHD + b"LOCAL\n\0\1", []),
        ("a.mhd", MHD + b"s%03d.raw 8 12 2\n", ["s008.raw", "s010.raw", "s012.raw"]),
        ("a.mhd", MHD + b"s%d.raw 9 10\n", ["s10.raw", "s9.raw"]),
        ("a.mhd", MHD + b"LIST\none.raw\ntwo.raw\n", ["one.raw", "two.raw"]),
        ("a.nhdr", NRRD + b"a.raw.gz\n", ["a.raw.gz"]),
        ("a.nhdr", NRRD.replace(b"data file", b"datafile") + b"a.raw\r\n", ["a.raw"]),
        ("a.nrrd", b"NRRD0004\ntype: short\n\ndata file: voxels.raw\n", []),
        ("a.mhd", b"Comment = x\ndata file: other.raw\n" + MHD + b"a.raw\n", ["a.raw"]),
        ("a.mhd", b"elementdatafile = other.raw\n" + MHD + b"a.raw\n", ["a.raw"]),
        ("a.nhdr", NRRD.replace(b"data file", b"data file:=other.raw\ndata file") + b"a.raw\n", ["a.raw"]),
        ("a.nhdr", NRRD.replace(b"data file", b"ElementDataFile = other.raw\ndata file") + b"a.raw\n", ["a.raw"]),
        ("a.nii.gz", MHD + b"a.raw\n", []),
    ],
)
def test_data_files_that_a_header_names(tmp_path: pathlib.Path, name: str, header: bytes, named: list[str]) -> None:
    path = tmp_path / name
    path.write_bytes(header)
    assert parts.of(path) == (path, *(tmp_path / file for file in named))


def test_a_file_that_is_not_there_is_its_only_part(tmp_path: pathlib.Path) -> None:
    assert parts.of(tmp_path / "a.mhd") == (tmp_path / "a.mhd",)


def test_slices_are_known_by_ending_or_first_bytes(tmp_path: pathlib.Path) -> None:
    contents = {
        "a.DCM": b"",
        "b.ima": b"",
        "IM7": b"\0" * 128 + b"DICM",
        "DICOMDIR": b"\0" * 128 + b"DICM",
        "x": b"DICM",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert {file.name for file in parts.of(tmp_path) if parts.is_slice(file)} == {"a.DCM", "b.ima", "IM7"}
    assert parts.is_series(tmp_path)
    for name in ("a.DCM", "b.ima", "IM7"):
        (tmp_path / name).unlink()
    assert not parts.is_series(tmp_path)


def test_hidden_files_and_folders_are_no_parts(tmp_path: pathlib.Path) -> None:
    (tmp_path / "z").write_bytes(b"")
    (tmp_path / ".DS_Store").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    assert parts.of(tmp_path) == (tmp_path / "z",)
