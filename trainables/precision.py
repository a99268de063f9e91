"""bfloat16 on the CPU, where PyTorch gets it right.

Seen with torch 2.13.0 (CPU, AVX-512): in bfloat16 the weight gradient of a 3D convolution is garbage, up to 1e38,
where the input has fewer planes than the kernel. A patch of 32 planes has 2 at the bottom of a U-Net, so it is usual.
"""

import functools

import torch
from torch import Tensor, nn


def guard(network: nn.Module) -> None:
    """Lets the network's 3D convolutions compute in float32 under autocast where the input is thinner than the kernel.

    For networks on the CPU; the output is in bfloat16 as the others', so that what follows is not slowed down.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv3d) and type(module).forward is nn.Conv3d.forward:
            module.forward = functools.partial(_convolved, module)  # type: ignore[method-assign]


def _convolved(convolution: nn.Conv3d, x: Tensor) -> Tensor:
    if x.shape[2] >= convolution.kernel_size[0]:
        return nn.Conv3d.forward(convolution, x)
    with torch.autocast("cpu", enabled=False):
        return nn.Conv3d.forward(convolution, x.float()).to(torch.bfloat16)
