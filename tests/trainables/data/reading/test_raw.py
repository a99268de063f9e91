"""Behaviour that all readers share: short names, voxel sizes as decimals, and three dimensions."""

import pathlib

import numpy as np
import pytest

from trainables.data.reading.raw import at_least_3d, short, shortest
from trainables.errors import InputError

FILE = pathlib.Path("/data/images/case_7.nii.gz")


def test_short_names_have_one_folder() -> None:
    assert short(FILE) == "images/case_7.nii.gz"


@pytest.mark.parametrize(
    ("stored", "side"), [(np.float32(0.8), 0.8), (0.7421875, 0.7421875), (0.9199218750001, 0.9199219)]
)
def test_a_voxel_size_is_the_shortest_decimal_of_single_precision(stored: float, side: float) -> None:
    assert shortest(stored) == side


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((5,), (5, 1, 1)), ((5, 4), (5, 4, 1)), ((5, 4, 3, 1, 1), (5, 4, 3)), ((5, 4, 3, 2), (5, 4, 3, 2))],
)
def test_missing_axes_are_added_and_single_ones_dropped(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert at_least_3d(np.zeros(shape), FILE).shape == expected


@pytest.mark.parametrize("shape", [(5, 4, 3, 2, 2), (5, 0, 3)])
def test_five_dimensions_and_no_voxels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"^images/case_7.nii.gz: expected 2, 3 or 4") as caught:
        at_least_3d(np.zeros(shape), FILE)
    assert str(shape) in str(caught.value)
