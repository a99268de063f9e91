"""Measures of a case: intensity percentiles, size and place of labels, lesion sizes, and a digest of the voxels."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from trainables.data.cases.area import bounding_box, slices

QUANTILES = (0.5, 50.0, 99.5)
"""Percentiles of a channel that are recorded: its range without outliers, and its median."""
SAMPLE = 1_000_000
"""Voxels that percentiles are taken of at most, evenly spread."""
CHUNK = 1 << 20


def quantiles(channel: np.ndarray) -> tuple[float, ...]:
    """Return the percentiles `QUANTILES` of a channel's intensities, float32 of any shape."""
    flat = channel.reshape(-1)
    found = np.percentile(flat[:: max(1, flat.size // SAMPLE)], QUANTILES)
    return tuple(float(value) for value in found)


def lesion_sizes(reference: np.ndarray, regions: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Count the voxels of each lesion of each region, the largest first.

    A lesion is a connected component of the region: voxels that share a corner belong together (26 neighbours in 3D,
    8 in 2D).

    Args:
        reference: Class indices on the original grid `(*spatial)`, uint8, 2D or 3D.
        regions: Region → class indices whose union it is.
    """
    import cc3d

    found: dict[str, tuple[int, ...]] = {}
    for region, classes in regions.items():
        member = np.zeros(256, bool)
        member[list(classes)] = True
        inside = member[reference]
        box = bounding_box(inside)
        if box is None:
            found[region] = ()
            continue
        whole = inside[slices(box)].view(np.uint8)  # of flat bool arrays of odd width cc3d 4.1 numbers background too
        numbers = cc3d.connected_components(whole, connectivity=26 if reference.ndim == 3 else 8)
        sizes = _voxels(numbers.reshape(-1))
        found[region] = tuple(int(size) for size in np.sort(sizes)[::-1])
    return found


def _voxels(numbers: np.ndarray) -> np.ndarray:
    """Count the voxels of each component, in chunks, since `bincount` makes eight bytes of each voxel."""
    sizes = np.zeros(int(numbers.max()) + 1, np.int64)
    for start in range(0, numbers.size, CHUNK):
        sizes += np.bincount(numbers[start : start + CHUNK], minlength=len(sizes))
    return sizes[1:]


def labels_in(reference: np.ndarray, classes: Sequence[str]) -> tuple[dict[str, int], dict[str, tuple[float, ...]]]:
    """Return each label's number of voxels, and its centre of mass where it has any.

    Args:
        reference: Class indices on the original grid `(*spatial)`, uint8, 2D or 3D.
        classes: Names of the classes, the background first.

    Returns:
        Label → voxels, for every label; label → centre along each axis in `[0, 1]`, 0 at the first voxel's outer side.
    """
    import cc3d

    whole = np.ascontiguousarray(reference)
    if whole.size < 256:  # cc3d refuses labels above the number of voxels, such as the 255 of ignored ones
        whole = np.pad(whole, [(0, 256), *[(0, 0)] * (whole.ndim - 1)])
    found = cc3d.statistics(whole, no_slice_conversion=True)
    counts = dict(enumerate(int(count) for count in found["voxel_counts"]))
    voxels = {name: counts.get(index, 0) for index, name in enumerate(classes) if index > 0}
    centres = {
        name: tuple(
            float((at + 0.5) / side) for at, side in zip(found["centroids"][index], reference.shape, strict=True)
        )
        for index, name in enumerate(classes)
        if index > 0 and counts.get(index)
    }
    return voxels, centres


def content_digest(image: np.ndarray) -> str:
    """Return the SHA-256 of an image's voxels and shape in hex: equal for equal images in any file format.

    Args:
        image: float32 `(channel, *spatial)`.
    """
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()
