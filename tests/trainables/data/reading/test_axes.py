import numpy as np
import pytest

from tests.trainables.data.files import affine, orientations, volume
from trainables.data.reading import axes as geometry


def test_48_orientations_become_one_array_with_one_spacing() -> None:
    image, _ = volume()
    seen = set()
    for stored, matrix in orientations(image, affine()):
        axes = geometry.orientation(matrix)
        seen.add(axes.tobytes())
        assert (geometry.to_zyx(stored, axes) == image.transpose(2, 1, 0)).all()
        assert geometry.sides_zyx(geometry.voxel_sides(matrix), axes) == (3.0, 2.0, 1.5)
        assert np.allclose(geometry.affine_to_ras(matrix, axes, stored.shape), affine())
    assert len(seen) == 48


def test_spacing_of_permuted_axes_comes_from_columns_and_not_from_the_diagonal() -> None:
    # as KiTS19 is stored: the first axis runs down, the second to the back, the third to the left
    matrix = np.array([[0, 0, -0.8, 0], [0, -0.7, 0, 0], [-5.0, 0, 0, 0], [0, 0, 0, 1]])
    assert geometry.sides_zyx(geometry.voxel_sides(matrix), geometry.orientation(matrix)) == (5.0, 0.7, 0.8)


def test_channels_come_first() -> None:
    image, _ = volume()
    stacked = np.stack([image, -image], -1)
    axes = geometry.orientation(affine() @ np.diag([-1, 1, 1, 1]))
    turned = geometry.to_zyx(stacked, axes)
    assert turned.shape == (2, 7, 8, 9)
    assert (turned[1] == -image[::-1].transpose(2, 1, 0)).all()


def test_oblique_scans_go_to_the_closest_axes() -> None:
    angle = np.deg2rad(20)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix = turn @ affine()
    assert geometry.orientation(matrix).tolist() == [[0, 1], [1, 1], [2, 1]]
    assert geometry.voxel_sides(matrix) == pytest.approx((1.5, 2.0, 3.0))


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.diag([1.0, 1, 0, 1]), np.eye(3)])
def test_an_affine_that_is_none_is_refused(matrix: np.ndarray) -> None:
    with pytest.raises(ValueError, match="singular or not finite"):
        geometry.orientation(matrix)


def test_displacement_by_hand() -> None:
    # voxels 1.5 x 2 x 3 mm; a shift of (0.3, 0.4, 0) mm moves each corner by 0.5 mm: a third of the smallest side
    moved = affine(origin=(-19.7, 5.4, 40))
    assert geometry.displacement(affine(), moved, (9, 8, 7)) == pytest.approx(0.5 / 1.5)
    # a voxel longer by 0.01 mm along x alone moves the far corner by 8 steps of it
    longer = affine((1.51, 2.0, 3.0))
    assert geometry.displacement(affine(), longer, (9, 8, 7)) == pytest.approx(8 * 0.01 / 1.5)
