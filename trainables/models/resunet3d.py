"""Residual U-Net in 3D as the inverse-weighting paper trained it."""

import itertools

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.models.sizes import pool

_LEFT = ((1, 1, 1), (1, 4, 4), (4, 8, 8))  # channels from block to block on the way down, times `width`
_BOTTOM = (8, 16, 16, 8)
_RIGHT = ((1, 1, 1), (4, 4, 1), (8, 8, 4))  # on the way up, shallowest first


class ResUNet3d(nn.Module):
    """Pre-activation residual blocks, three poolings, trilinear upsampling, skip paths that are added.

    Maps `(N, in_channels, z, y, x)` to logits `(N, out_channels, z, y, x)` of any size; multiples of `divisor` waste
    nothing. A skip path is a 1³ convolution; the last layer normalises the logits over the batch. With `width=16`, one
    input and one output channel: 11,074,306 trainable parameters, 11,080,292 with the running statistics. Weights start
    as PyTorch's convolutions do.

    On a GPU the gradient of the trilinear upsampling is summed in no fixed order: repeated trainings differ in the last
    digits.

    Source: Shirokikh et al. 2020, https://arxiv.org/abs/2007.10033, as their configuration builds it.
    """

    dims = (3,)
    divisor = 2 ** len(_LEFT)

    def __init__(self, in_channels: int, out_channels: int, dim: int = 3, *, width: int = 16) -> None:
        """Builds it.

        Args:
            in_channels: Channels of the image.
            out_channels: Classes, background included.
            dim: 3.
            width: Channels of the first level; 4, 8 and 16 times as many further down.

        Raises:
            InputError: `dim` is not 3.
        """
        super().__init__()
        if dim not in self.dims:
            raise InputError(f"resunet3d is a 3D network and the images have {dim} dimensions; use unet")
        self.first = nn.Sequential(
            nn.Conv3d(in_channels, width, 3, padding=1, bias=False), *_activated(width, width, 3, bias=True)
        )
        self.left = nn.ModuleList(_blocks(level, width) for level in _LEFT)
        self.pool = pool(3)
        self.bottom = _blocks(_BOTTOM, width)
        self.skips = nn.ModuleList(
            nn.Sequential(*_activated(level[-1] * width, level[-1] * width, 1, bias=True)) for level in _LEFT
        )
        self.right = nn.ModuleList(_blocks(level, width) for level in _RIGHT)
        self.last = nn.Sequential(
            _Residual(width, width, 1), *_activated(width, out_channels, 1, bias=False), nn.BatchNorm3d(out_channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Image `(N, in_channels, z, y, x)` to logits `(N, out_channels, z, y, x)`."""
        x = self.first(x)
        kept = []
        for blocks, skip in zip(self.left, self.skips, strict=True):
            x = blocks(x)
            kept.append(skip(x))
            x = self.pool(x)
        x = self.bottom(x)
        for blocks, skipped in zip(reversed(self.right), reversed(kept), strict=True):
            size = list(skipped.shape[2:])
            x = blocks(F.interpolate(x, size=size, mode="trilinear", align_corners=True) + skipped)
        return self.last(x)  # type: ignore[no-any-return]


class _Residual(nn.Module):
    """Two activated convolutions beside the input, which a 1³ convolution brings to as many channels."""

    def __init__(self, before: int, after: int, size: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_activated(before, after, size, bias=False), *_activated(after, after, size, bias=False)
        )
        self.shortcut = nn.Identity() if before == after else nn.Conv3d(before, after, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)  # type: ignore[no-any-return]


def _blocks(shares: tuple[int, ...], width: int) -> nn.Sequential:
    return nn.Sequential(*[_Residual(a * width, b * width) for a, b in itertools.pairwise(shares)])


def _activated(before: int, after: int, size: int, *, bias: bool) -> list[nn.Module]:
    convolution = nn.Conv3d(before, after, size, padding=size // 2, bias=bias)
    return [nn.BatchNorm3d(before), nn.ReLU(inplace=True), convolution]
