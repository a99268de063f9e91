"""MONAI's networks by name, each with a few parameters of its own. MONAI is imported when one is built."""

import importlib
import math
from collections.abc import Sequence
from typing import Any, Literal

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from trainables.errors import InputError

DIMS = (2, 3)


class AnySize(nn.Module):
    """For a network that takes only multiples of `divisor`: pads the image's far ends with zeros, cuts the output.

    With `only`, images of that one size are taken and no others.
    """

    def __init__(self, network: nn.Module, divisor: int, only: Sequence[int] | None = None) -> None:
        super().__init__()
        self.network, self.divisor = network, divisor
        self.only = None if only is None else tuple(only)

    def forward(self, x: Tensor) -> Tensor:
        """Image `(N, in_channels, *spatial)` to logits `(N, out_channels, *spatial)`; `(N, depths, …)` in training.

        Raises:
            ValueError: The network was made for images of another size.
        """
        size = x.shape[2:]
        if self.only is not None and tuple(size) != self.only:
            raise ValueError(f"this network was made for images of {[*self.only]} voxels, found {[*size]}")
        missing = [-side % self.divisor for side in reversed(size)]
        if any(missing):
            x = F.pad(x, [count for side in missing for count in (0, side)])
        logits = self.network(x)
        logits = logits[0] if isinstance(logits, list | tuple) else logits
        return logits[(..., *(slice(side) for side in size))] if any(missing) else logits  # type: ignore[no-any-return]


def dynunet(
    in_channels: int,
    out_channels: int,
    dim: int = 3,
    *,
    width: int = 32,
    residual: bool = False,
    norm: Literal["instance", "batch"] = "instance",
    dropout: float = 0.0,
    deep_supervision: bool = False,
) -> nn.Module:
    """nnU-Net's network as `monai.networks.nets.DynUNet` has it: five levels of two convolutions, the first strided.

    Args:
        in_channels: Channels of the image.
        out_channels: Classes, background included.
        dim: 2 or 3.
        width: Channels of the first level; doubled at each next, up to 10 times it (in 2D 16 times), as nnU-Net.
        residual: Whether the levels are residual blocks.
        norm: Between each convolution and its leaky ReLU (0.01).
        dropout: Share of the values that are dropped after each convolution.
        deep_supervision: Whether three deeper levels are trained on the reference too: in training the network gives
            `(N, 4, out_channels, *spatial)`, finest first (`trainables.losses.deep`).

    Raises:
        InputError: MONAI is missing, `dim` is neither 2 nor 3, or there is no such `norm`.

    Source: Isensee et al. 2021, https://doi.org/10.1038/s41592-020-01008-z; Futrega et al. 2021,
    https://arxiv.org/abs/2110.03352.
    """
    nets = monai_nets("dynunet", dim)
    strides = [1, 2, 2, 2, 2]
    most = (16 if dim == 2 else 10) * width
    network = nets.DynUNet(
        spatial_dims=dim,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=[3] * len(strides),
        strides=strides,
        upsample_kernel_size=strides[1:],
        filters=[min(width * 2**level, most) for level in range(len(strides))],
        dropout=dropout or None,
        norm_name=norm_of("dynunet", norm, ("instance", "batch"), width),
        deep_supervision=deep_supervision,
        deep_supr_num=len(strides) - 2,
        res_block=residual,
    )
    for again in ("input_block", "downsamples", "bottleneck", "upsamples", "deep_supervision_heads"):
        if hasattr(network, again):
            delattr(network, again)  # they are in skip_layers, which runs: a checkpoint would hold each weight twice
    return AnySize(network, 16)


def segresnet(
    in_channels: int,
    out_channels: int,
    dim: int = 3,
    *,
    width: int = 32,
    norm: Literal["group", "instance", "batch"] = "group",
    dropout: float = 0.0,
    upsample: Literal["interpolate", "transposed"] = "interpolate",
) -> nn.Module:
    """Myronenko's residual encoder with a light decoder, `monai.networks.nets.SegResNet`; without its autoencoder.

    Args:
        in_channels: Channels of the image.
        out_channels: Classes, background included.
        dim: 2 or 3.
        width: Channels of the first level; doubled at each of the three next.
        norm: `group` has 8 groups, or as many as divide `width`.
        dropout: Share of the first convolution's values that are dropped.
        upsample: Linear interpolation, whose gradient on a GPU is summed in no fixed order, or transposed convolutions.

    Raises:
        InputError: MONAI is missing, `dim` is neither 2 nor 3, or there is no such `norm` or `upsample`.

    Source: Myronenko 2018, https://arxiv.org/abs/1810.11654.
    """
    nets = monai_nets("segresnet", dim)
    modes = {"interpolate": "nontrainable", "transposed": "deconv"}
    if upsample not in modes:
        raise InputError(f"segresnet: upsample is {' or '.join(modes)}, found {upsample!r}")
    network = nets.SegResNet(
        spatial_dims=dim,
        init_filters=width,
        in_channels=in_channels,
        out_channels=out_channels,
        dropout_prob=dropout or None,
        norm=norm_of("segresnet", norm, ("group", "instance", "batch"), width),
        upsample_mode=modes[upsample],
    )
    return AnySize(network, 8)


