"""Volume errors of the prediction: absolute in mL, and signed relative to the reference."""

from trainables.metrics.geometry import Geometry

MM3_IN_ML = 1000.0


def volume_error(geometry: Geometry) -> float:
    """`|prediction - reference|` in mL, >= 0; in voxels where the spacing is unknown. Masks of three dimensions.

    The reference holds something; an empty prediction's volume is 0.
    """
    off = abs(geometry.fp - geometry.fn)
    return off * geometry.voxel_volume / MM3_IN_ML if geometry.spacing_known else float(off)


def volume_bias(geometry: Geometry) -> float:
    """`(prediction - reference) / reference`, from -1 (nothing predicted) upwards; 0 is best, 0.1 is 10 % too much.

    The reference holds something. A mean over cases near 0 may hide errors of both signs, which `volume_error` shows.
    """
    return (geometry.fp - geometry.fn) / (geometry.tp + geometry.fn)
