"""Masks placed on the grid of their image."""

import pathlib

import numpy as np
import pytest

from tests.trainables.data.files import affine, orientations
from trainables.data.reading.dicom.onto_grid import on_grid
from trainables.data.reading.raw import Grid
from trainables.errors import InputError

FILE = pathlib.Path("/data/m.dcm")
GRID = Grid((9, 8, 7), affine())


def part() -> np.ndarray:
    mask = np.zeros((3, 4, 2), np.uint8)
    mask[2, 1, 1], mask[0, 3, 0] = 1, 2
    return mask


def at(*index: float) -> np.ndarray:
    matrix = affine()
    matrix[:3, 3] = (affine() @ [*index, 1])[:3]
    return matrix


def test_a_part_in_any_orientation_lands_on_its_voxels() -> None:
    for stored, matrix in orientations(part(), at(5, 2, 4)):
        placed, warnings = on_grid(stored, matrix, GRID, FILE)
        assert np.argwhere(placed).tolist() == [[5, 5, 4], [7, 3, 5]]
        assert (placed[7, 3, 5], placed[5, 5, 4]) == (1, 2)
        assert warnings == ()


def test_a_little_off_is_told_and_more_refused() -> None:
    placed, warnings = on_grid(part(), at(5.1, 2, 4), GRID, FILE)
    assert placed[7, 3, 5] == 1
    assert warnings == ("the mask lies 0.1 voxels off: taken on the image's grid",)
    for matrix in (at(5.5, 2, 4), affine((1.5, 2.0, 1.5)), affine((1.5, 2.0, 6.0))):
        with pytest.raises(InputError, match=r"/m.dcm: lies on another grid than its image"):
            on_grid(part(), matrix, GRID, FILE)


def test_voxels_outside_are_refused_but_empty_margins_are_not() -> None:
    with pytest.raises(InputError, match=r"/m.dcm: lies partly outside its image"):
        on_grid(part(), at(7, 2, 4), GRID, FILE)
    with pytest.raises(InputError, match=r"/m.dcm: lies partly outside its image"):
        on_grid(part(), at(-1, 2, 4), GRID, FILE)
    assert on_grid(np.pad(part(), 9), at(5 - 9, 2 - 9, 4 - 9), GRID, FILE)[0][7, 3, 5] == 1
    assert not on_grid(np.zeros((3, 4, 2), np.uint8), at(90, 0, 0), GRID, FILE)[0].any()
