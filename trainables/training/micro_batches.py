"""Micro-batches: a batch goes through the network in parts whose gradients are summed, to fit a GPU's memory.

Loss and gradient equal those of the whole batch up to rounding (float32: within 1e-5 of their greatest value), if the
loss is a mean over samples and the network treats each sample by itself. Other losses and networks are refused.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from trainables import user_code
from trainables.errors import InputError
from trainables.losses import FACTS
from trainables.losses.facts import Facts
from trainables.losses.written import LOG_COSH
from trainables.trial import TrialSpec

Value = Callable[..., Tensor]
"""`(images, labels, *, weight, ignore) -> loss`, a scalar."""


def learned(value: Value, images: Tensor, labels: Tensor, maps: Mapping[str, Tensor], *, parts: int) -> Tensor:
    """Add the gradient of a batch's loss to the parameters', part by part; return the loss without gradient.

    Args:
        value: Computes the mean loss of a part of the batch.
        images: `(N, C, *spatial)`.
        labels: `(N, *spatial)`.
        maps: Other arguments of the loss, `(N, *spatial)`, by name.
        parts: Number of parts, of nearly equal size; at most N are used.
    """
    if parts == 1:
        whole = value(images, labels, **maps)
        whole.backward()  # type: ignore[no-untyped-call]
        return whole.detach()
    count = len(images)
    total = torch.zeros((), device=images.device)
    for places in torch.arange(count).tensor_split(min(parts, count)):
        part = slice(int(places[0]), int(places[-1]) + 1)
        share = value(images[part], labels[part], **{name: one[part] for name, one in maps.items()}) * (
            len(places) / count
        )
        share.backward()  # type: ignore[no-untyped-call]
        total += share.detach()
    return total


def check(spec: TrialSpec, network: nn.Module, *, ignores: bool) -> None:
    """Refuses micro-batches where a batch's gradient is not the mean of its samples'.

    Args:
        spec: The trial.
        network: Its network.
        ignores: Whether voxels are ignored: then samples count by what is left of them.

    Raises:
        InputError: The network has statistics over the batch or dropout, or the loss is no mean over samples.
    """
    if spec.micro_batches == 1:
        return
    refused = "training.micro_batches: "
    if any(isinstance(module, _BatchNorm) for module in network.modules()):
        raise InputError(
            f"{refused}{spec.model} normalises over the batch; give it `norm: instance`, or leave this out"
        )
    if any(isinstance(module, _DropoutNd) and module.p > 0 for module in network.modules()):
        raise InputError(
            f"{refused}{spec.model} has dropout, which would draw otherwise; set it to 0, or leave this out"
        )
    if ignores:
        raise InputError(f"{refused}voxels are ignored, so a batch is not the mean of its samples; leave this out")
    if (why := _no_mean(spec.loss, spec.loss_parameters)) is not None:
        raise InputError(f"{refused}{why}, so a batch is not the mean of its samples; leave this out")


def _no_mean(name: str, parameters: Mapping[str, Any]) -> str | None:
    """Return why a loss is no mean over samples; None where it is one."""
    if parameters.get(LOG_COSH):
        return f"losses.{name} takes log cosh of a whole batch's loss"
    if "code" in parameters:
        facts = getattr(user_code.imported(str(parameters["code"])), "facts", None)
        if not isinstance(facts, Facts):
            return f"losses.{name} does not declare (facts) that it is a mean over samples"
        return f"losses.{name} sums over the whole batch" if facts.aggregation == "batch" else None
    if name not in FACTS:
        return next((why for part, own in parameters.items() if (why := _no_mean(part, own)) is not None), None)
    if FACTS[name].aggregation == "batch" or parameters.get("focal_reduction") == "positives":
        return f"losses.{name} sums over the whole batch"
    return None
