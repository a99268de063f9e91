"""Memory of a training step by shapes alone: networks run on PyTorch's meta device, which allocates nothing."""

import dataclasses
import functools
import json
import math

import torch
from torch import nn

from trainables import models
from trainables.trial import TrialSpec

HALVED = ("bfloat16",)
"""Precisions in which a value that is kept may take two bytes instead of four."""


@dataclasses.dataclass(frozen=True)
class StepMemory:
    """Bytes that one training step holds at the least, just before its gradient is computed.

    Attributes:
        weights: The network's parameters and buffers, and a gradient of each parameter.
        activations: Values of one pass that the gradient needs, each storage counted once.
    """

    weights: int
    activations: int

    @property
    def total(self) -> int:
        """Both together, in bytes."""
        return self.weights + self.activations


def step_memory(spec: TrialSpec, channels: int) -> StepMemory | None:
    """Return the least memory of a trial's training step; None of a network that does not run without values.

    Buffers of kernels, the loss and the optimiser's moments come on top: on a CPU with float32 the measured growth of
    the process is between 1 and 1.5 times this (`tests/study/probing/test_activations.py`).

    Args:
        spec: The trial: network, patch, batch, micro-batches and precision count.
        channels: Channels of its images, without neighbouring slices.
    """
    parts = min(spec.micro_batches, spec.batch_size)
    size = (math.ceil(spec.batch_size / parts), channels * spec.slices, *spec.patch_size)
    found = _counted(spec.model, json.dumps(dict(spec.model_parameters)), size, len(spec.outputs))
    if found is None or spec.precision not in HALVED:
        return found
    return dataclasses.replace(found, activations=found.activations // 2)


@functools.lru_cache(maxsize=64)
def _counted(model: str, parameters: str, size: tuple[int, ...], outputs: int) -> StepMemory | None:
    patch = size[2:]
    try:
        with torch.device("meta"):
            network = models.build(
                model,
                in_channels=size[1],
                out_channels=outputs,
                dim=len(patch),
                parameters=json.loads(parameters),
                seed=0,
                patch_size=patch,
            )
        network = network.to("meta").train()
        return _of_pass(network, torch.empty(size, device="meta"))
    except Exception:  # a network of the user's own may look at values, which the meta device has not
        return None


def _of_pass(network: nn.Module, images: torch.Tensor) -> StepMemory:
    own = {_key(tensor) for tensor in (*network.parameters(), *network.buffers())}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if _key(tensor) not in own:
            kept[_key(tensor)] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        logits = network(images)
    keep(logits)
    learned = sum(one.numel() * one.element_size() for one in network.parameters() if one.requires_grad)
    held = sum(one.numel() * one.element_size() for one in (*network.parameters(), *network.buffers()))
    return StepMemory(held + learned, sum(storage.nbytes() for storage in kept.values()))


def _key(tensor: torch.Tensor) -> int:
    """Return a number that two tensors of one storage share; the storage must be held meanwhile."""
    return int(tensor.untyped_storage()._cdata)
