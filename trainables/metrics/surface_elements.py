"""Surface elements: pieces of a surface with an area each, between the centres of neighbouring voxels.

A mask's surface runs, as marching cubes draws it, through the middles of the edges between voxels inside and outside.
Its part in one cell (2 × 2 × 2 voxels; 2 × 2 in 2D) is an element, at the cell's middle, with the area that it has
there (length in 2D). DeepMind's surface-distance weighs distances by these areas.

Source: Nikolov et al. 2018, https://arxiv.org/abs/1809.04430; Lorensen and Cline 1987, doi 10.1145/37402.37422.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Corner = tuple[int, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Elements:
    """The elements of one surface, by rising distance to the other surface.

    Attributes:
        distances: To the nearest element of the other surface, in the unit of the spacing.
        areas: Area of each, in that unit squared (its length in 2D).
    """

    distances: Floats
    areas: Floats

    def percentile(self, share: float) -> float:
        """Return the least distance within which this share of the area lies."""
        place = int(np.searchsorted(np.cumsum(self.areas) / self.areas.sum(), share))
        return float(self.distances[min(place, len(self.distances) - 1)])

    def within(self, tolerance: float) -> float:
        """Return the area whose distance is at most the tolerance."""
        return float(self.areas[self.distances <= tolerance].sum())


def surface_elements(reference: Mask, prediction: Mask, *, spacing: Sequence[float]) -> tuple[Elements, Elements]:
    """Return the elements of the reference's surface and of the prediction's, with their distances to each other.

    Args:
        reference: Not empty, of two or three dimensions.
        prediction: Not empty, of the same shape.
        spacing: Voxel size along each axis.
    """
    from trainables.metrics.geometry import nearest_distances

    areas = element_areas(tuple(spacing))
    codes = [cell_codes(mask) for mask in (reference, prediction)]
    places = [np.argwhere((code > 0) & (code < len(areas) - 1)) for code in codes]
    sides = [areas[code[tuple(place.T)]] for code, place in zip(codes, places, strict=True)]
    ways = nearest_distances(*places, spacing=spacing), nearest_distances(*places[::-1], spacing=spacing)
    first, second = (
        Elements(way[order := np.argsort(way, kind="stable")], side[order])
        for way, side in zip(ways, sides, strict=True)
    )
    return first, second


def cell_codes(mask: Mask) -> NDArray[np.intp]:
    """Return for each cell which of its corners are inside: bit k for corner k of `_corners`; one more cell an axis."""
    padded = np.pad(mask, 1)
    codes = np.zeros([side + 1 for side in mask.shape], np.intp)
    for bit, corner in enumerate(_corners(mask.ndim)):
        part = tuple(slice(offset, offset + side + 1) for offset, side in zip(corner, mask.shape, strict=True))
        codes += padded[part].astype(np.intp) << bit
    return codes


@functools.lru_cache(maxsize=64)
def element_areas(spacing: tuple[float, ...]) -> Floats:
    """Return the area of the surface in a cell by its code, `(2^corners,)`.

    Args:
        spacing: Voxel size along each of two or three axes.
    """
    corners = _corners(len(spacing))
    areas = np.zeros(2 ** len(corners))
    for code in range(len(areas)):
        inside = {corner for bit, corner in enumerate(corners) if code >> bit & 1}
        if 2 * len(inside) > len(corners):  # a mask and its complement have the same surface
            inside = set(corners) - inside
        areas[code] = _area(inside, np.array(spacing))
    areas.setflags(write=False)
    return areas


def _corners(dim: int) -> list[Corner]:
    return list(itertools.product((0, 1), repeat=dim))


def _area(inside: set[Corner], spacing: Floats) -> float:
    if len(spacing) == 2:
        return sum(float(np.linalg.norm((p - q) * spacing)) for p, q in _cuts(inside, (0, 1), (None, None)))
    return sum(_polygon_area(polygon, spacing) for polygon in _polygons(inside))


def _polygons(inside: set[Corner]) -> Iterator[list[Floats]]:
    """Closed lines on the faces of a cube that separate its inside corners from the others."""
    joined: dict[tuple[float, ...], list[tuple[float, ...]]] = {}
    for axis, side in itertools.product(range(3), (0, 1)):
        others = (axis + 1) % 3, (axis + 2) % 3
        for p, q in _cuts(inside, others, tuple(side if other == axis else None for other in range(3))):
            joined.setdefault(tuple(p), []).append(tuple(q))
            joined.setdefault(tuple(q), []).append(tuple(p))
    while joined:
        point, line = next(iter(joined)), list[tuple[float, ...]]()
        while point in joined:
            line.append(point)
            ahead = joined.pop(point)
            point = next((other for other in ahead if other in joined), point)
        yield [np.array(vertex) for vertex in line]


def _cuts(inside: set[Corner], axes: tuple[int, int], fixed: tuple[int | None, ...]) -> Iterator[tuple[Floats, Floats]]:
    """Lines across one face between the middles of its edges; where inside corners are opposite, around each of them.

    Args:
        inside: Corners that are inside.
        axes: Those along the face.
        fixed: The place of the face on the axis across it; None elsewhere.
    """
    ring = []
    for along in ((0, 0), (0, 1), (1, 1), (1, 0)):
        corner = list(fixed)
        corner[axes[0]], corner[axes[1]] = along
        ring.append(tuple(corner))
    middles = [(np.array(ring[i], float) + np.array(ring[(i + 1) % 4], float)) / 2 for i in range(4)]
    held = [corner in inside for corner in ring]
    cut = [i for i in range(4) if held[i] != held[(i + 1) % 4]]
    if len(cut) == 2:
        yield middles[cut[0]], middles[cut[1]]
    elif len(cut) == 4:
        yield from ((middles[i - 1], middles[i]) for i in range(4) if held[i])


def _polygon_area(polygon: list[Floats], spacing: Floats) -> float:
    """Area of a polygon cut into triangles, first between two vertices on parallel edges of the cell that it has apart.

    What is left after that cut is flat, or has the same area whichever way it is cut.
    """
    count = len(polygon)
    if count == 3:
        return float(
            np.linalg.norm(np.cross((polygon[1] - polygon[0]) * spacing, (polygon[2] - polygon[0]) * spacing)) / 2
        )
    apart = [(i, j) for i, j in itertools.combinations(range(count), 2) if 1 < j - i < count - 1]
    i, j = next((pair for pair in apart if len({_edge_axis(polygon[k]) for k in pair}) == 1), apart[0])
    return _polygon_area(polygon[i : j + 1], spacing) + _polygon_area(polygon[j:] + polygon[: i + 1], spacing)


def _edge_axis(middle: Floats) -> int:
    """The axis of the edge whose middle this is."""
    return int(np.flatnonzero(middle == 0.5)[0])
