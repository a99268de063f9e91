"""Geometry: one region of one case, reference against prediction, measured once for all metrics.

Counts are computed at once; surfaces, which cost far more, when a metric first reads them, and only inside the box
that holds both masks.
"""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainables.lesion_records import Lesions
from trainables.metrics.compared import Compared, inside
from trainables.metrics.histogram import Histogram
from trainables.metrics.surface_elements import Elements, surface_elements

Mask = NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class Surfaces:
    """Distances between the two surfaces, in the unit of the spacing.

    A surface is the mask's voxels with a face towards the outside; voxels at the image's border count as such.

    Attributes:
        to_prediction: From each voxel of the reference's surface to the nearest one of the prediction's.
        to_reference: From each voxel of the prediction's surface to the nearest one of the reference's.
    """

    to_prediction: NDArray[np.float64]
    to_reference: NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Geometry:
    """Two masks of one shape, compared. Made by `Geometry.of`.

    Attributes:
        tp: Voxels in both.
        fp: Voxels in the prediction alone.
        fn: Voxels in the reference alone.
        tn: Voxels in neither.
        spacing: Voxel size along each axis, in mm, or in pixels (1) where it is unknown.
        spacing_known: Whether lengths are in mm.
        diagonal: Length of the image's diagonal, in the same unit.
        reference: The reference mask inside a box that holds both.
        prediction: The prediction mask likewise.
        histogram: Log-odds of all voxels, where a metric ranks them.
        lesions: Records of the components, where a metric counts them.
    """

    tp: int
    fp: int
    fn: int
    tn: int
    spacing: tuple[float, ...]
    spacing_known: bool
    diagonal: float
    reference: Mask
    prediction: Mask
    histogram: Histogram | None = None
    lesions: Lesions | None = None

    @classmethod
    def of(
        cls,
        reference: Mask,
        prediction: Mask,
        *,
        spacing: Sequence[float] | None = None,
        unscored: int = 0,
        histogram: Histogram | None = None,
        lesions: Lesions | None = None,
    ) -> "Geometry":
        """Compare two masks.

        Args:
            reference: The truth, bool.
            prediction: The result, bool, of the same shape.
            spacing: Voxel size in mm along each axis; None where it is unknown: lengths are then in pixels.
            unscored: Number of voxels that are not scored; neither mask holds them.
            histogram: See the attribute.
            lesions: Likewise.

        Raises:
            ValueError: The shapes disagree with each other or with the spacing.
        """
        return cls.of_region(
            Compared.of(reference.view(np.uint8), prediction.view(np.uint8)),
            (1,),
            spacing=spacing,
            unscored=unscored,
            histogram=histogram,
            lesions=lesions,
        )

    @classmethod
    def of_region(
        cls,
        compared: Compared,
        classes: Sequence[int],
        *,
        spacing: Sequence[float] | None = None,
        unscored: int = 0,
        histogram: Histogram | None = None,
        lesions: Lesions | None = None,
    ) -> "Geometry":
        """Return the geometry of a region of two compared label maps.

        Args:
            compared: The two maps.
            classes: Class indices whose union the region is.
            spacing: See `of`, as the others.
            unscored: Number of voxels that are not scored; neither map holds a class there.
            histogram: See the attribute.
            lesions: Likewise.

        Raises:
            ValueError: The spacing has not as many numbers as the maps have dimensions.
        """
        shape = compared.shape
        size = tuple(float(s) for s in spacing) if spacing is not None else (1.0,) * len(shape)
        if len(size) != len(shape):
            raise ValueError(f"spacing {size} for masks of {len(shape)} dimensions")
        diagonal = math.hypot(*(n * s for n, s in zip(shape, size, strict=True)))
        tp, fp, fn, tn = compared.counts(classes)
        masks = inside(compared.reference, classes), inside(compared.prediction, classes)
        return cls(tp, fp, fn, tn - unscored, size, spacing is not None, diagonal, *masks, histogram, lesions)

    @property
    def voxel_volume(self) -> float:
        """Size of a voxel in mm³ (mm² in 2D; 1 where the spacing is unknown)."""
        return math.prod(self.spacing)

    @property
    def reference_volume(self) -> float:
        """Size of the reference, in the unit of `voxel_volume`."""
        return (self.tp + self.fn) * self.voxel_volume

    @property
    def prediction_volume(self) -> float:
        """Size of the prediction, likewise."""
        return (self.tp + self.fp) * self.voxel_volume

    @functools.cached_property
    def surfaces(self) -> Surfaces:
        """Distances between the surfaces; both masks hold something."""
        box = bounding_box(self.reference | self.prediction)
        return surface_distances(self.reference[box], self.prediction[box], spacing=self.spacing)

    @functools.cached_property
    def elements(self) -> tuple[Elements, Elements]:
        """Surface elements of the reference and of the prediction, with their areas; both masks hold something."""
        box = bounding_box(self.reference | self.prediction)
        return surface_elements(self.reference[box], self.prediction[box], spacing=self.spacing)


def bounding_box(mask: Mask) -> tuple[slice, ...]:
    """Return the smallest box that holds the mask; empty slices where it is empty."""
    box = []
    for axis in range(mask.ndim):
        inside = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(int(inside[0]), int(inside[-1]) + 1) if inside.size else slice(0, 0))
    return tuple(box)


def surface(mask: Mask) -> Mask:
    """Return the mask's voxels with at least one face towards the outside, or towards the array's border."""
    inner = mask.copy()
    for axis in range(mask.ndim):
        ahead, behind = [slice(None)] * mask.ndim, [slice(None)] * mask.ndim
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        inner[tuple(ahead)] &= mask[tuple(behind)]
        inner[tuple(behind)] &= mask[tuple(ahead)]
        for end in (0, -1):
            ends = [slice(None) if other != axis else end for other in range(mask.ndim)]
            inner[tuple(ends)] = False
    return mask & ~inner


def surface_distances(reference: Mask, prediction: Mask, *, spacing: Sequence[float]) -> Surfaces:
    """Compute exact Euclidean distances between the centres of surface voxels.

    A k-d tree of each surface rather than a distance transform of the box: surfaces are thin, so it took a half to a
    twentieth of the time on boxes of 40³ to 256³, noise included.

    Args:
        reference: Not empty.
        prediction: Not empty, of the same shape.
        spacing: Voxel size along each axis.
    """
    ends = [np.argwhere(surface(mask)) for mask in (reference, prediction)]
    to_prediction, to_reference = (nearest_distances(*way, spacing=spacing) for way in (ends, ends[::-1]))
    return Surfaces(to_prediction, to_reference)


def nearest_distances(
    places: NDArray[np.intp], others: NDArray[np.intp], *, spacing: Sequence[float]
) -> NDArray[np.float64]:
    """Compute the distance from each place to the nearest of others.

    The nearest is found by coordinates, its distance computed from the difference of indices: 0.7 between neighbours of
    0.7 mm, where 4 * 0.7 - 3 * 0.7 is more, and would lie beyond a tolerance of 0.7 mm.

    Args:
        places: Indices of voxels, `(P, dimensions)`.
        others: Likewise; at least one.
        spacing: Voxel size along each axis.
    """
    from scipy.spatial import cKDTree

    size = np.asarray(spacing, np.float64)
    nearest = cKDTree(others * size, compact_nodes=False, balanced_tree=False).query(places * size)[1]
    return np.asarray(np.sqrt((((places - others[nearest]) * size) ** 2).sum(axis=1)))
