"""Matthews loss: one minus the soft correlation of prediction and reference."""

import torch
from torch import Tensor

from trainables.losses.parts.parameter_checks import one_of
from trainables.losses.parts.soft_counts import SoftCounts, soft_counts

FORMS = ("sample", "batch", "micro_all")


def matthews_loss(
    logits: Tensor,
    target: Tensor,
    *,
    form: str = "sample",
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """One minus the Matthews correlation coefficient of soft counts; each foreground class against the rest.

    Computed as `(t - P G) / sqrt(P (1 - P) G (1 - G))` with t, P, G the means of p g, p, g: equal to the form with the
    fourfold product of the counts, which overflows. Both variances are at least `min(1e-7, 0.1 / V)`, V voxels.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        form: `sample`: each sample and foreground class by itself, then the mean. `batch`: sums over the whole batch.
            `micro_all`: the Matthews poster's formula as printed, counts summed over all classes with the background;
            that is `1 - (C a - 1) / (C - 1)`, a the mean probability of the true class: an absolute error without any
            balance of classes.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 2]`. Where a class is absent (or everywhere) it is 1 and has no gradient: false positives in
        empty patches are never punished with `sample`; `batch` or patches with foreground help.

    Raises:
        ValueError: The shapes disagree, or `form` is another word.

    Source: Marquez Herrera et al. 2019 (LatinX in AI at ICML).
    """
    one_of(FORMS, form=form)
    counts = soft_counts(logits, target, weight=weight, ignore=ignore)
    voxels = counts.reference.sum(1, keepdim=True)  # the weights' sum
    if form == "micro_all":
        return 1 - _correlation(counts.over_classes, voxels * logits.shape[1]).mean()
    if form == "batch":
        counts, voxels = counts.pooled, voxels.sum(0, keepdim=True)
    return 1 - _correlation(counts.foreground, voxels).mean()


def _correlation(counts: SoftCounts, voxels: Tensor) -> Tensor:
    voxels = voxels.clamp(min=torch.finfo(voxels.dtype).tiny)
    both, p, g = (value / voxels for value in (counts.tp, counts.predicted, counts.reference))
    floor = (0.1 / voxels).clamp(max=1e-7)
    spread = torch.maximum(p * (1 - p), floor).sqrt() * torch.maximum(g * (1 - g), floor).sqrt()
    return (both - p * g) / spread
