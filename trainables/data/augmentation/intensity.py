"""Changes of intensity, for a whole batch at once: each patch by its own strength, all channels alike."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Strength = Tensor | float
"""One number for all patches, or `(N, 1, …)`: one for each."""


def brightness(images: Tensor, factor: Strength) -> Tensor:
    """Every value times the patch's factor. `images (N, C, *spatial)`, `factor (N, 1, …)`; 1 changes nothing."""
    return images * factor


def contrast(images: Tensor, factor: Strength) -> Tensor:
    """Distances from each channel's mean times the factor, cut at its old extremes; 1 changes nothing."""
    spatial = tuple(range(2, images.ndim))
    mean = images.mean(spatial, keepdim=True)
    low, high = images.amin(spatial, keepdim=True), images.amax(spatial, keepdim=True)
    return (images - mean).mul_(factor).add_(mean).clamp_(low, high)


def gamma(images: Tensor, exponent: Strength) -> Tensor:
    """Each channel scaled to `[0, 1]`, raised to the exponent, brought back to its mean and standard deviation."""
    spatial = tuple(range(2, images.ndim))
    low, high = images.amin(spatial, keepdim=True), images.amax(spatial, keepdim=True)
    mean = images.mean(spatial, keepdim=True)
    spread = _spread(images - mean)
    bent = (images - low).div_((high - low).clamp_min(1e-7)).pow_(exponent)
    bent.sub_(bent.mean(spatial, keepdim=True))
    return bent.mul_(spread / _spread(bent).clamp_min(1e-7)).add_(mean)


def noise(images: Tensor, added: Tensor) -> Tensor:
    """Plus `added`, noise of the images' shape."""
    return images + added


def salt_pepper(images: Tensor, grains: Tensor) -> Tensor:
    """Each channel's greatest value where `grains`, of the images' shape, is 1, its least where it is -1."""
    spatial = tuple(range(2, images.ndim))
    low, high = images.amin(spatial, keepdim=True), images.amax(spatial, keepdim=True)
    return torch.where(grains > 0, high, torch.where(grains < 0, low, images))


def _spread(centred: Tensor) -> Tensor:
    """Standard deviation of values with a mean of 0."""
    length: Tensor = torch.linalg.vector_norm(centred, dim=tuple(range(2, centred.ndim)), keepdim=True)
    return length / math.sqrt(centred[0, 0].numel())


INTENSITIES: dict[str, Callable[[Tensor, Any], Tensor]] = {
    "brightness": brightness,
    "contrast": contrast,
    "gamma": gamma,
    "noise": noise,
    "uniform_noise": noise,
    "salt_pepper": salt_pepper,
    "perlin": noise,
}
