"""Where NRRD volumes lie: spaces, units, and which axis holds channels. Sizes are `5, 4, 3` unless said."""

import pathlib

import numpy as np
import pytest

from trainables.data.reading.nrrd_place import UNPLACED, placed
from trainables.errors import InputError

FILE = pathlib.Path("/data/a.nrrd")
DIRECTIONS = "(1.5,0,0) (0,2,0) (0,0,3)"


@pytest.mark.parametrize(
    ("space", "signs"),
    [("RAS", (1, 1, 1)), ("left-posterior-superior", (-1, -1, 1)), ("LAS", (-1, 1, 1)), ("scanner-xyz", (-1, -1, 1))],
)
def test_spaces_become_ras(space: str, signs: tuple[int, ...]) -> None:
    place = placed({"space": space, "space directions": DIRECTIONS, "space origin": "(7,8,9)"}, (5, 4, 3), FILE)
    expected = np.diag([*signs, 1]) @ np.array([[1.5, 0, 0, 7], [0, 2, 0, 8], [0, 0, 3, 9], [0, 0, 0, 1]])
    assert (place.affine == expected).all()
    assert place.warnings == ()
    assert place.spatial == (0, 1, 2)


@pytest.mark.parametrize(
    ("unit", "factor"), [('"mm"', 1.0), ('"microns"', 0.001), ("um", 0.001), ('"m"', 1000.0), ('"cm"', 10.0)]
)
def test_units_are_brought_to_mm(unit: str, factor: float) -> None:
    fields = {"space": "RAS", "space directions": DIRECTIONS, "space units": " ".join([unit] * 3)}
    place = placed(fields, (5, 4, 3), FILE)
    assert place.sides == pytest.approx((1.5 * factor, 2 * factor, 3 * factor))
    assert place.affine[1, 1] == pytest.approx(2 * factor)
    flat = placed({"spacings": "1.5 2 3", "units": " ".join([unit] * 3)}, (5, 4, 3), FILE)
    assert flat.sides == pytest.approx(place.sides)


def test_an_unknown_unit_is_told() -> None:
    place = placed({"space": "RAS", "space directions": DIRECTIONS, "space units": "furlong mm mm"}, (5, 4, 3), FILE)
    assert place.sides == (1.5, 2.0, 3.0)
    assert place.warnings[0].startswith("the header's unit (furlong mm mm) is not one of m, cm, mm")


def test_channels_first_or_last_and_times() -> None:
    first = placed({"space": "RAS", "space directions": f"none {DIRECTIONS}"}, (2, 5, 4, 3), FILE)
    assert first.spatial == (1, 2, 3)
    assert first.sides == (1.5, 2.0, 3.0)
    nan = placed({"space": "RAS", "space directions": f"(nan,nan,nan) {DIRECTIONS}"}, (2, 5, 4, 3), FILE)
    assert nan.spatial == (1, 2, 3)
    kinds = placed({"kinds": "vector domain domain domain", "spacings": "nan 1.5 2 3"}, (2, 5, 4, 3), FILE)
    assert kinds.spatial == (1, 2, 3)
    assert kinds.sides == (1.5, 2.0, 3.0)
    assert placed({"spacings": "1.5 2 3 1"}, (5, 4, 3, 2), FILE).spatial == (0, 1, 2)


def test_spacing_from_the_ends_of_axes() -> None:
    fields = {"axis mins": "1 2 3", "axis maxs": "6 10 9"}
    place = placed(fields, (5, 4, 3), FILE)
    assert place.sides == (1.0, 2.0, 2.0)  # 5 / 5, 8 / 4, 6 / 3
    assert place.affine[:3, 3].tolist() == [-1.5, -3.0, 4.0]  # the first voxel's centre, to the right, front and head
    nodes = placed({**fields, "centers": "node node node"}, (5, 4, 3), FILE)
    assert nodes.sides == pytest.approx((5 / 4, 8 / 3, 6 / 2))
    assert nodes.affine[:3, 3].tolist() == [-1.0, -2.0, 3.0]
    assert place.warnings == (UNPLACED,)


@pytest.mark.parametrize(
    ("fields", "sizes", "message"),
    [
        ({"spacings": "1.5 -2 3"}, (5, 4, 3), r"voxel size \(spacings\) is 1.5 -2 3"),
        ({"spacings": "1.5 0 3"}, (5, 4, 3), r"voxel size \(spacings\) is 1.5 0 3"),
        ({"spacings": "1.5 2"}, (5, 4, 3), "spacings is '1.5 2'"),
        ({"space directions": "(1,0,0) (0,1,0)"}, (5, 4, 3), "space directions are"),
        ({"space directions": "(1,0,x) (0,1,0) (0,0,1)"}, (5, 4, 3), r"'\(1,0,x\)' is no vector"),
        ({"kinds": "complex domain domain domain"}, (2, 5, 4, 3), "complex voxels"),
        ({}, (5, 4, 3, 2, 2), "3 of its 5 axes lie in space"),
        ({}, (5,), "1 of its 1 axes lie in space"),
    ],
)
def test_what_makes_no_place_is_refused(fields: dict[str, str], sizes: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        placed(fields, sizes, FILE)
