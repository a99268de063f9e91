"""Polygons filled on voxels: inside or on the border, holes, lines and points."""

import numpy as np
import pytest

from trainables.data.reading.dicom.contours import filled


def drawn(*polygons: list[tuple[float, float]], shape: tuple[int, int] = (5, 7)) -> list[str]:
    inside = filled([np.array(points, float) for points in polygons], shape)
    return ["".join("#" if voxel else "." for voxel in row) for row in inside]


def test_a_rectangle_through_voxel_centres_holds_its_border() -> None:
    assert drawn([(1, 1), (1, 5), (3, 5), (3, 1)]) == [".......", ".#####.", ".#####.", ".#####.", "......."]


def test_a_rectangle_between_voxels_holds_what_lies_inside() -> None:
    assert drawn([(0.6, 1.4), (0.6, 4.6), (3.4, 4.6), (3.4, 1.4)]) == [
        ".......", "..###..", "..###..", "..###..", ".......",
    ]  # fmt: skip


def test_a_hole_keeps_its_border_and_an_island_is_filled() -> None:
    outer, hole = [(0, 0), (0, 6), (4, 6), (4, 0)], [(1, 1), (1, 5), (3, 5), (3, 1)]
    assert drawn(outer, hole) == ["#######", "#######", "##...##", "#######", "#######"]
    assert drawn(outer, hole, [(2, 3)])[2] == "##.#.##"


def test_points_lines_and_a_triangle() -> None:
    assert drawn([(2, 3)])[2] == "...#..."
    assert drawn([(1, 2), (1, 4)])[1] == "..###.."
    assert drawn([(1, 1), (3, 3)]) == [".......", ".#.....", "..#....", "...#...", "......."]
    assert drawn([(0, 0), (0, 6), (4, 3)])[1:] == [".#####.", "..###..", "...#...", "...#..."]


def test_what_lies_outside_is_cut_off() -> None:
    assert drawn([(-3, -3), (-3, 2.5), (9, 2.5), (9, -3)]) == ["###...."] * 5


@pytest.mark.parametrize("seed", range(5))
def test_random_polygons_are_as_matplotlib_says(seed: int) -> None:
    from matplotlib.path import Path

    points = np.random.default_rng(seed).uniform(-1, 20, (9, 2))
    index = np.stack(np.mgrid[:20, :20], -1).reshape(-1, 2)
    angle = np.arctan2(*(points - points.mean(axis=0)).T)
    star = points[np.argsort(angle)]
    expected = Path(np.vstack([star, star[:1]])).contains_points(index).reshape(20, 20)
    assert (filled([star], (20, 20)) == expected).mean() > 0.98  # but for centres within 0.02 of an edge
