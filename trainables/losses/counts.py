"""What all losses share: shapes checked, float32 whatever the autocast, soft counts summed once.

Shape letters: N batch, C classes (0 is background), `*spatial` the patch. A loss is a function
`(logits (N, C, *spatial), target (N, *spatial), *, parameters) -> scalar`; it gets what it needs from here, so that
a voxel weight (inverse lesion weighting, voxels to ignore) has one place to enter.
"""

import dataclasses

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class SoftCounts:
    """Sums of class probabilities p against the one-hot reference g, for each sample and class, in (weighted) voxels.

    Attributes:
        tp: True positives, sum of p g, `(N, C)`.
        predicted: Sum of p, `(N, C)`.
        reference: Sum of g, `(N, C)`, no gradient.
    """

    tp: Tensor
    predicted: Tensor
    reference: Tensor

    @property
    def fp(self) -> Tensor:
        """False positives, sum of p (1 - g), `(N, C)`."""
        return self.predicted - self.tp

    @property
    def fn(self) -> Tensor:
        """False negatives, sum of (1 - p) g, `(N, C)`."""
        return self.reference - self.tp


def soft_counts(logits: Tensor, target: Tensor, *, weight: Tensor | None = None) -> SoftCounts:
    """Softmax over the classes, summed over each sample's voxels, in float32 (float64 where the logits are).

    Args:
        logits: Raw scores `(N, C, *spatial)`, C >= 2.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        weight: Factor >= 0 of each voxel in all three sums, `(N, *spatial)`; 0 ignores the voxel. None is all ones.

    Raises:
        ValueError: The shapes disagree, or the target holds no class indices.
    """
    check_shapes(logits, target)
    with torch.autocast(logits.device.type, enabled=False):
        probabilities = torch.softmax(wide(logits), dim=1)
        classes = torch.arange(logits.shape[1], device=target.device)
        one_hot = target[:, None] == classes.view(1, -1, *[1] * (target.ndim - 1))
        space = tuple(range(2, logits.ndim))
        if weight is None:
            reference = one_hot.sum(space).to(probabilities.dtype)  # counted in integers: exact at any size
        else:
            factor = weight[:, None].to(probabilities.dtype)
            probabilities = probabilities * factor
            reference = torch.where(one_hot, factor, 0).sum(space)
        tp = torch.where(one_hot, probabilities, 0).sum(space)  # keeps a byte a voxel for backward, not a float
        return SoftCounts(tp=tp, predicted=probabilities.sum(space), reference=reference)


def negative_log_likelihood(logits: Tensor, target: Tensor) -> Tensor:
    """`-log p` of each voxel's own class, `(N, *spatial)`, in float32 (float64 where the logits are).

    Raises:
        ValueError: The shapes disagree, or the target holds no class indices.
    """
    check_shapes(logits, target)
    with torch.autocast(logits.device.type, enabled=False):
        return F.cross_entropy(wide(logits), target.long(), reduction="none")


def wide(logits: Tensor) -> Tensor:
    """The logits in float32 at least: the sum of an 80³ patch overflows float16, and bfloat16 keeps 8 bits of it."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def check_shapes(logits: Tensor, target: Tensor) -> None:
    """Refuses what is not `(N, C >= 2, *spatial)` against class indices `(N, *spatial)`.

    Raises:
        ValueError: Which of it, and what was found.
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
