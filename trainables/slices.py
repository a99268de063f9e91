"""Slices: a volume as a network of two dimensions sees it, one axial slice with its neighbours as channels."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor


def slices_of(volume: Tensor, context: int, padding: Sequence[float] | None = None) -> Iterator[Tensor]:
    """Each slice with `context` neighbours below and above.

    Args:
        volume: `(channels, z, y, x)`.
        context: Neighbours on each side, >= 0.
        padding: For each channel, what lies below the first and above the last slice; None is 0 for all.

    Yields:
        `(channels * (2 * context + 1), y, x)`: of each channel its slices in turn, the lowest first.
    """
    deep = with_ends(volume, context, padding)
    for index in range(volume.shape[1]):
        yield deep[:, index : index + 2 * context + 1].flatten(0, 1)


def with_ends(volume: Tensor, context: int, padding: Sequence[float] | None = None) -> Tensor:
    """`(channels, z + 2 * context, y, x)`: empty slices below and above; arguments as of `slices_of`."""
    if not context:
        return volume
    ends = torch.tensor([0.0] * len(volume) if padding is None else list(padding), device=volume.device)
    empty = ends.to(volume.dtype).view(-1, 1, 1, 1).expand(-1, context, *volume.shape[2:])
    return torch.cat([empty, volume, empty], dim=1)
