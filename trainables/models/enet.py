"""ENet: a network of bottlenecks, small and fast, with a large encoder and a small decoder."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.models.sizes import crop_to, even

_SHRINK = 4  # channels of a bottleneck over those inside it
_DROPOUT, _DROPOUT_FIRST = 0.1, 0.01
_STAGE = ("plain", "dilated 2", "asymmetric", "dilated 4", "plain", "dilated 8", "asymmetric", "dilated 16")


class ENet(nn.Module):
    """A strided first block, bottlenecks of 4, 8 and 8 (dilated, asymmetric) and 2 and 1 after unpooling.

    Maps `(N, in_channels, height, width)` to logits `(N, out_channels, height, width)` of any height and width;
    multiples of `divisor` waste nothing. Convolutions have no biases; PReLU with one slope each on the way down, ReLU
    on the way up; channels are dropped (0.01 in the first stage, 0.1 after). The first block's `width` maps are the
    pooled image and the rest convolutions. With `width=16`, one input channel and two classes: 348,996 trainable
    parameters, and 8,608 running statistics; with three input channels 349,212.

    Weights start as PyTorch's convolutions do.

    Source: Paszke et al. 2016, https://arxiv.org/abs/1606.02147, in the layout of https://github.com/davidtvs/PyTorch-ENet.
    """

    dims = (2,)
    divisor = 8

    def __init__(self, in_channels: int, out_channels: int, dim: int = 2, *, width: int = 16) -> None:
        """Builds it.

        Args:
            in_channels: Channels of the image, fewer than `width`.
            out_channels: Classes, background included.
            dim: 2.
            width: Maps of the first block; 4 and 8 times as many in the next stages.

        Raises:
            InputError: `dim` is not 2, or `width` is no multiple of 4 above `in_channels`.
        """
        super().__init__()
        if dim not in self.dims:
            raise InputError(f"enet is a 2D network and the images have {dim} dimensions; use unet3d or vnet")
        if width % _SHRINK or width <= in_channels:
            raise InputError(
                f"enet: expected a width that is a multiple of {_SHRINK} and above the images' {in_channels} channels, "
                f"found {width}"
            )
        middle, wide = 4 * width, 8 * width
        self.first = nn.Conv2d(in_channels, width - in_channels, 3, stride=2, padding=1, bias=False)
        self.first_norm = nn.Sequential(nn.BatchNorm2d(width), nn.PReLU())
        self.down1 = _Down(width, middle, _DROPOUT_FIRST)
        self.stage1 = nn.Sequential(*[_Bottleneck(middle, "plain", _DROPOUT_FIRST, nn.PReLU) for _ in range(4)])
        self.down2 = _Down(middle, wide, _DROPOUT)
        self.stage2 = nn.Sequential(*[_Bottleneck(wide, kind, _DROPOUT, nn.PReLU) for kind in 2 * _STAGE])
        self.up2 = _Up(wide, middle)
        self.stage4 = nn.Sequential(*[_Bottleneck(middle, "plain", _DROPOUT, nn.ReLU) for _ in range(2)])
        self.up1 = _Up(middle, width)
        self.stage5 = _Bottleneck(width, "plain", _DROPOUT, nn.ReLU)
        self.head = nn.ConvTranspose2d(width, out_channels, 3, stride=2, padding=1, output_padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Image `(N, in_channels, height, width)` to logits `(N, out_channels, height, width)`."""
        size = x.shape[2:]
        x = self.first_norm(torch.cat([self.first(x), F.max_pool2d(x, 3, stride=2, padding=1)], dim=1))
        size1 = x.shape[2:]
        x, places1 = self.down1(x)
        x = self.stage1(x)
        size2 = x.shape[2:]
        x, places2 = self.down2(x)
        x = self.stage4(self.up2(self.stage2(x), places2, size2))
        x = self.stage5(self.up1(x, places1, size1))
        return crop_to(self.head(x), size)


class _Bottleneck(nn.Module):
    """1×1 to a quarter of the channels, a convolution there, 1×1 back, added to the input."""

    def __init__(self, channels: int, kind: str, dropout: float, activation: type[nn.Module]) -> None:
        super().__init__()
        inside = channels // _SHRINK
        self.body = nn.Sequential(
            *_unit(nn.Conv2d(channels, inside, 1, bias=False), activation),
            *_middle(inside, kind, activation),
            *_unit(nn.Conv2d(inside, channels, 1, bias=False), activation),
            nn.Dropout2d(dropout),
        )
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x + self.body(x))  # type: ignore[no-any-return]


class _Down(nn.Module):
    """Half the size: a pooling, padded with empty channels, beside a bottleneck whose first convolution is strided."""

    def __init__(self, before: int, after: int, dropout: float) -> None:
        super().__init__()
        inside = before // _SHRINK
        self.body = nn.Sequential(
            *_unit(nn.Conv2d(before, inside, 2, stride=2, bias=False), nn.PReLU),
            *_middle(inside, "plain", nn.PReLU),
            *_unit(nn.Conv2d(inside, after, 1, bias=False), nn.PReLU),
            nn.Dropout2d(dropout),
        )
        self.activation = nn.PReLU()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The output, and where the pooling found its maxima."""
        pooled, places = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
        x = self.body(even(x))
        pooled = F.pad(pooled, (0, 0, 0, 0, 0, x.shape[1] - pooled.shape[1]))
        return self.activation(pooled + x), places


class _Up(nn.Module):
    """Twice the size: a 1×1 convolution unpooled, beside a bottleneck with a transposed convolution."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        inside = before // _SHRINK
        self.main = nn.Sequential(nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after))
        self.body = nn.Sequential(
            *_unit(nn.Conv2d(before, inside, 1, bias=False), nn.ReLU),
            *_unit(nn.ConvTranspose2d(inside, inside, 2, stride=2, bias=False), nn.ReLU),
            nn.Conv2d(inside, after, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.Dropout2d(_DROPOUT),
        )

    def forward(self, x: Tensor, places: Tensor, size: torch.Size) -> Tensor:
        main = F.max_unpool2d(self.main(x), places, [2, 2], output_size=list(size))
        return F.relu(main + crop_to(self.body(x), size))


def _middle(channels: int, kind: str, activation: type[nn.Module]) -> list[nn.Module]:
    """The convolution inside a bottleneck."""
    word, _, number = kind.partition(" ")
    if word == "asymmetric":
        return [
            *_unit(nn.Conv2d(channels, channels, (5, 1), padding=(2, 0), bias=False), activation),
            *_unit(nn.Conv2d(channels, channels, (1, 5), padding=(0, 2), bias=False), activation),
        ]
    apart = int(number or 1)
    return _unit(nn.Conv2d(channels, channels, 3, padding=apart, dilation=apart, bias=False), activation)


def _unit(convolution: nn.Conv2d | nn.ConvTranspose2d, activation: type[nn.Module]) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels), activation()]
