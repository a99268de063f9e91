"""A U-Net of three levels for trainings of seconds: one convolution a level, instance normalisation, leaky ReLU."""

import torch
from torch import Tensor, nn


class SmallUNet(nn.Module):
    """A U-Net of `width`, `2 width` and `4 width` channels; a patch's sides must be divisible by 4."""

    def __init__(self, in_channels: int, out_channels: int, dim: int, width: int = 8) -> None:
        super().__init__()
        self.conv = nn.Conv3d if dim == 3 else nn.Conv2d
        self.norm = nn.InstanceNorm3d if dim == 3 else nn.InstanceNorm2d
        self.pool = nn.MaxPool3d(2) if dim == 3 else nn.MaxPool2d(2)
        self.grow = nn.Upsample(scale_factor=2, mode="nearest")
        self.down = nn.ModuleList(self._level(a, b) for a, b in ((in_channels, width), (width, 2 * width)))
        self.deepest = self._level(2 * width, 4 * width)
        self.up = nn.ModuleList(self._level(a, b) for a, b in ((6 * width, 2 * width), (3 * width, width)))
        self.head = self.conv(width, out_channels, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits `(N, out_channels, *spatial)` for images `(N, in_channels, *spatial)`."""
        kept = []
        for level in self.down:
            images = level(images)
            kept.append(images)
            images = self.pool(images)
        images = self.deepest(images)
        for level in self.up:
            images = level(torch.cat((self.grow(images), kept.pop()), 1))
        logits: Tensor = self.head(images)
        return logits

    def _level(self, before: int, after: int) -> nn.Sequential:
        return nn.Sequential(self.conv(before, after, 3, padding=1), self.norm(after, affine=True), nn.LeakyReLU(0.01))


def small_unet(in_channels: int, out_channels: int, dim: int = 3) -> nn.Module:
    """Build the network with the signature that a study file needs."""
    return SmallUNet(in_channels, out_channels, dim)
