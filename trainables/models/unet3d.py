"""U-Net in 3D: MIScnn's standard network, or the same with instance normalisation and leaky ReLU."""

from typing import Literal

import torch
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.models.normalisation import InstanceNorm
from trainables.models.sizes import crop_to, pool

_DEPTH = 4
_LEAK = 0.01


class UNet3d(nn.Module):
    """Two convolutions 3³ a stage, four poolings, transposed convolutions 2³, a 1³ convolution as head.

    Maps `(N, in_channels, z, y, x)` to logits `(N, out_channels, z, y, x)` of any size; multiples of `divisor` waste
    nothing. A stage is, twice,

    - `norm="batch"`: convolution with bias, ReLU, batch normalisation (eps 1e-3), Glorot's uniform weights, as MIScnn's
      `Standard` has it. With `width=32`, one input channel and three classes: 22,587,171 parameters with the running
      statistics, 22,581,283 trainable ones.
    - `norm="instance"`: convolution, instance normalisation with scale and shift, leaky ReLU (0.01), He's normal
      weights. The project's default: it does not depend on the rest of the batch, nor on running statistics.

    Source: Müller and Kramer 2021, https://arxiv.org/abs/1910.09308; Çiçek et al. 2016, https://arxiv.org/abs/1606.06650;
    the instance variant follows Isensee et al. 2021, https://doi.org/10.1038/s41592-020-01008-z.
    """

    dims: tuple[int, ...] = (3,)
    divisor = 2**_DEPTH

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dim: int = 3,
        *,
        width: int = 16,
        norm: Literal["batch", "instance"] = "instance",
    ) -> None:
        """Builds it.

        Args:
            in_channels: Channels of the image.
            out_channels: Classes, background included.
            dim: 3.
            width: Channels of the first stage; doubled at each of the four next.
            norm: See above.

        Raises:
            InputError: `dim` is not 3, or there is no such `norm`.
        """
        super().__init__()
        if dim not in self.dims:
            raise InputError(f"unet3d is a 3D network and the images have {dim} dimensions; use unet")
        if norm not in ("batch", "instance"):
            raise InputError(f"unet3d: norm is batch or instance, found {norm!r}")
        up_convolution = nn.ConvTranspose2d if dim == 2 else nn.ConvTranspose3d
        convolution = nn.Conv2d if dim == 2 else nn.Conv3d
        widths = [width * 2**level for level in range(_DEPTH + 1)]
        self.down = nn.ModuleList(
            _stage(dim, before, after, norm) for before, after in zip([in_channels, *widths], widths, strict=False)
        )
        self.pool = pool(dim)
        self.up = nn.ModuleList(up_convolution(2 * w, w, 2, stride=2) for w in reversed(widths[:-1]))
        self.merge = nn.ModuleList(_stage(dim, 2 * w, w, norm) for w in reversed(widths[:-1]))
        self.head = convolution(width, out_channels, 1)
        self.apply(_glorot if norm == "batch" else _he)

    def forward(self, x: Tensor) -> Tensor:
        """Image `(N, in_channels, z, y, x)` to logits `(N, out_channels, z, y, x)`."""
        skips = []
        for stage in self.down[:-1]:
            x = stage(x)
            skips.append(x)
            x = self.pool(x)
        x = self.down[-1](x)
        for up, merge, skip in zip(self.up, self.merge, reversed(skips), strict=True):
            x = merge(torch.cat([crop_to(up(x), skip.shape[2:]), skip], dim=1))
        return self.head(x)  # type: ignore[no-any-return]


def _stage(dim: int, before: int, after: int, norm: str) -> nn.Sequential:
    return nn.Sequential(*_unit(dim, before, after, norm), *_unit(dim, after, after, norm))


def _unit(dim: int, before: int, after: int, norm: str) -> list[nn.Module]:
    convolution = nn.Conv2d if dim == 2 else nn.Conv3d
    if norm == "batch":
        batch = nn.BatchNorm2d if dim == 2 else nn.BatchNorm3d
        return [convolution(before, after, 3, padding=1), nn.ReLU(inplace=True), batch(after, eps=1e-3)]
    return [
        convolution(before, after, 3, padding=1, bias=False),  # the normalisation would take a bias away again
        InstanceNorm(after),
        nn.LeakyReLU(_LEAK, inplace=True),
    ]


def _glorot(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _he(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        nn.init.kaiming_normal_(module.weight, a=_LEAK)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
