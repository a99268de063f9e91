"""V-Net in MONAI's layout, with a width."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.models.sizes import crop_to, even

_DOWN = (1, 2, 3, 2)  # convolutions 5³ of each stage on the way down, after the first
_UP = (2, 2, 1, 1)


class VNet(nn.Module):
    """Residual stages of 5³ convolutions + batch normalisation, strided convolutions down, transposed ones up.

    Maps `(N, in_channels, *spatial)` to logits `(N, out_channels, *spatial)` of any size; multiples of `divisor` waste
    nothing. Channels are dropped in the two deepest stages and in every skip path. With `width=16` it is MONAI's VNet
    to the weight: 45,597,898 trainable parameters for one channel and two classes. Weights start as PyTorch's
    convolutions do.

    Source: Milletari et al. 2016, https://arxiv.org/abs/1606.04797; `monai.networks.nets.VNet`.
    """

    dims = (2, 3)
    divisor = 16

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dim: int = 3,
        *,
        width: int = 16,
        activation: Literal["elu", "prelu", "relu"] = "elu",
        dropout: float = 0.5,
    ) -> None:
        """Builds it.

        Args:
            in_channels: Channels of the image; divides `width`, since the input is repeated to `width` channels.
            out_channels: Classes, background included.
            dim: 2 or 3.
            width: Channels of the first stage; doubled at each of the four next.
            activation: `prelu` learns a slope for each channel.
            dropout: Share of the channels that are dropped, in `[0, 1)`.

        Raises:
            InputError: `width` is no multiple of `in_channels`, `dim` is neither 2 nor 3, or the activation unknown.
        """
        super().__init__()
        if dim not in self.dims:
            raise InputError(f"vnet is a 2D or 3D network and the images have {dim} dimensions")
        if width % in_channels:
            raise InputError(f"vnet: width {width} is no multiple of the images' {in_channels} channels")
        if activation not in _ACTIVATIONS:
            raise InputError(f"vnet: activation is elu, prelu or relu, found {activation!r}")
        self.first = _Input(dim, in_channels, width, activation)
        self.down = nn.ModuleList(
            _Down(dim, width * 2**level, convolutions, activation, dropout if level >= 2 else 0)
            for level, convolutions in enumerate(_DOWN)
        )
        self.up = nn.ModuleList(
            _Up(dim, min(2**above, 16) * width, 2**above // 2 * width, convolutions, activation, dropout, above >= 4)
            for above, convolutions in zip((5, 4, 3, 2), _UP, strict=True)
        )
        self.last = _Output(dim, 2 * width, out_channels, activation)

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

    def __init__(self, dim: int, before: int, width: int, activation: str) -> None:
        super().__init__()
        self.repeats = width // before
        self.body = _convolution(dim, before, width)
        self.activation = _ACTIVATIONS[activation](width)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.body(x) + torch.cat([x] * self.repeats, dim=1))  # type: ignore[no-any-return]


class _Down(nn.Module):
    """Half the size, twice the channels, then a residual stage."""

    def __init__(self, dim: int, before: int, convolutions: int, activation: str, dropout: float) -> None:
        super().__init__()
        after = 2 * before
        self.shrink = nn.Sequential(
            (nn.Conv2d if dim == 2 else nn.Conv3d)(before, after, 2, stride=2, bias=False), _norm(dim, after)
        )
        self.shrink_activation = _ACTIVATIONS[activation](after)
        self.body = _residual(dim, after, convolutions, activation)
        self.activation = _ACTIVATIONS[activation](after)
        self.drop = _dropout(dim, dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = self.shrink_activation(self.shrink(even(x)))
        return self.activation(self.body(self.drop(x)) + x)  # type: ignore[no-any-return]


class _Up(nn.Module):
    """Twice the size, joined by the skip path, then a residual stage of `after` channels."""

    def __init__(
        self, dim: int, before: int, after: int, convolutions: int, activation: str, dropout: float, deep: bool
    ) -> None:
        super().__init__()
        transposed = nn.ConvTranspose2d if dim == 2 else nn.ConvTranspose3d
        self.enlarge = nn.Sequential(transposed(before, after // 2, 2, stride=2), _norm(dim, after // 2))
        self.enlarge_activation = _ACTIVATIONS[activation](after // 2)
        self.body = _residual(dim, after, convolutions, activation)
        self.activation = _ACTIVATIONS[activation](after)
        self.drop = _dropout(dim, dropout if deep else 0)
        self.drop_skip = _dropout(dim, dropout)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x, skip = self.drop(x), self.drop_skip(skip)
        x = self.enlarge_activation(crop_to(self.enlarge(x), skip.shape[2:]))
        x = torch.cat([x, skip], dim=1)
        return self.activation(self.body(x) + x)  # type: ignore[no-any-return]


class _Output(nn.Module):
    """A convolution to the classes, and one of size 1 after it."""

    def __init__(self, dim: int, before: int, classes: int, activation: str) -> None:
        super().__init__()
        self.body = _convolution(dim, before, classes)
        self.activation = _ACTIVATIONS[activation](classes)
        self.head = (nn.Conv2d if dim == 2 else nn.Conv3d)(classes, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.activation(self.body(x)))  # type: ignore[no-any-return]


def _residual(dim: int, width: int, convolutions: int, activation: str) -> nn.Sequential:
    units = [
        nn.Sequential(_convolution(dim, width, width), _ACTIVATIONS[activation](width)) for _ in range(convolutions)
    ]
    return nn.Sequential(*units)


def _convolution(dim: int, before: int, after: int) -> nn.Sequential:
    convolution = nn.Conv2d if dim == 2 else nn.Conv3d
    return nn.Sequential(convolution(before, after, 5, padding=2, bias=False), _norm(dim, after))


def _norm(dim: int, channels: int) -> nn.Module:
    return (nn.BatchNorm2d if dim == 2 else nn.BatchNorm3d)(channels)


def _dropout(dim: int, share: float) -> nn.Module:
    return (nn.Dropout2d if dim == 2 else nn.Dropout3d)(share) if share else nn.Identity()


_ACTIVATIONS: dict[str, Callable[[int], nn.Module]] = {
    "elu": lambda _: nn.ELU(inplace=True),
    "prelu": nn.PReLU,
    "relu": lambda _: nn.ReLU(inplace=True),
}
"""Number of channels → activation."""
