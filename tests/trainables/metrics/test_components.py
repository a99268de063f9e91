import numpy as np
import pytest
from scipy import ndimage

from trainables.metrics.components import _components


@pytest.mark.parametrize("dim", [2, 3])
def test_components_are_scipys_whatever_the_shape(dim: int) -> None:
    rng = np.random.default_rng(dim)
    for _ in range(60):
        mask = rng.random(tuple(rng.integers(1, 30 if dim == 2 else 9, dim))) < 0.3
        labels, voxels = _components(mask)
        expected, count = ndimage.label(mask, np.ones((3,) * dim))
        assert (labels == expected).all()
        assert voxels.tolist() == np.bincount(expected.reshape(-1), minlength=count + 1)[1:].tolist()
