"""Distances between surfaces, in mm, or in pixels where the spacing is unknown."""

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
