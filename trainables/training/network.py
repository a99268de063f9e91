"""A trial's network on its device: built, its CPU kernels replaced, compiled for training, dropout drawn by iteration.

The network as it is (`module`) predicts; the compiled one, where there is one, only trains.
"""

import contextlib
from collections.abc import Callable

import torch
from torch import Tensor, nn

from trainables import models
from trainables.models.normalisation import set_momentum
from trainables.training import cpu_kernels, dropout
from trainables.training.compiling import Compiled, compiled
from trainables.trial import TrialSpec


class TrialNetwork:
    """The network of one trial.

    Attributes:
        module: The network itself, with the parameters and buffers.
    """

    def __init__(self, spec: TrialSpec, *, channels: int, device: torch.device) -> None:
        """Builds the network with the weights of the trial's seed.

        Args:
            spec: The trial.
            channels: Channels of the dataset's images.
            device: Where the network trains and predicts.

        Raises:
            InputError: There is no such network, or it does not fit the patch or its parameters.
        """
        models.check_patch(spec.model, spec.patch_size, spec.model_parameters)
        self._spec, self._device = spec, device
        dim = len(spec.patch_size)
        self._layout = torch.channels_last if dim == 2 else torch.channels_last_3d
        built = models.build(
            spec.model,
            in_channels=channels * spec.slices,
            out_channels=len(spec.outputs),
            dim=dim,
            parameters=spec.model_parameters,
            seed=spec.seed,
            patch_size=spec.patch_size,
        )
        self.module: nn.Module = built.to(device).to(memory_format=self._layout)  # type: ignore[call-overload]
        if device.type == "cpu":
            _replace_cpu_kernels(self.module, spec.precision, portable=spec.portable)
        self._has_dropout = dropout.has_dropout(self.module)
        self._compiled: Compiled | None = None
        self._compiling_done = False

    @property
    def is_compiled(self) -> bool:
        """Whether training runs compiled; False before the first `begin_iteration`."""
        return self._compiled is not None

    def begin_iteration(self, images: Tensor, iteration: int) -> None:
        """Compiles the network before its first iteration where that is wanted, and sets batch norms' momentum.

        Args:
            images: As many of the batch's images as go through the network at once.
            iteration: Iterations done, from 0.

        Raises:
            InputError: The network cannot be compiled, and `spec.compile` is `always`.
        """
        if not self._compiling_done:
            self._compiled = compiled(self._spec, self.module, images, self.through)
            self._compiling_done = True
        if self._compiled is None:
            set_momentum(self.module, iteration)

    def end_iteration(self, iteration: int) -> None:
        """Updates the running statistics of a compiled network, which cannot do it by itself."""
        if self._compiled is not None:
            self._compiled.settle(iteration)

    def dropout(self, iteration: int) -> contextlib.AbstractContextManager[None]:
        """A block in which dropout draws as a function of the trial's seed and the iteration."""
        if not self._has_dropout:
            return contextlib.nullcontext()
        return dropout.drawn_for(self._spec.seed, iteration, self._device)

    def train_logits(self, images: Tensor) -> Tensor:
        """Logits for training, of the compiled network where there is one: `(N, C, *patch)`."""
        return self.through(self._compiled or self.module, images)

    def logits(self, images: Tensor) -> Tensor:
        """Logits for prediction, of the network as it is: `(N, C, *window)`."""
        return self.through(self.module, images)

    def through(self, network: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        """Applies a network in the trial's precision and memory format.

        Args:
            network: `module`, or its compiled form.
            images: `(N, channels, *spatial)`.
        """
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._spec.precision == "bfloat16"):
            return network(images.contiguous(memory_format=self._layout))


def _replace_cpu_kernels(network: nn.Module, precision: str, *, portable: bool) -> None:
    cpu_kernels.keep_channels_last_in_instance_norms(network)
    if precision == "bfloat16":
        cpu_kernels.use_float32_for_thin_inputs(network)
    elif not portable:
        cpu_kernels.use_onednn_for_single_images(network)
