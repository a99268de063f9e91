"""Softmax of a patch, block by block, in memory that the gradient later overwrites.

A sum over voxels needs softmax and one-hot reference in forward and backward. Here the softmax is computed once and the
gradient is written over it; all other arrays exist for one block only, in the processor's cache. Such a loss holds one
map of the logits' size. Shape letters: N batch, C classes, V voxels, B voxels of a block.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

CACHED = 2**18
"""Numbers of a block's map on a processor: 1 MB in float32, a usual second-level cache."""
LARGE = 2**24
"""The same on a GPU, where a block costs the launch of its kernels and most patches are one."""


@dataclasses.dataclass(frozen=True)
class Block:
    """Some voxels of a batch.

    Attributes:
        p: Softmax over the classes, `(N, C, B)`, a view of the whole map.
        hot: 1 at each voxel's own class, else 0, `(N, C, B)` in p's type, times the voxel's weight where there are
            weights. Callers may overwrite it.
        weight: `(N, 1, B)`, or None.
    """

    p: Tensor
    hot: Tensor
    weight: Tensor | None

    def back(self, slope: Tensor) -> None:
        """Overwrite p with the gradient for the logits, given that for p, `(N, C, B)`, which is overwritten too."""
        slope *= self.p
        self.p.mul_(slope.sum(1, keepdim=True))
        torch.sub(slope, self.p, out=self.p)


def parts(logits: Tensor) -> Iterator[slice]:
    """Yield the voxels of each block of `(N, C, V)`."""
    samples, classes, voxels = logits.shape
    numbers = CACHED if logits.device.type == "cpu" else LARGE
    size = max(1, numbers // max(1, samples * classes))
    return (slice(start, start + size) for start in range(0, voxels, size))


def forward_blocks(ctx: Any, logits: Tensor, target: Tensor, weight: Tensor | None) -> Iterator[Block]:
    """Return the blocks of a batch for the forward of an `autograd.Function`, and save what `backward_blocks` needs.

    Args:
        ctx: The function's context.
        logits: `(N, C, V)`, first of the function's arguments.
        target: Class indices `(N, V)`.
        weight: `(N, V)` in the logits' type, or None.
    """
    ctx.save_for_backward(logits, target, weight)
    p = torch.softmax(logits, 1)
    ctx.p = p if ctx.needs_input_grad[0] else None
    return _blocks(p, target, weight)


def backward_blocks(ctx: Any) -> tuple[Tensor, Iterator[Block]]:
    """Return the softmax, which the gradient is to overwrite, and the same blocks for the backward."""
    logits, target, weight = ctx.saved_tensors
    p = torch.softmax(logits, 1) if ctx.p is None else ctx.p
    ctx.p = None  # a second backward over a retained graph computes it anew
    return p, _blocks(p, target, weight)


def _blocks(p: Tensor, target: Tensor, weight: Tensor | None) -> Iterator[Block]:
    numbers = class_numbers(p)
    for where in parts(p):
        hot = one_hot(target[:, where], numbers)
        factor = None if weight is None else weight[:, None, where]
        yield Block(p[:, :, where], hot if factor is None else hot.mul_(factor), factor)


def class_numbers(logits: Tensor) -> Tensor:
    """Return 0, 1, … C - 1 in the logits' type, `(1, C, 1)`."""
    return torch.arange(logits.shape[1], device=logits.device, dtype=logits.dtype).view(1, -1, 1)


def one_hot(target: Tensor, numbers: Tensor) -> Tensor:
    """Return 1 at each voxel's own class, else 0: `(N, B)` → `(N, C, B)`, in the type of `class_numbers`."""
    hot = numbers.new_empty((len(target), numbers.shape[1], target.shape[1]))
    return torch.eq(target[:, None].to(numbers.dtype), numbers, out=hot)  # four times as fast as integers to bool
