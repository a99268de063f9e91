"""The input of every loss: shapes checked, float32 under any autocast, voxel weights and ignored voxels applied.

Shape letters: N batch, C classes (0 is background), `*spatial` the patch. A loss is a function
`(logits (N, C, *spatial), target (N, *spatial), *, parameters, weight, ignore) -> scalar`.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor

from trainables.losses.parts.likelihood import negative_log_likelihood


@dataclasses.dataclass(frozen=True)
class Voxels:
    """A batch as the losses see it; made by `read`. Derived tensors are computed once, when they are first read.

    Attributes:
        logits: `(N, C, *spatial)`, float32 (float64 where they were); 0 where a voxel is ignored.
        target: Class indices `(N, *spatial)`, int64; 0 where a voxel is ignored.
        weight: Factor of each voxel `(N, *spatial)` in the logits' type, 0 where it is ignored; None is all ones.
        kept: False where a voxel is ignored, `(N, *spatial)`; None where none is.
        derived: Results of other modules, by name, so that they are computed once.
    """

    logits: Tensor
    target: Tensor
    weight: Tensor | None
    kept: Tensor | None
    derived: dict[str, Any] = dataclasses.field(default_factory=dict, repr=False, compare=False)

    @functools.cached_property
    def one_hot(self) -> Tensor:
        """`(N, C, *spatial)`, bool; all False where a voxel is ignored."""
        classes = torch.arange(self.logits.shape[1], device=self.target.device)
        hot = self.target[:, None] == classes.view(1, -1, *[1] * (self.target.ndim - 1))
        return hot if self.kept is None else hot & self.kept[:, None]

    @functools.cached_property
    def probabilities(self) -> Tensor:
        """Softmax over the classes, `(N, C, *spatial)`."""
        with torch.autocast(self.logits.device.type, enabled=False):
            return torch.softmax(self.logits, dim=1)

    @functools.cached_property
    def log_odds(self) -> Tensor:
        """`log p - log(1 - p)` of each foreground class's softmax probability p, `(N, C - 1, *spatial)`.

        Its sigmoid is the softmax; with two classes it is the difference of the logits. Binary formulas on it stay
        exact where 1 - p rounds to 0.
        """
        logits, classes = self.logits, range(self.logits.shape[1])
        if len(classes) == 2:
            return logits[:, 1:] - logits[:, :1]
        rest = [torch.logsumexp(logits[:, [k for k in classes if k != c]], dim=1) for c in classes[1:]]
        return logits[:, 1:] - torch.stack(rest, dim=1)

    @functools.cached_property
    def negative_log_likelihood(self) -> Tensor:
        """`-log p` of each voxel's own class, `(N, *spatial)`."""
        return negative_log_likelihood(self.logits, self.target)

    def total(self, values: Tensor) -> Tensor:
        """Sum over each sample's voxels of weight times value: `(N, K, *spatial)` → `(N, K)`."""
        if self.weight is not None:
            values = values * self.weight[:, None]
        return values.flatten(2).sum(2)

    def mean(self, cost: Tensor) -> Tensor:
        """Mean of weight times cost `(N, *spatial)` over the batch's voxels that are not ignored; 0 where all are.

        The divisor is the number of voxels and not the sum of the weights: weights make a loss larger.
        """
        if self.weight is None:
            return cost.mean()
        count = cost.numel() if self.kept is None else self.kept.sum().clamp(min=1)
        return (cost * self.weight).sum() / count


Given = tuple[Tensor, Tensor, Tensor | None, Tensor | None]
"""Arguments of a loss: logits, target, weight, ignore."""

_SHARED: ContextVar[tuple[Given, "Voxels"] | None] = ContextVar("_SHARED", default=None)


@contextlib.contextmanager
def read_once(
    logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None
) -> Iterator[None]:
    """Make `read` return the same `Voxels` for these tensors, so that losses of a sum share softmax and counts.

    Args:
        logits: See `read`, as the others.
        target: See there.
        weight: See there.
        ignore: See there.
    """
    given = logits, target, weight, ignore
    token = _SHARED.set((given, _read(*given)))
    try:
        yield
    finally:
        _SHARED.reset(token)


def read(logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None) -> Voxels:
    """Check the arguments of a loss and convert them to float32 or wider.

    Args:
        logits: Raw scores `(N, C, *spatial)`, C >= 2.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`; any integer where ignored.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool: as if it were not there.

    Raises:
        ValueError: The shapes disagree, the target holds no class indices, or `ignore` is no mask.
    """
    given, shared = (logits, target, weight, ignore), _SHARED.get()
    if shared is not None and all(own is other for own, other in zip(given, shared[0], strict=True)):
        return shared[1]
    return _read(*given)


def _read(logits: Tensor, target: Tensor, weight: Tensor | None, ignore: Tensor | None) -> Voxels:
    check_shapes(logits, target)
    for name, given in (("weight", weight), ("ignore", ignore)):
        if given is not None and given.shape != target.shape:
            raise ValueError(f"{name}: expected the target's shape {(*target.shape,)}, found {(*given.shape,)}")
    # The sum of an 80³ patch overflows float16, as do weights of 2e5; bfloat16 keeps 8 bits of a sum.
    logits, target = logits.to(torch.promote_types(logits.dtype, torch.float32)), target.long()
    factor = None if weight is None else weight.to(logits.dtype)
    if ignore is None:
        return Voxels(logits, target, factor, None)
    if ignore.dtype != torch.bool:
        raise ValueError(f"ignore: expected a mask of bool, True where a voxel does not count, found {ignore.dtype}")
    kept = ~ignore
    factor = kept.to(logits.dtype) if factor is None else factor.masked_fill(ignore, 0)
    # Filled and not only weighed with 0: what is not finite there would come through a product.
    return Voxels(logits.masked_fill(ignore[:, None], 0), target.masked_fill(ignore, 0), factor, kept)


def check_shapes(logits: Tensor, target: Tensor) -> None:
    """Refuse logits that are not `(N, C >= 2, *spatial)`, or a target that is not class indices `(N, *spatial)`.

    Raises:
        ValueError: A shape or type is wrong; the message says which.
    """
    if logits.ndim < 3 or logits.shape[1] < 2:
        raise ValueError(
            f"logits: expected (N, C, *spatial) with C >= 2 (background is class 0), found {(*logits.shape,)}"
        )
    expected = (logits.shape[0], *logits.shape[2:])
    if (*target.shape,) != expected or target.is_floating_point():
        raise ValueError(
            f"target: expected class indices, integers of shape {expected}, found {target.dtype} of shape "
            f"{(*target.shape,)}; argmax over the channels turns one-hot into class indices"
        )
