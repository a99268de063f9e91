"""Softmax whose map becomes the gradient, and a patch taken a block of voxels at a time between the two.

A sum over voxels needs its softmax twice, on the way there and back, and its one-hot reference too. Here the softmax is
computed once and the gradient written over it, and the rest exists for one block, in the processor's cache: such a loss
holds one map of the logits' size. Shape letters: N batch, C classes, V voxels, B voxels of a block.
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
            weights. Whoever has the block may write on it.
        weight: `(N, 1, B)`, or None.
    """

    p: Tensor
    hot: Tensor
    weight: Tensor | None

    def back(self, slope: Tensor) -> None:
        """Writes the gradient for the logits over p, from that for p, `(N, C, B)`, which is lost too."""
        slope *= self.p
        self.p.mul_(slope.sum(1, keepdim=True))
        torch.sub(slope, self.p, out=self.p)


def parts(logits: Tensor) -> Iterator[slice]:
    """Which voxels are a block, one block after another, of `(N, C, V)`."""
    samples, classes, voxels = logits.shape
    numbers = CACHED if logits.device.type == "cpu" else LARGE
    size = max(1, numbers // max(1, samples * classes))
    return (slice(start, start + size) for start in range(0, voxels, size))


def forth(ctx: Any, logits: Tensor, target: Tensor, weight: Tensor | None) -> Iterator[Block]:
    """The blocks of a batch for the forward of an `autograd.Function`, which keeps what `back_again` needs.

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


def back_again(ctx: Any) -> tuple[Tensor, Iterator[Block]]:
    """The softmax, over which the gradient is to be written, and the same blocks for the backward."""
    logits, target, weight = ctx.saved_tensors
    p = torch.softmax(logits, 1) if ctx.p is None else ctx.p
    ctx.p = None  # a second way back over a retained graph has none left
    return p, _blocks(p, target, weight)


def _blocks(p: Tensor, target: Tensor, weight: Tensor | None) -> Iterator[Block]:
    numbers = class_numbers(p)
    for where in parts(p):
        hot = one_hot(target[:, where], numbers)
        factor = None if weight is None else weight[:, None, where]
        yield Block(p[:, :, where], hot if factor is None else hot.mul_(factor), factor)


def class_numbers(logits: Tensor) -> Tensor:
    """0, 1, … C - 1 in the logits' type, `(1, C, 1)`."""
    return torch.arange(logits.shape[1], device=logits.device, dtype=logits.dtype).view(1, -1, 1)


def one_hot(target: Tensor, numbers: Tensor) -> Tensor:
    """1 at each voxel's own class, else 0: `(N, B)` → `(N, C, B)`, in the type of `class_numbers`."""
    hot = numbers.new_empty((len(target), numbers.shape[1], target.shape[1]))
    return torch.eq(target[:, None].to(numbers.dtype), numbers, out=hot)  # four times as fast as integers to bool
