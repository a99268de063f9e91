"""Changes of intensity, for a whole batch at once: each patch by its own strength, all channels alike."""

from collections.abc import Callable

import torch
from torch import Tensor


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Every value times the patch's factor. `images (N, C, *spatial)`, `factor (N, 1, …)`; 1 changes nothing."""
    return images * factor


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Distances from each channel's mean times the factor, cut at its old extremes; 1 changes nothing."""
    spatial = tuple(range(2, images.ndim))
    mean = images.mean(spatial, keepdim=True)
    low, high = images.amin(spatial, keepdim=True), images.amax(spatial, keepdim=True)
    return torch.minimum(torch.maximum(mean + (images - mean) * factor, low), high)


def gamma(images: Tensor, exponent: Tensor) -> Tensor:
    """Each channel scaled to `[0, 1]`, raised to the exponent, brought back to its mean and standard deviation."""
    spatial = tuple(range(2, images.ndim))
    low, high = images.amin(spatial, keepdim=True), images.amax(spatial, keepdim=True)
    mean, spread = images.mean(spatial, keepdim=True), _spread(images)
    bent = ((images - low) / (high - low).clamp_min(1e-7)).pow(exponent)
    centred = bent - bent.mean(spatial, keepdim=True)
    return mean + centred * (spread / _spread(bent).clamp_min(1e-7))


def noise(images: Tensor, added: Tensor) -> Tensor:
    """Plus `added`, noise of the images' shape."""
    return images + added


def salt_pepper(images: Tensor, grains: Tensor) -> Tensor:
    """Each channel's greatest value where `grains`, of the images' shape, is 1, its least where it is -1."""
    spatial = tuple(range(2, images.ndim))
    low, high = images.amin(spatial, keepdim=True), images.amax(spatial, keepdim=True)
    return torch.where(grains > 0, high, torch.where(grains < 0, low, images))


def _spread(images: Tensor) -> Tensor:
    return images.std(tuple(range(2, images.ndim)), correction=0, keepdim=True)


INTENSITIES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "brightness": brightness,
    "contrast": contrast,
    "gamma": gamma,
    "noise": noise,
    "uniform_noise": noise,
    "salt_pepper": salt_pepper,
    "perlin": noise,
}
