"""Volume errors by hand."""

import pytest

from tests.trainables.metrics.examples import PREDICTION, REFERENCE
from trainables.metrics import METRICS, Geometry


def test_volumes_by_hand() -> None:
    # 4 both, 1 false, 5 missed: 5 voxels for 9. A voxel is 2 * 0.5 * 10 = 10 mm³.
    geometry = Geometry.of(REFERENCE[..., None], PREDICTION[..., None], spacing=(2.0, 0.5, 10.0))
    assert METRICS["volume_error"].compute(geometry) == pytest.approx(4 * 10 / 1000)
    assert METRICS["volume_bias"].compute(geometry) == pytest.approx(-4 / 9)
    turned = Geometry.of(PREDICTION[..., None], REFERENCE[..., None])
    assert METRICS["volume_error"].compute(turned) == 4  # voxels, where their size is unknown
    assert METRICS["volume_bias"].compute(turned) == pytest.approx(4 / 5)
