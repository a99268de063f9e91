"""CPU kernels: three replacements in a network's layers where PyTorch's own kernels are wrong or slow.

- bfloat16: the weight gradient of a 3D convolution is garbage, up to 1e38, where the input has fewer planes than
  the kernel (torch 2.13.0, AVX-512). A patch of 32 planes has 2 at the bottom of a U-Net, so it is usual.
- Instance normalisation: PyTorch copies every tensor to channels first and back. A batch normalisation of each
  sample needs no copy: MONAI's residual U-Net predicts 64³ voxels in 0.82 of the time.
- 3D convolutions of a single float32 image: where channels × depth × height are at most 20,480, PyTorch does not use
  oneDNN. A window of 40 × 56 × 40 voxels then takes 157 ms of a core instead of 26 (`unet3d`, width 8), and 33 instead
  of 11 (MONAI's residual U-Net). Results differ by rounding.
"""

import functools

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def use_float32_for_thin_inputs(network: nn.Module) -> None:
    """Make 3D convolutions compute in float32 under autocast where the input has fewer planes than the kernel.

    For networks on the CPU. The output stays bfloat16, so that the layers after it are as fast as before.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv3d) and type(module).forward is nn.Conv3d.forward:
            module.forward = functools.partial(_convolved, module)  # type: ignore[method-assign]


def _convolved(convolution: nn.Conv3d, x: Tensor) -> Tensor:
    if x.shape[2] >= convolution.kernel_size[0]:
        return nn.Conv3d.forward(convolution, x)
    with torch.autocast("cpu", enabled=False):
        return nn.Conv3d.forward(convolution, x.float()).to(torch.bfloat16)


def keep_channels_last_in_instance_norms(network: nn.Module) -> None:
    """Make instance normalisations keep the memory format channels-last, where no gradient is needed.

    For networks on the CPU. Predictions differ by rounding; trainings keep their bits.
    """
    for module in network.modules():
        if isinstance(module, nn.InstanceNorm2d | nn.InstanceNorm3d) and not module.track_running_stats:
            module.forward = functools.partial(_normalised, module)  # type: ignore[method-assign]


def _normalised(norm: nn.InstanceNorm2d | nn.InstanceNorm3d, x: Tensor) -> Tensor:
    if torch.is_grad_enabled() or x.is_contiguous():
        return type(norm).forward(norm, x)
    samples = torch.split(x, 1)
    own = (F.batch_norm(sample, None, None, norm.weight, norm.bias, True, 0.0, norm.eps) for sample in samples)
    return torch.cat(list(own))


def use_onednn_for_single_images(network: nn.Module) -> None:
    """Make 3D convolutions use oneDNN for a batch of one, where no gradient is needed.

    For networks on the CPU. Training is unchanged: PyTorch chooses the kernel of the gradient by itself.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return
    for module in network.modules():
        if not isinstance(module, nn.Conv3d) or type(module).forward is not nn.Conv3d.forward:
            continue  # a subclass may compute something else
        if module.padding_mode == "zeros" and not isinstance(module.padding, str):
            module.forward = functools.partial(_convolved_alone, module)  # type: ignore[method-assign]


def _convolved_alone(convolution: nn.Conv3d, x: Tensor) -> Tensor:
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
