"""MINC files, written by SimpleITK."""

import pathlib

import numpy as np
import pytest

from tests.trainables.data.files import affine, volume
from tests.trainables.data.formats import write
from trainables.data.reading import readers
from trainables.errors import InputError


def test_values_and_sizes_are_those_that_were_written(tmp_path: pathlib.Path) -> None:
    image = volume()[0]
    raw = readers.read(write(tmp_path / "a.mnc", image, affine()))
    assert (raw.array == image).all()
    assert raw.sides == (1.5, 2.0, 3.0)
    assert raw.others[0].affine == pytest.approx(affine(), abs=1e-4)  # ITK wrote its own positions
    assert raw.affine == pytest.approx(np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine(), abs=1e-4)


def test_other_bytes_are_refused_in_one_line(tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    for content, message in ((b"CDF\1" + bytes(100), "a MINC 1 file"), (b"hello" * 20, "it has no MINC header")):
        (tmp_path / "a.mnc").write_bytes(content)
        with pytest.raises(InputError, match=f"/a.mnc: .*{message}"):
            readers.read(tmp_path / "a.mnc")
    assert capfd.readouterr() == ("", "")
