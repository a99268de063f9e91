import pathlib

import numpy as np
import pytest
from scipy import ndimage

from tests.trainables.data.files import options, pair
from trainables.data.cache.cache import CachedCase, Dataset, prepare_case, write_index
from trainables.data.preparing import components
from trainables.data.preparing.components import components_of


def test_components_by_hand() -> None:
    # Class 1: a diagonal pair (one component of 2 by its corner) and a lone pixel; class 2 touches both and joins none.
    label = np.array(
        [
            [0, 0, 0, 0, 1],
            [1, 0, 2, 2, 0],
            [0, 1, 2, 0, 0],
        ],
        np.uint8,
    )
    found = components_of(label, 4)
    assert found.numbers.tolist() == [[0, 0, 0, 0, 1], [2, 0, 3, 3, 0], [0, 2, 3, 0, 0]]
    assert found.numbers.dtype == found.voxels.dtype == np.int32
    assert found.voxels.tolist() == [4, 5, 11, 7, 8, 12]
    assert found.counts == (1, 2, 3)


def test_corners_join_in_3d() -> None:
    label = np.zeros((4, 3, 5), np.uint8)
    label[0, 0, 0] = label[1, 1, 1] = label[2, 2, 2] = 1  # one by its corners
    label[3, 0, 4] = 1  # two voxels away from all of them
    found = components_of(label, 2)
    assert found.counts == (3, 1)
    assert found.numbers[3, 0, 4] == 2


def test_at_most_cap_voxels_of_a_component_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components, "COMPONENT_CAP", 4)
    label = np.zeros((3, 12), np.uint8)
    label[0, 1:12], label[2, :3] = 2, 2
    found = components_of(label, 3)
    assert np.bincount(found.numbers.flat).tolist() == [22, 11, 3]
    assert found.counts == (4, 3)
    kept = found.voxels[:4]
    assert (np.diff(kept) >= 0).all()
    assert (found.numbers.reshape(-1)[kept] == 1).all()
    assert found.voxels[4:].tolist() == [24, 25, 26]


@pytest.mark.parametrize("dim", [2, 3])
def test_components_are_scipys_whatever_the_shape(dim: int) -> None:
    rng = np.random.default_rng(dim)
    for _ in range(60):
        label = rng.choice(3, tuple(rng.integers(1, 30 if dim == 2 else 9, dim)), p=[0.7, 0.2, 0.1]).astype(np.uint8)
        first, count = ndimage.label(label == 1, np.ones((3,) * dim))
        second, _ = ndimage.label(label == 2, np.ones((3,) * dim))
        assert (components_of(label, 3).numbers == np.where(second > 0, second + count, first)).all()


def test_nothing_to_find() -> None:
    found = components_of(np.zeros((3, 4), np.uint8), 3)
    assert not found.numbers.any()
    assert found.voxels.shape == (0,)
    assert found.counts == ()


def cached(tmp_path: pathlib.Path, *, components: bool) -> CachedCase:
    how = options(spacing=(3.0, 1.0, 1.5), components=components)
    record = prepare_case(pair(tmp_path), how, tmp_path / "cache")
    return Dataset.open(write_index(tmp_path / "cache", [record], how)).cases["case_1"]


def test_the_cache_holds_components_on_the_training_grid(tmp_path: pathlib.Path) -> None:
    case = cached(tmp_path, components=True)
    assert case.components.shape == case.label.shape != case.reference.shape
    assert isinstance(case.components, np.memmap)
    assert ((case.components > 0) == (case.label > 0)).all()
    assert case.component_counts == tuple(int((case.label == index).sum()) for index in (1, 2))
    assert sum(case.component_counts) == len(case.component_voxels)
    assert (case.label.reshape(-1)[case.component_voxels[: case.component_counts[0]]] == 1).all()


def test_an_entry_without_components_says_so(tmp_path: pathlib.Path) -> None:
    case = cached(tmp_path, components=False)
    for name in ("components", "component_voxels", "component_counts"):
        with pytest.raises(ValueError, match="case_1: prepared without components"):
            getattr(case, name)
    assert cached(tmp_path, components=True).folder != case.folder
