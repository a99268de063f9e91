"""Surface distances in mm, or in pixels where the spacing is unknown, and the share of a surface within a tolerance."""

import numpy as np

from trainables.metrics.geometry import Geometry


def hd95(geometry: Geometry) -> float:
    """The greater of the two directed 95th percentiles of surface distances, >= 0; neither mask is empty.

    Percentiles are interpolated linearly over surface voxels, each counted once. MONAI's `HausdorffDistanceMetric` has
    the same definition; DeepMind's surface-distance too, but weighs voxels by their area. Pooling both directions
    before one percentile, as MedPy does, never gives more.

    Source: Huttenlocher et al. 1993, https://doi.org/10.1109/34.232073, with percentiles for maxima.
    """
    surfaces = geometry.surfaces
    return max(float(np.percentile(way, 95)) for way in (surfaces.to_prediction, surfaces.to_reference))


def assd(geometry: Geometry) -> float:
    """Mean distance from each surface voxel of either mask to the other mask's surface, >= 0; neither is empty.

    Both directions are pooled, so the larger surface weighs more, as MONAI's `SurfaceDistanceMetric(symmetric=True)`.

    Source: Heimann et al. 2009 (average symmetric surface distance), https://doi.org/10.1109/TMI.2009.2013851.
    """
    surfaces = geometry.surfaces
    return float(np.concatenate((surfaces.to_prediction, surfaces.to_reference)).mean())


def surface_dice(geometry: Geometry, *, tolerance: float) -> float:
    """Share of both surfaces' voxels that lie within a tolerance of the other surface, in `[0, 1]`; neither is empty.

    Each surface voxel counts once, as MONAI's `SurfaceDiceMetric` has it; DeepMind's surface-distance weighs voxels by
    their area.

    Args:
        geometry: Both masks hold something.
        tolerance: In mm, or in pixels where the spacing is unknown, >= 0; a distance that equals it is within.

    Source: Nikolov et al. 2018, https://arxiv.org/abs/1809.04430.
    """
    surfaces = geometry.surfaces
    within = sum(int(np.count_nonzero(way <= tolerance)) for way in (surfaces.to_prediction, surfaces.to_reference))
    return within / (surfaces.to_prediction.size + surfaces.to_reference.size)
