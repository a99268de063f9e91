"""Surface distances in mm, or in pixels where the spacing is unknown, and the share of a surface within a tolerance."""

import numpy as np

from trainables.metrics.geometry import Geometry


def hd95(geometry: Geometry) -> float:
    """The greater of the two directed 95th percentiles of surface distances, >= 0; neither mask is empty.

    Percentiles are interpolated linearly over surface voxels, each counted once, as MONAI's `HausdorffDistanceMetric`
    has it. Others of the same name: `hd95_pooled` (never more) and `hd95_area`.

    Source: Huttenlocher et al. 1993, https://doi.org/10.1109/34.232073, with percentiles for maxima.
    """
    surfaces = geometry.surfaces
    return max(float(np.percentile(way, 95)) for way in (surfaces.to_prediction, surfaces.to_reference))


def hd95_pooled(geometry: Geometry) -> float:
    """The 95th percentile of the surface distances of both directions together, >= 0; neither mask is empty.

    As MedPy's `hd95`: the larger surface weighs more, and errors of the smaller one can lie beyond the percentile.
    """
    surfaces = geometry.surfaces
    return float(np.percentile(np.concatenate((surfaces.to_prediction, surfaces.to_reference)), 95))


def hd95_area(geometry: Geometry) -> float:
    """The greater of the two directed distances within which 95 % of a surface's area lies, >= 0; neither is empty.

    As `compute_robust_hausdorff` of DeepMind's surface-distance: elements between voxels, weighted by their area
    (`surface_elements`), without interpolation.

    Source: Nikolov et al. 2018, https://arxiv.org/abs/1809.04430.
    """
    return max(elements.percentile(0.95) for elements in geometry.elements)


def assd(geometry: Geometry) -> float:
    """Mean distance from each surface voxel of either mask to the other mask's surface, >= 0; neither is empty.

    Both directions are pooled, so the larger surface weighs more, as MONAI's `SurfaceDistanceMetric(symmetric=True)`.

    Source: Heimann et al. 2009 (average symmetric surface distance), https://doi.org/10.1109/TMI.2009.2013851.
    """
    surfaces = geometry.surfaces
    return float(np.concatenate((surfaces.to_prediction, surfaces.to_reference)).mean())


def surface_dice(geometry: Geometry, *, tolerance: float) -> float:
    """Share of both surfaces' voxels that lie within a tolerance of the other surface, in `[0, 1]`; neither is empty.

    Each surface voxel counts once, as MONAI's `SurfaceDiceMetric` has it. `surface_dice_area` weighs by area.

    Args:
        geometry: Both masks hold something.
        tolerance: In mm, or in pixels where the spacing is unknown, >= 0; a distance that equals it is within.

    Source: Nikolov et al. 2018, https://arxiv.org/abs/1809.04430.
    """
    surfaces = geometry.surfaces
    within = sum(int(np.count_nonzero(way <= tolerance)) for way in (surfaces.to_prediction, surfaces.to_reference))
    return within / (surfaces.to_prediction.size + surfaces.to_reference.size)


def surface_dice_area(geometry: Geometry, *, tolerance: float) -> float:
    """Share of the area of both surfaces that lies within a tolerance of the other surface, in `[0, 1]`.

    As `compute_surface_dice_at_tolerance` of DeepMind's surface-distance: elements between voxels, weighted by their
    area (`surface_elements`). Neither mask is empty.

    Args:
        geometry: Both masks hold something.
        tolerance: In mm, or in pixels where the spacing is unknown, >= 0; a distance that equals it is within.

    Source: Nikolov et al. 2018, https://arxiv.org/abs/1809.04430.
    """
    sides = geometry.elements
    return sum(elements.within(tolerance) for elements in sides) / sum(
        float(elements.areas.sum()) for elements in sides
    )
