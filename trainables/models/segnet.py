"""SegNet: VGG16's convolutions down, their mirror image up, and poolings undone at the places that they took."""

import itertools

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from trainables.errors import InputError

_DOWN = ((1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8))  # VGG16: widths of each block, times `width`
_UP = ((8, 8, 8), (8, 8, 4), (4, 4, 2), (2, 1), (1,))  # the last convolution, to the classes, follows


class SegNet(nn.Module):
    """Five blocks of 3×3 convolution + batch normalisation + ReLU, each ended by a pooling; five that mirror them.

    Maps `(N, in_channels, height, width)` to logits `(N, out_channels, height, width)` of any height and width;
    multiples of `divisor` waste nothing. There are no skip paths: what goes up beside the values is where each pooling
    found its maximum. The last convolution has neither normalisation nor ReLU. With `width=64`, one input and one
    output channel: 29,442,433 trainable parameters, and 15,872 running statistics.

    Weights start from He's normal distribution, biases at 0 (the paper starts from VGG16's, trained on photographs).

    Source: Badrinarayanan et al. 2017, https://arxiv.org/abs/1511.00561.
    """

    dims = (2,)
    divisor = 2 ** len(_DOWN)

    def __init__(self, in_channels: int, out_channels: int, dim: int = 2, *, width: int = 64) -> None:
        """Builds it.

        Args:
            in_channels: Channels of the image.
            out_channels: Classes, background included.
            dim: 2.
            width: Channels of the first block; 2, 4, 8 and 8 times as many in the next.

        Raises:
            InputError: `dim` is not 2.
        """
        super().__init__()
        if dim not in self.dims:
            raise InputError(f"segnet is a 2D network and the images have {dim} dimensions; use unet3d or vnet")
        blocks = [[width * share for share in block] for block in (*_DOWN, *_UP)]
        befores = [in_channels, *(block[-1] for block in blocks)]
        made = [_block(before, block) for before, block in zip(befores, blocks, strict=False)]
        self.down = nn.ModuleList(made[: len(_DOWN)])
        self.up = nn.ModuleList(made[len(_DOWN) :])
        self.head = nn.Conv2d(width, out_channels, 3, padding=1)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Image `(N, in_channels, height, width)` to logits `(N, out_channels, height, width)`."""
        taken = []
        for block in self.down:
            x = block(x)
            size = x.shape[2:]
            x, places = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
            taken.append((size, places))
        for block, (size, places) in zip(self.up, reversed(taken), strict=True):
            x = block(F.max_unpool2d(x, places, [2, 2], output_size=list(size)))
        return self.head(x)  # type: ignore[no-any-return]


def _block(before: int, widths: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inside, after in itertools.pairwise((before, *widths)):
        layers += [nn.Conv2d(inside, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        assert module.bias is not None
        nn.init.zeros_(module.bias)
