"""Whole images through a network that was trained on patches: overlapping windows, weighted and averaged."""

import itertools
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from trainables.slices import slices_of

BLENDS = ("constant", "gaussian")
AVERAGES = ("logits", "probabilities")


@torch.inference_mode()
def predict(
    network: Callable[[Tensor], Tensor],
    image: Tensor,
    *,
    window: Sequence[int],
    overlap: Sequence[int],
    blend: str = "gaussian",
    average: str = "logits",
    mirror: bool = False,
    batch_size: int = 2,
    padding: Sequence[float] | None = None,
    context: int = 0,
    overlapping: bool = False,
) -> Tensor:
    """Class probabilities of a whole image; of a volume slice by slice where the window has two sides.

    Args:
        network: Maps `(N, channels, *window)` to logits `(N, C, *window)`; already in evaluation mode.
        image: `(channels, *spatial)` on the network's device. Where it is smaller than the window it is padded evenly
            and the result cropped back.
        window: Voxels of a window, as the network was trained.
        overlap: Voxels by which neighbouring windows overlap at least, each in `[0, window)`.
        blend: Weight of a window's voxels: `constant`, or a `gaussian` around its centre.
        average: What overlapping (and mirrored) windows average: `logits` before the softmax or sigmoid, or
            `probabilities`.
        mirror: Whether each window is also seen mirrored along every set of axes, `2^dim` times in all.
        batch_size: Windows that go through the network together.
        padding: For each channel, the value of the voxels around a small image; None is 0 for all.
        context: For slices: neighbours on each side that a network sees with each (`slices_of`).
        overlapping: Whether the channels are regions with a sigmoid each, instead of a softmax over all.

    Returns:
        `(C, *spatial)`, float32, in `[0, 1]`; sums to 1 over C unless they overlap.

    Raises:
        ValueError: Window and overlap do not fit each other or the image, or there is no such blend or average.
    """
    if image.ndim == 4 and len(window) == 2:
        how = {"window": window, "overlap": overlap, "blend": blend, "average": average, "mirror": mirror}
        around = None if padding is None else [value for value in padding for _ in range(2 * context + 1)]
        each = [
            predict(network, one, **how, batch_size=batch_size, padding=around, overlapping=overlapping)  # type: ignore[arg-type]
            for one in slices_of(image, context, padding)
        ]
        return torch.stack(each, dim=1)
    size = image.shape[1:]
    _check(size, window, overlap, blend, average)
    image, inside = _padded(image, window, padding)
    corners = list(itertools.product(*(starts(*axis) for axis in zip(image.shape[1:], window, overlap, strict=True))))
    weight = weights(window, blend).to(image.device)
    curve = torch.sigmoid if overlapping else _softmax
    activation = curve if average == "probabilities" else None
    total: Tensor | None = None
    seen = torch.zeros(image.shape[1:], device=image.device)
    for batch in _batches(corners, batch_size):
        places = [tuple(slice(s, s + w) for s, w in zip(corner, window, strict=True)) for corner in batch]
        scores = _scores(network, torch.stack([image[(slice(None), *place)] for place in places]), activation, mirror)
        if total is None:
            total = torch.zeros((scores.shape[1], *image.shape[1:]), device=image.device)
        for place, score in zip(places, scores, strict=True):
            total[(slice(None), *place)] += score * weight
            seen[place] += weight
    assert total is not None, "an image has at least one window"
    mean = (total / seen)[(slice(None), *inside)]
    return curve(mean[None])[0] if activation is None else mean


def starts(size: int, window: int, overlap: int) -> list[int]:
    """First voxels of the windows along one axis, increasing; the last is shifted back to end with the image.

    Args:
        size: Voxels of the image, >= `window`.
        window: Voxels of a window.
        overlap: Voxels that neighbours share at least.
    """
    steps = max(1, -(-(size - overlap) // (window - overlap)))
    return [min(step * (window - overlap), size - window) for step in range(steps)]


def weights(window: Sequence[int], blend: str) -> Tensor:
    """Weight of a window's voxels, `(*window)`, in `(0, 1]`.

    `gaussian` has a standard deviation of an eighth of each side, as nnU-Net and MONAI have it, and is at least 1e-3,
    so that no voxel is divided by next to nothing.
    """
    if blend == "constant":
        return torch.ones(*window)
    product = torch.ones(())
    for side in window:
        x = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
        product = product[..., None] * torch.exp(-0.5 * (x / (side / 8)) ** 2)
    return product.clamp(min=1e-3)


def _softmax(logits: Tensor) -> Tensor:
    return torch.softmax(logits, dim=1)


def _scores(
    network: Callable[[Tensor], Tensor],
    windows: Tensor,
    activation: Callable[[Tensor], Tensor] | None,
    mirror: bool,
) -> Tensor:
    axes = range(2, windows.ndim) if mirror else ()
    flips = [flip for n in range(len(axes) + 1) for flip in itertools.combinations(axes, n)]
    total: Tensor | None = None
    for flip in flips:
        logits = network(windows.flip(flip) if flip else windows).float()
        scores = logits if activation is None else activation(logits)
        scores = scores.flip(flip) if flip else scores
        total = scores if total is None else total + scores
    assert total is not None, "the image itself is one of the flips"
    return total / len(flips)


def _check(size: Sequence[int], window: Sequence[int], overlap: Sequence[int], blend: str, average: str) -> None:
    if not len(size) == len(window) == len(overlap):
        raise ValueError(
            f"expected as many sides in all, found image {[*size]}, window {[*window]}, overlap {[*overlap]}"
        )
    if not all(0 <= shared < side for shared, side in zip(overlap, window, strict=True)):
        raise ValueError(f"overlap: expected 0 <= overlap < window, found {[*overlap]} of {[*window]}")
    for name, value, known in (("blend", blend, BLENDS), ("average", average, AVERAGES)):
        if value not in known:
            raise ValueError(f"{name}: expected {' or '.join(known)}, found {value!r}")


def _padded(image: Tensor, window: Sequence[int], padding: Sequence[float] | None) -> tuple[Tensor, tuple[slice, ...]]:
    """The image at least as large as the window, and where the image is in it."""
    missing = [max(0, side - size) for size, side in zip(image.shape[1:], window, strict=True)]
    inside = tuple(slice(n // 2, n // 2 + size) for n, size in zip(missing, image.shape[1:], strict=True))
    if not any(missing):
        return image, inside
    pads = [pad for n in reversed(missing) for pad in (n // 2, n - n // 2)]
    values = padding or [0.0] * len(image)
    return torch.stack([F.pad(channel, pads, value=v) for channel, v in zip(image, values, strict=True)]), inside


def _batches(items: list[tuple[int, ...]], size: int) -> Iterator[list[tuple[int, ...]]]:
    for first in range(0, len(items), size):
        yield items[first : first + size]
