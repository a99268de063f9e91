"""Differences of networks and losses between bfloat16 and float32 on a device, and between the device and the CPU."""

import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor

from trainables import models
from trainables.losses import LOSSES
from trainables.training import cpu_kernels

NETWORKS: dict[str, tuple[int, dict[str, object]]] = {
    "unet3d": (3, {"width": 8}),
    "unet3d, batch": (3, {"width": 8, "norm": "batch"}),
    "vnet": (3, {"width": 8, "dropout": 0.0}),
    "resunet3d": (3, {"width": 4}),
    "unet": (2, {"width": 8, "norm": "batch"}),
    "segnet": (2, {"width": 8}),
    "enet": (2, {"width": 8}),
}
"""Label → dimensions, parameters; without MONAI's, which a machine with PyTorch alone lacks."""
WITHOUT_SCIPY = [name for name in LOSSES if name != "hausdorff"]
CLASSES = 3
LIMITS = {
    "logits": 3.0,
    "slopes": 3.0,
    "device": 1.0,
    "loss": 0.02,
    "inside": 1e-5,
    "loss on the device": 1e-3,
}
"""Greatest allowed differences. `logits`, `slopes`: root mean square of logits and of all gradients in bfloat16 minus
float32, over that of the same float32 network with only image and weights rounded to bfloat16: networks amplify a
rounding differently (untrained ones with many batch normalisations a hundredfold). `device`: float32 logits minus the
CPU's (TF32), over the same. Losses, as shares: `loss` from rounded logits against exact ones; `inside` from rounded
ones in either type, since losses compute in float32; `loss on the device` against the CPU."""


@dataclasses.dataclass(frozen=True)
class Found:
    """One comparison.

    Attributes:
        what: Key of `LIMITS`.
        name: Network or loss.
        value: Measured difference.
    """

    what: str
    name: str
    value: float

    @property
    def good(self) -> bool:
        """Whether it is within its limit."""
        return self.value <= LIMITS[self.what]


def found(device: str, side: int) -> Iterator[Found]:
    """Yields all comparisons.

    Args:
        device: `cpu` or `cuda`.
        side: Voxels along each side of an image.
    """
    for name, (dim, parameters) in NETWORKS.items():
        yield from _network(name, dim, parameters, device, side if dim == 3 else 2 * side)
    for name in WITHOUT_SCIPY:
        yield from _loss(name, device, side)


def _network(name: str, dim: int, parameters: dict[str, object], device: str, side: int) -> Iterator[Found]:
    images = torch.randn(2, 1, *(side,) * dim, generator=torch.Generator().manual_seed(0))
    labels = (images[:, 0] > 0.5).long() + (images[:, 0] > 1.0)

    def learned(where: str, rounded: bool, at_the_start: bool = False) -> tuple[Tensor, Tensor]:
        kind = name.partition(",")[0]
        network = models.build(kind, in_channels=1, out_channels=CLASSES, dim=dim, parameters=parameters, seed=1)
        layout = torch.channels_last if dim == 2 else torch.channels_last_3d
        network = network.to(where).to(memory_format=layout)  # type: ignore[call-overload]
        if rounded and where == "cpu":
            cpu_kernels.use_float32_for_thin_inputs(network)
        seen = images.to(where).contiguous(memory_format=layout)
        if at_the_start:
            seen = seen.bfloat16().float()
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.copy_(parameter.bfloat16())
        with torch.autocast(where, dtype=torch.bfloat16, enabled=rounded):
            logits = network(seen)
        LOSSES["dice_cross_entropy"](logits, labels.to(where)).backward()  # type: ignore[no-untyped-call]
        slopes = [p.grad.flatten().float() for p in network.parameters() if p.grad is not None]
        return logits.detach().float().cpu(), torch.cat(slopes).cpu()

    exact, rounded, moved = learned(device, False), learned(device, True), learned(device, False, at_the_start=True)
    for what, one, true, near in zip(("logits", "slopes"), rounded, exact, moved, strict=True):
        yield Found(what, name, _apart(one, true) / _apart(near, true))
    if device != "cpu":
        yield Found("device", name, _apart(exact[0], learned("cpu", False)[0]) / _apart(moved[0], exact[0]))


def _loss(name: str, device: str, side: int) -> Iterator[Found]:
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(0, CLASSES, (2, *(side,) * 3), generator=draw)
    near = 3 * torch.nn.functional.one_hot(labels, CLASSES).movedim(-1, 1)
    exact = near + torch.randn(2, CLASSES, *(side,) * 3, generator=draw)

    def value(logits: Tensor, where: str = device) -> float:
        return float(LOSSES[name](logits.to(where), labels.to(where)))

    rounded = exact.bfloat16()
    yield Found("loss", name, _share(value(rounded), value(exact)))
    yield Found("inside", name, _share(value(rounded), value(rounded.float())))
    if device != "cpu":
        yield Found("loss on the device", name, _share(value(exact), value(exact, "cpu")))


def _apart(a: Tensor, b: Tensor) -> float:
    """Returns the root mean square of `a - b` over that of `b`."""
    return float((a - b).square().mean().sqrt() / b.square().mean().sqrt())


def _share(a: float, b: float) -> float:
    return abs(a - b) / max(abs(b), 1e-6)
