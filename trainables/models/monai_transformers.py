"""MONAI's U-Nets whose encoder is a transformer. MONAI and einops, which they need, are imported when one is built."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from trainables.errors import InputError
from trainables.models.monai_networks import AnySize, monai_nets, norm_of


def swin_unetr(
    in_channels: int,
    out_channels: int,
    dim: int = 3,
    *,
    patch_size: Sequence[int] | None = None,
    width: int = 48,
    heads: int = 3,
    blocks: int = 2,
    window_size: int = 7,
    norm: Literal["instance", "batch"] = "instance",
    dropout: float = 0.0,
) -> nn.Module:
    """Swin UNETR: attention inside shifted windows at five resolutions, `monai.networks.nets.SwinUNETR`.

    Args:
        in_channels: Channels of the image.
        out_channels: Classes, background included.
        dim: 2 or 3.
        patch_size: Voxels of the images, when they are all of one size: then no other is taken, and the network can be
            traced. Padded to multiples of 32 in here.
        width: Channels of the first level, a multiple of 12; doubled at each of the four next.
        heads: Attention heads of the first level, a divisor of `width`; doubled at each of the three next.
        blocks: Transformer blocks of each level; every second one has its windows shifted.
        window_size: Side of the windows inside which tokens of 2 voxels attend to each other.
        norm: Normalisation of the convolutions, without scale and shift for `instance`; the transformer has its own.
        dropout: Share of the values that are dropped after the embedding and in each transformer block.

    Raises:
        InputError: MONAI or einops is missing, `dim` is neither 2 nor 3, there is no such `norm`, or `width` is no
            multiple of 12 and of `heads`.

    Source: Hatamizadeh et al. 2022, https://arxiv.org/abs/2201.01266.
    """
    nets = _nets("swin_unetr", dim)
    norm_name, _ = norm_of("swin_unetr", norm, ("instance", "batch"), width)
    if width % 12 or width % heads:
        raise InputError(f"swin_unetr: width is a multiple of 12 and of heads, found width {width} and heads {heads}")
    with _ReadableLinspace():
        network = nets.SwinUNETR(
            in_channels,
            out_channels,
            depths=[blocks] * 4,
            num_heads=[heads * 2**level for level in range(4)],
            window_size=window_size,
            feature_size=width,
            norm_name=norm_name,
            drop_rate=dropout,
            spatial_dims=dim,
        )
    return AnySize(network, 32, patch_size)


def unetr(
    in_channels: int,
    out_channels: int,
    dim: int = 3,
    *,
    patch_size: Sequence[int] | None = None,
    width: int = 16,
    hidden_size: int = 768,
    heads: int = 12,
    norm: Literal["instance", "batch"] = "instance",
    dropout: float = 0.0,
) -> nn.Module:
    """UNETR: a vision transformer of 12 blocks over cubes of 16 voxels, and a convolutional decoder, as MONAI has it.

    Its embedding of positions is learnt for one size of image, the study's patch.

    Args:
        in_channels: Channels of the image.
        out_channels: Classes, background included.
        dim: 2 or 3.
        patch_size: Voxels of the images; padded to multiples of 16 in here.
        width: Channels of the decoder's finest level.
        hidden_size: Length of a token; its blocks' hidden layers are four times as long.
        heads: Attention heads, a divisor of `hidden_size`.
        norm: Normalisation of the convolutions, without scale and shift for `instance`; the transformer has its own.
        dropout: Share of the values that are dropped after the embedding and in each transformer block.

    Raises:
        InputError: MONAI or einops is missing, `dim` is neither 2 nor 3, there is no such `norm`, or `hidden_size` is
            no multiple of `heads`.
        ValueError: No `patch_size` was given.

    Source: Hatamizadeh et al. 2022, https://arxiv.org/abs/2103.10504.
    """
    nets = _nets("unetr", dim)
    norm_name, _ = norm_of("unetr", norm, ("instance", "batch"), width)
    if hidden_size % heads:
        raise InputError(f"unetr: hidden_size is a multiple of heads, found {hidden_size} and {heads}")
    if patch_size is None:
        raise ValueError("unetr: expected patch_size, the size of the images that it is made for")
    network = nets.UNETR(
        in_channels,
        out_channels,
        img_size=[-(-side // 16) * 16 for side in patch_size],
        feature_size=width,
        hidden_size=hidden_size,
        mlp_dim=4 * hidden_size,
        num_heads=heads,
        norm_name=norm_name,
        dropout_rate=dropout,
        spatial_dims=dim,
    )
    for block in network.vit.blocks:
        block.norm_cross_attn = nn.Identity()  # of an attention to a second image, which would have no gradient
    return AnySize(network, 16, patch_size)


class _ReadableLinspace(TorchFunctionMode):
    """`torch.linspace` on the CPU: MONAI reads its values, which a network that is only counted (`meta`) has not."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        on_cpu = {"device": "cpu"} if func is torch.linspace else {}
        return func(*args, **{**(kwargs or {}), **on_cpu})


def _nets(name: str, dim: int) -> Any:
    """`monai.networks.nets`, where einops is there too."""
    nets = monai_nets(name, dim)
    try:
        importlib.import_module("einops")
    except ImportError as error:
        raise InputError(f"{name} needs einops, which cannot be imported ({error}): pip install einops") from error
    return nets
