"""V-Net in MONAI's layout, with a width."""

import torch
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.models.sizes import crop_to, even

_DOWN = (1, 2, 3, 2)  # convolutions 5³ of each stage on the way down, after the first
_UP = (2, 2, 1, 1)
_DROPOUT = 0.5


class VNet(nn.Module):
    """Residual stages of 5³ convolutions + batch normalisation + ELU, strided convolutions down, transposed ones up.

    Maps `(N, in_channels, *spatial)` to logits `(N, out_channels, *spatial)` of any size; multiples of `divisor` waste
    nothing. Channels are dropped (0.5) in the two deepest stages and in every skip path. With `width=16` it is MONAI's
    VNet to the weight: 45,597,898 trainable parameters for one channel and two classes. Weights start as PyTorch's
    convolutions do.

    Source: Milletari et al. 2016, https://arxiv.org/abs/1606.04797; `monai.networks.nets.VNet`.
    """

    dims = (2, 3)
    divisor = 16

    def __init__(self, in_channels: int, out_channels: int, dim: int = 3, *, width: int = 16) -> None:
        """Builds it.

        Args:
            in_channels: Channels of the image; divides `width`, since the input is repeated to `width` channels.
            out_channels: Classes, background included.
            dim: 2 or 3.
            width: Channels of the first stage; doubled at each of the four next.

        Raises:
            InputError: `width` is no multiple of `in_channels`, or `dim` is neither 2 nor 3.
        """
        super().__init__()
        if dim not in self.dims:
            raise InputError(f"vnet is a 2D or 3D network and the images have {dim} dimensions")
        if width % in_channels:
            raise InputError(f"vnet: width {width} is no multiple of the images' {in_channels} channels")
        self.first = _Input(dim, in_channels, width)
        self.down = nn.ModuleList(
            _Down(dim, width * 2**level, convolutions, drop=level >= 2) for level, convolutions in enumerate(_DOWN)
        )
        self.up = nn.ModuleList(
            _Up(dim, min(2**above, 16) * width, 2**above // 2 * width, convolutions, drop=above >= 4)
            for above, convolutions in zip((5, 4, 3, 2), _UP, strict=True)
        )
        self.last = _Output(dim, 2 * width, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Image `(N, in_channels, *spatial)` to logits `(N, out_channels, *spatial)`."""
        x = self.first(x)
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x)
        for up, skip in zip(self.up, reversed(skips), strict=True):
            x = up(x, skip)
        return self.last(x)  # type: ignore[no-any-return]


class _Input(nn.Module):
    """One convolution, added to the input repeated to as many channels."""

    def __init__(self, dim: int, before: int, width: int) -> None:
        super().__init__()
        self.repeats = width // before
        self.body = _convolution(dim, before, width)

    def forward(self, x: Tensor) -> Tensor:
        return _elu(self.body(x) + torch.cat([x] * self.repeats, dim=1))


class _Down(nn.Module):
    """Half the size, twice the channels, then a residual stage."""

    def __init__(self, dim: int, before: int, convolutions: int, *, drop: bool) -> None:
        super().__init__()
        after = 2 * before
        self.shrink = nn.Sequential(
            (nn.Conv2d if dim == 2 else nn.Conv3d)(before, after, 2, stride=2, bias=False), _norm(dim, after)
        )
        self.body = _residual(dim, after, convolutions)
        self.drop = _dropout(dim) if drop else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = _elu(self.shrink(even(x)))
        return _elu(self.body(self.drop(x)) + x)


class _Up(nn.Module):
    """Twice the size, joined by the skip path, then a residual stage of `after` channels."""

    def __init__(self, dim: int, before: int, after: int, convolutions: int, *, drop: bool) -> None:
        super().__init__()
        transposed = nn.ConvTranspose2d if dim == 2 else nn.ConvTranspose3d
        self.enlarge = nn.Sequential(transposed(before, after // 2, 2, stride=2), _norm(dim, after // 2))
        self.body = _residual(dim, after, convolutions)
        self.drop = _dropout(dim) if drop else nn.Identity()
        self.drop_skip = _dropout(dim)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x, skip = self.drop(x), self.drop_skip(skip)
        x = _elu(crop_to(self.enlarge(x), skip.shape[2:]))
        x = torch.cat([x, skip], dim=1)
        return _elu(self.body(x) + x)


class _Output(nn.Module):
    """A convolution to the classes, and one of size 1 after it."""

    def __init__(self, dim: int, before: int, classes: int) -> None:
        super().__init__()
        self.body = _convolution(dim, before, classes)
        self.head = (nn.Conv2d if dim == 2 else nn.Conv3d)(classes, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(_elu(self.body(x)))  # type: ignore[no-any-return]


def _residual(dim: int, width: int, convolutions: int) -> nn.Sequential:
    units = [nn.Sequential(_convolution(dim, width, width), nn.ELU(inplace=True)) for _ in range(convolutions)]
    return nn.Sequential(*units)


def _convolution(dim: int, before: int, after: int) -> nn.Sequential:
    convolution = nn.Conv2d if dim == 2 else nn.Conv3d
    return nn.Sequential(convolution(before, after, 5, padding=2, bias=False), _norm(dim, after))


def _norm(dim: int, channels: int) -> nn.Module:
    return (nn.BatchNorm2d if dim == 2 else nn.BatchNorm3d)(channels)


def _dropout(dim: int) -> nn.Module:
    return (nn.Dropout2d if dim == 2 else nn.Dropout3d)(_DROPOUT)


def _elu(x: Tensor) -> Tensor:
    return nn.functional.elu(x, inplace=True)
