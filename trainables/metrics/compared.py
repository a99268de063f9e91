"""Comparison of two label maps in one pass, on any device: a confusion matrix of classes, and the box that holds them.

The counts of every region are sums over the matrix, so a volume is read once for all regions.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # who reads scores need not load PyTorch
    from torch import Tensor

Labels = NDArray[np.uint8]


@dataclasses.dataclass(frozen=True, eq=False)
class Compared:
    """Two label maps as metrics read them.

    Attributes:
        pairs: `(K, K)` int64: voxels of each class of the reference (rows) that each class is predicted for (columns);
            K is one more than the greatest class in either.
        reference: Class indices inside the smallest box outside of which both maps are background.
        prediction: Likewise.
        shape: Voxels of the whole maps.
    """

    pairs: NDArray[np.int64]
    reference: Labels
    prediction: Labels
    shape: tuple[int, ...]

    @classmethod
    def of(cls, reference: Labels, prediction: "Labels | Tensor") -> Self:
        """Compare two maps.

        Args:
            reference: Class indices.
            prediction: Class indices, uint8 of the same shape, on any device; compared there.

        Raises:
            ValueError: The shapes disagree.
        """
        import torch

        found = prediction if isinstance(prediction, torch.Tensor) else torch.from_numpy(_usable(prediction))
        known = torch.from_numpy(_usable(reference)).to(found.device)
        if known.shape != found.shape:
            raise ValueError(f"reference has shape {(*known.shape,)}, prediction {(*found.shape,)}")
        box = _box(known | found)
        voxels, known, found = known.numel(), known[box], found[box]
        classes = 1 + (int(torch.maximum(known.amax(), found.amax())) if known.numel() else 0)
        kind = torch.uint8 if classes**2 <= 256 else torch.int32
        both = known.to(kind) * classes + found
        pairs = torch.bincount(both.flatten(), minlength=classes**2).reshape(classes, classes).cpu().numpy()
        pairs[0, 0] += voxels - both.numel()
        return cls(pairs, known.cpu().numpy(), found.cpu().numpy(), reference.shape)

    def counts(self, classes: Sequence[int]) -> tuple[int, int, int, int]:
        """Count a region's voxels in both maps, in the prediction alone, in the reference alone, in neither.

        Args:
            classes: Class indices whose union the region is.
        """
        inside = np.isin(np.arange(len(self.pairs)), list(classes))
        tp = int(self.pairs[np.ix_(inside, inside)].sum())
        fp = int(self.pairs[:, inside].sum()) - tp
        fn = int(self.pairs[inside].sum()) - tp
        return tp, fp, fn, int(self.pairs.sum()) - tp - fp - fn


def inside(labels: Labels, classes: Sequence[int]) -> NDArray[np.bool_]:
    """Return where a label map holds one of the classes."""
    found = np.zeros(labels.shape, np.bool_)
    for index in classes:  # comparing is forty times as fast as looking up in a table
        found |= labels == index
    return found


def _usable(labels: Labels) -> Labels:
    """Return an array that PyTorch accepts: memory-mapped ones are read-only, flipped ones have negative strides."""
    return np.ascontiguousarray(labels) if labels.flags.writeable else np.array(labels, order="C")


def _box(held: "Tensor") -> tuple[slice, ...]:
    """Return the smallest box that holds all non-zero voxels; empty slices where there are none."""
    box = []
    for axis in range(held.ndim):
        others = tuple(other for other in range(held.ndim) if other != axis)
        there = np.flatnonzero((held.amax(dim=others) if others else held).cpu().numpy())
        box.append(slice(int(there[0]), int(there[-1]) + 1) if there.size else slice(0, 0))
    return tuple(box)
