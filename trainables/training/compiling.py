"""Compilation of a network for its training by `torch.compile`, with a trial run before it is used.

Only forward and backward of the training run compiled: patches there have one shape. Whole images are predicted by the
uncompiled network, so scores change only through the last digits of the weights. Dropout draws the same numbers.
"""

import atexit
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from trainables.errors import InputError
from trainables.models.normalisation import momentum_of
from trainables.trial import TrialSpec

MODES = ("auto", "always", "never")
LONG = 10_000
"""Iterations between two marks from which `auto` compiles: each segment does so anew, for about a minute, where
iterations on a GPU take tenths of a second at most and get shorter by a tenth or two."""

BACKEND = "inductor"

Apply = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]
"""`(network, images) -> logits`."""


def wanted(spec: TrialSpec, device: torch.device) -> bool:
    """Tell whether a trial's network is to be compiled: the same answer for all its segments, wherever they run.

    Raises:
        InputError: `spec.compile` is none of `MODES`.
    """
    if spec.compile not in MODES:
        raise InputError(f"training.compile: expected {', '.join(MODES)}, found {spec.compile!r}")
    if spec.compile != "auto":
        return spec.compile == "always"
    starts = (0,) if spec.independent else (0, *spec.marks[:-1])
    stops = spec.marks[-1:] if spec.independent else spec.marks
    return device.type == "cuda" and min(b - a for a, b in zip(starts, stops, strict=True)) >= LONG


class Compiled:
    """A compiled network for training; it shares parameters and buffers with the network itself.

    The share of a batch in running statistics changes with each iteration, for which a compiled network would be
    compiled anew. So batch normalisations write each batch's own statistics, and `settle` mixes them with the old.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
        for norm in self._norms:
            norm.momentum = 1.0
        torch.compiler.reset()  # what an earlier trial of this process left counts against PyTorch's limit
        options: dict[str, Any] = {"options": {"fallback_random": True}} if BACKEND == "inductor" else {}
        self._call: Callable[[Tensor], Tensor] = torch.compile(network, dynamic=False, backend=BACKEND, **options)
        self._before: list[Tensor] = []

    def __call__(self, images: Tensor) -> Tensor:
        """Logits in training, as the network's own."""
        self._before = [statistic.clone() for statistic in self._statistics()]
        return self._call(images)

    def settle(self, iteration: int) -> None:
        """Mix the last batch's statistics into the running ones; called after its backward.

        Args:
            iteration: Iterations done before it, from 0.
        """
        for statistic, before in zip(self._statistics(), self._before, strict=True):
            statistic.copy_(torch.lerp(before, statistic, momentum_of(iteration)))
        self._before = []

    def _statistics(self) -> list[Tensor]:
        kept = [(norm.running_mean, norm.running_var) for norm in self._norms]
        return [statistic for pair in kept for statistic in pair if statistic is not None]


def compiled(spec: TrialSpec, network: nn.Module, images: Tensor, apply: Apply) -> Compiled | None:
    """Compile a network and try it, or return None where it is to run uncompiled.

    Weights, statistics and PyTorch's random numbers are as before. Where `auto` cannot compile it warns, and the
    network runs as it is.

    Args:
        spec: The trial.
        network: In training, on its device and in its memory format.
        images: A batch as those to come.
        apply: Logits of a network for images, as the training has them: `(network, images)`.

    Raises:
        InputError: It cannot be compiled, and is to be `always`.
    """
    if not wanted(spec, images.device):
        return None
    shares = {norm: norm.momentum for norm in network.modules() if isinstance(norm, _BatchNorm)}
    try:
        _need_compiler(images.device)
        made = _made(network, torch.zeros_like(images), apply)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # a compiler's ways to fail are its own
        for norm, share in shares.items():
            norm.momentum = share
        said = " ".join(str(error).split("\n")[:2]).strip() or type(error).__name__
        if spec.compile == "always":
            text = f"training.compile: {spec.model} cannot be compiled here ({said}); say never or auto"
            raise InputError(text) from error
        warnings.warn(f"{spec.key}: {spec.model} cannot be compiled here ({said}) and runs as it is", stacklevel=3)
        return None
    return made


def _need_compiler(device: torch.device) -> None:
    """Raise one line where PyTorch would raise a hundred."""
    if BACKEND != "inductor":
        return
    if not any(shutil.which(name) for name in (("g++", "clang++") if device.type == "cpu" else ("cc", "gcc", "clang"))):
        raise OSError("no C++ compiler is on the PATH" if device.type == "cpu" else "no C compiler is on the PATH")


def _made(network: nn.Module, images: Tensor, apply: Apply) -> Compiled:
    """Compile and try; after a failure, once more with an empty cache.

    A process that is killed while it compiles leaves a truncated file in PyTorch's cache on disk.
    """
    try:
        return _tried(network, images, apply)
    except torch.OutOfMemoryError:
        raise
    except Exception:
        folder = tempfile.mkdtemp(prefix="segstudy-compiled-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        return _tried(network, images, apply)


def _tried(network: nn.Module, images: Tensor, apply: Apply) -> Compiled:
    """Compile by one forward and backward, and restore buffers and gradients afterwards."""
    kept = {name: tensor.clone() for name, tensor in network.named_buffers()}
    try:
        made = Compiled(network)
        with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
            apply(made, images).float().mean().backward()  # type: ignore[no-untyped-call]
        made.settle(0)
    finally:
        for parameter in network.parameters():
            parameter.grad = None
        with torch.no_grad():
            for name, tensor in network.named_buffers():
                tensor.copy_(kept[name])
    return made
