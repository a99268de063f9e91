"""The CPU's resampling beside PyTorch's grid_sample, at the edges and in thin and large sources."""

import numpy as np
import pytest
import torch

from trainables.data.augmentation import deform, warp

SHAPES = [((9, 8, 7), (13, 12, 11)), ((20, 24), (26, 21)), ((4, 9, 8), (4, 13, 12)), ((1, 8, 8), (1, 12, 12))]


@pytest.mark.parametrize(("size", "source"), SHAPES)
@pytest.mark.parametrize("bent", [False, True])
def test_it_sees_what_grid_sample_sees(size: tuple[int, ...], source: tuple[int, ...], bent: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    dim, spacing = len(size), (1.0,) * len(size)
    images = torch.randn((2, 2, *source), generator=generator)
    labels = torch.randint(0, 200, (2, 2, *source), generator=generator)
    angles = ([0.3], [-0.7]) if dim == 2 else ([0.3, 0.1, -0.2], [-0.5, 0.6, 0.4])
    flips = (True,) + (False,) * (dim - 1)
    maps = torch.from_numpy(np.stack([deform.matrix(angle, 1.3, flips, spacing) for angle in angles]))
    fields = 3 * torch.randn((2, dim, *size), generator=generator) if bent else None  # beyond every edge
    expected, expected_labels = deform._on_a_grid(images, labels, maps, fields, size)
    seen, classes = deform.sample(images, labels, maps, fields, size)
    assert torch.allclose(seen, expected, atol=1e-4)
    assert (classes == expected_labels).float().mean() > 0.995  # halves may be rounded either way
    assert classes.dtype == labels.dtype


def test_parts_make_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = torch.randn(1, 9, 9, 9), torch.randint(0, 5, (1, 9, 9, 9), dtype=torch.uint8)
    matrix = deform.matrix([0.3, 0.1, -0.2], 0.9, (False,) * 3, (1.0,) * 3)
    field = torch.randn(3, 7, 8, 6)
    found = []
    for part in (2**16, 100, 1):
        monkeypatch.setattr(warp, "PART", part)
        found.append((torch.empty(1, 7, 8, 6), torch.empty(1, 7, 8, 6, dtype=torch.int64)))
        warp.warp(images, labels, matrix, field, *found[-1])
    assert all(torch.equal(one, found[0][0]) and torch.equal(classes, found[0][1]) for one, classes in found)


def test_indices_are_exact_in_large_sources() -> None:
    """The last voxels of a source of more voxels than float32 can count."""
    source = (40, 2**10, 2**10)
    steps = warp._steps(source)
    assert steps == [2**20, 2**10, 1]
    points = [torch.tensor([39.0, 39.0]), torch.tensor([1023.0, 1022.0]), torch.tensor([1022.0, 1023.0])]
    expected = [39 * 2**20 + 1023 * 2**10 + 1022, 39 * 2**20 + 1022 * 2**10 + 1023]
    assert warp._index(points, steps, torch.float64).tolist() == expected
    assert warp._index(points, steps, torch.float32).tolist() != expected
    assert warp.EXACT < 40 * 2**20


def test_every_voxel_of_a_source_is_found() -> None:
    image = torch.arange(5.0 * 6 * 7).view(1, 5, 6, 7)
    seen, classes = torch.empty(1, 5, 6, 7), torch.empty(1, 5, 6, 7)
    warp.warp(image, image, np.eye(3), None, seen, classes)
    assert torch.equal(seen, image)
    assert torch.equal(classes, image)