def attention_unet(
    in_channels: int, out_channels: int, dim: int = 3, *, width: int = 16, dropout: float = 0.0
) -> nn.Module:
    """A U-Net with batch normalisation whose skip paths are gated, `monai.networks.nets.AttentionUnet`.

    Args:
        in_channels: Channels of the image.
        out_channels: Classes, background included.
        dim: 2 or 3.
        width: Channels of the first level, at least 2; doubled at each of the four next.
        dropout: Share of the values that are dropped after each convolution.

    Raises:
        InputError: MONAI is missing, `dim` is neither 2 nor 3, or `width` is below 2.

    Source: Oktay et al. 2018, https://arxiv.org/abs/1804.03999.
    """
    nets = monai_nets("attention_unet", dim)
    if width < 2:
        raise InputError(f"attention_unet: its gates have width / 2 channels, so width is at least 2, found {width}")
    widths = [width * 2**level for level in range(5)]
    return AnySize(nets.AttentionUnet(dim, in_channels, out_channels, widths, [2] * 4, dropout=dropout), 16)


def unetplusplus(
    in_channels: int,
    out_channels: int,
    dim: int = 3,
    *,
    width: int = 32,
    norm: Literal["instance", "batch"] = "instance",
    dropout: float = 0.0,
) -> nn.Module:
    """U-Net++: nested skip paths at every level, `monai.networks.nets.BasicUNetPlusPlus`; the last of its four outputs.

    Args:
        in_channels: Channels of the image.
        out_channels: Classes, background included.
        dim: 2 or 3.
        width: Channels of the first two levels; doubled at each of the three next.
        norm: Between each convolution and its leaky ReLU (0.1).
        dropout: Share of the values that are dropped after each convolution.

    Raises:
        InputError: MONAI is missing, `dim` is neither 2 nor 3, or there is no such `norm`.

    Source: Zhou et al. 2018, https://arxiv.org/abs/1807.10165.
    """
    nets = monai_nets("unetplusplus", dim)
    features = [share * width for share in (1, 1, 2, 4, 8, 1)]
    normalisation = norm_of("unetplusplus", norm, ("instance", "batch"), width)
    network = nets.BasicUNetPlusPlus(dim, in_channels, out_channels, features, norm=normalisation, dropout=dropout)
    for unused in ("final_conv_0_1", "final_conv_0_2", "final_conv_0_3"):
        setattr(network, unused, nn.Identity())  # outputs of shallower decoders, which would have no gradient
    return AnySize(network, 16)


def mednext(
    in_channels: int,
    out_channels: int,
    dim: int = 3,
    *,
    width: int = 32,
    variant: Literal["S", "B", "M", "L"] = "S",
    kernel_size: int = 3,
) -> nn.Module:
    """MedNeXt: residual blocks of depthwise convolutions with wide bottlenecks, `monai.networks.nets.MedNeXt`.

    Args:
        in_channels: Channels of the image.
        out_channels: Classes, background included.
        dim: 2 or 3.
        width: Channels of the first level; doubled at each of the four next.
        variant: The paper's sizes.
        kernel_size: Edge of the depthwise kernels in voxels, odd; the paper has 3 and 5.

    Raises:
        InputError: MONAI is missing, `dim` is neither 2 nor 3, there is no such variant, or `kernel_size` is even.

    Source: Roy et al. 2023, https://arxiv.org/abs/2303.09975.
    """
    nets = monai_nets("mednext", dim)
    if variant not in _MEDNEXT:
        raise InputError(f"mednext: variant is {', '.join(_MEDNEXT)}, found {variant!r}")
    if kernel_size % 2 == 0:
        raise InputError(f"mednext: kernel_size is an odd number, found {kernel_size}")
    expansion, blocks = _MEDNEXT[variant]
    network = nets.MedNeXt(
        spatial_dims=dim,
        init_filters=width,
        in_channels=in_channels,
        out_channels=out_channels,
        encoder_expansion_ratio=expansion[:4],
        decoder_expansion_ratio=expansion[:4][::-1],
        bottleneck_expansion_ratio=expansion[4],
        kernel_size=kernel_size,
        use_residual_connection=True,
        blocks_down=blocks[:4],
        blocks_bottleneck=blocks[4],
        blocks_up=blocks[:4][::-1],
    )
    return AnySize(network, 16)


_MEDNEXT = {
    "S": ((2, 2, 2, 2, 2), (2, 2, 2, 2, 2)),
    "B": ((2, 3, 4, 4, 4), (2, 2, 2, 2, 2)),
    "M": ((2, 3, 4, 4, 4), (3, 4, 4, 4, 4)),
    "L": ((3, 4, 8, 8, 8), (3, 4, 8, 8, 8)),
}
"""Variant → expansion ratios and numbers of blocks: four levels, then the bottom."""


def monai_nets(name: str, dim: int) -> Any:
    """`monai.networks.nets`, for a network of this name."""
    if dim not in DIMS:
        raise InputError(f"{name} is a 2D or 3D network and the images have {dim} dimensions")
    try:
        return importlib.import_module("monai.networks.nets")
    except ImportError as error:
        raise InputError(f"{name} is MONAI's, which cannot be imported ({error}): pip install monai") from error


def norm_of(name: str, norm: str, known: tuple[str, ...], width: int) -> tuple[str, dict[str, Any]]:
    """As MONAI writes it; scale and shift are learnt."""
    if norm not in known:
        raise InputError(f"{name}: norm is {' or '.join(known)}, found {norm!r}")
    return norm, {"num_groups": math.gcd(8, width)} if norm == "group" else {"affine": True}
