"""FreeSurfer's MGH: values and place as nibabel writes them, wrong headers named."""

import gzip
import pathlib

import nibabel
import numpy as np
import pytest

from tests.trainables.data.files import affine, volume
from trainables.data.reading import readers
from trainables.data.reading.mgh import UNPLACED
from trainables.errors import InputError

IMAGE = volume()[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.uint16])
@pytest.mark.parametrize("ending", [".mgh", ".mgz"])
def test_every_type_of_it(tmp_path: pathlib.Path, ending: str, dtype: type) -> None:
    array = (IMAGE % 200).astype(dtype)
    nibabel.save(nibabel.MGHImage(array, affine()), tmp_path / f"a{ending}")
    raw = readers.read(tmp_path / f"a{ending}")
    assert raw.array.dtype == dtype
    assert (raw.array == array).all()
    assert raw.affine == pytest.approx(affine(), abs=1e-4)
    assert raw.sides == (1.5, 2.0, 3.0)
    assert raw.warnings == ()


def test_channels_packed_by_another_name_and_no_place(tmp_path: pathlib.Path) -> None:
    both = np.stack([IMAGE, IMAGE + 1], -1).astype(np.int16)
    content = bytearray(nibabel.MGHImage(both, affine()).to_bytes())
    (tmp_path / "a.mgh").write_bytes(gzip.compress(bytes(content)))
    assert (readers.read(tmp_path / "a.mgh").array == both).all()
    content[28:30] = b"\0\0"
    (tmp_path / "b.mgh").write_bytes(content)
    raw = readers.read(tmp_path / "b.mgh")
    assert raw.warnings == (UNPLACED,)
    assert raw.affine is not None
    assert raw.affine[:3, :3].tolist() == [[-1, 0, 0], [0, 0, 1], [0, -1, 0]]  # x left, y down, z to the front


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda content: content[:200], "it has no MGH header"),
        (lambda content: b"\0\0\0\2" + content[4:], "it has no MGH header"),
        (lambda content: content[:4] + b"\x7f\0\0\0" + content[8:], "truncated or damaged: "),
        (lambda content: content[:900], "truncated or damaged: "),
        (lambda content: content[:30] + bytes(4) + content[34:], r"voxel size \(delta\) is 0 2 3"),
    ],
)
def test_wrong_files_are_named(tmp_path: pathlib.Path, spoil: object, message: str) -> None:
    content = bytes(nibabel.MGHImage(IMAGE.astype(np.int16), affine()).to_bytes())
    (tmp_path / "a.mgh").write_bytes(spoil(content))  # type: ignore[operator]
    with pytest.raises(InputError, match=message):
        readers.read(tmp_path / "a.mgh")
