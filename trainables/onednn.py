"""3D convolutions of a single image on the CPU by oneDNN too, which PyTorch keeps for larger batches.

Seen with torch 2.13.0 (CPU): where channels × depth × height are at most 20,480, a batch of one in float32 goes to
PyTorch's own convolution. A window of 40 × 56 × 40 voxels then took 157 ms of a core instead of 26 (`unet3d`, width 8),
and 33 instead of 11 (MONAI's residual U-Net). Results differ by rounding.
"""

import functools

import torch
from torch import Tensor, nn


def for_single_images(network: nn.Module) -> None:
    """Lets the network's 3D convolutions use oneDNN for a batch of one where no gradient is asked for.

    For networks on the CPU. Training is left as it is: PyTorch would choose for the gradient by itself.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return
    for module in network.modules():
        if not isinstance(module, nn.Conv3d) or type(module).forward is not nn.Conv3d.forward:
            continue  # a subclass may compute something else
        if module.padding_mode == "zeros" and not isinstance(module.padding, str):
            module.forward = functools.partial(_convolved, module)  # type: ignore[method-assign]


def _convolved(convolution: nn.Conv3d, x: Tensor) -> Tensor:
    alone = x.ndim == 5 and len(x) == 1 and x.dtype == torch.float32 and not torch.is_grad_enabled()
    if not alone or torch.is_autocast_enabled("cpu"):
        return nn.Conv3d.forward(convolution, x)
    assert not isinstance(convolution.padding, str), "those are left out"
    return torch.mkldnn_convolution(
        x,
        convolution.weight,
        convolution.bias,
        convolution.padding,
        convolution.stride,
        convolution.dilation,
        convolution.groups,
    )
