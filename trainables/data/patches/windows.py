"""Sliding windows: their places and weights, the canvas that averages their scores, and slices with context."""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

BLENDS = ("constant", "gaussian")
_MOST_KEPT = 2**24
"""Voxels of the largest map of weights that is kept for the next image of its size: 64 MB."""

Corner = tuple[int, ...]


class Windows:
    """How images are cut into windows. What depends on sizes alone is computed once and kept.

    Args:
        window: Voxels of a window, as the network was trained.
        overlap: Voxels by which neighbouring windows overlap at least, each in `[0, window)`.
        blend: Weight of a window's voxels: `constant`, or a `gaussian` around its centre.
        device: Where images are.

    Attributes:
        size: Voxels of a window.
        weight: `(*window)` float32, of `weights`.

    Raises:
        ValueError: Window and overlap do not fit each other, or there is no such blend.
    """

    def __init__(
        self, window: Sequence[int], overlap: Sequence[int], blend: str = "gaussian", device: torch.device | None = None
    ) -> None:
        self.size = tuple(window)
        self._overlap = tuple(overlap)
        if len(self.size) != len(self._overlap):
            raise ValueError(f"expected as many sides in both, found window {[*window]}, overlap {[*overlap]}")
        if not all(0 <= shared < side for shared, side in zip(overlap, window, strict=True)):
            raise ValueError(f"overlap: expected 0 <= overlap < window, found {[*overlap]} of {[*window]}")
        if blend not in BLENDS:
            raise ValueError(f"blend: expected {' or '.join(BLENDS)}, found {blend!r}")
        self.weight = weights(window, blend).to(device)
        self._shares: dict[tuple[int, ...], Tensor] = {}
        self._last: Tensor | None = None

    def weight_of(self, scores: Tensor) -> Tensor:
        """The weight for scores `(C, *window)`; where they lie channels last so does it, once for each channel."""
        if not _lies_last(scores):
            return self.weight
        if self._last is None or len(self._last) != len(scores):  # broadcast, it would take four times as long
            self._last = self.weight[..., None].expand(*self.size, len(scores)).contiguous().movedim(-1, 0)
        return self._last

    def corners(self, size: Sequence[int]) -> list[Corner]:
        """First voxels of the windows of an image at least as large as a window, the last axis fastest."""
        return list(itertools.product(*(starts(*axis) for axis in zip(size, self.size, self._overlap, strict=True))))

    def shares(self, size: Sequence[int]) -> Tensor:
        """`(*size)` float32: 1 over the sum of all windows' weights at each voxel."""
        known = self._shares.get(tuple(size))
        if known is not None:
            return known
        total = torch.zeros(*size, device=self.weight.device)
        for corner in self.corners(size):
            total[place(corner, self.size)] += self.weight
        share = total.reciprocal_()
        self._shares = {tuple(size): share} if share.numel() <= _MOST_KEPT else {}  # the last one: cases come by size
        return share


class Canvas:
    """An image whose windows are being predicted: the network's inputs, and the weighted sum of its scores.

    Args:
        image: `(channels, *spatial)`; where it is smaller than a window it is padded evenly.
        windows: How it is cut. With two sides for an image of three it is seen slice by slice.
        padding: For each channel, the value of the voxels around a small image; None is 0 for all.
        context: For slices: neighbours on each side that a network sees with each (`with_ends`).

    Attributes:
        corners: Windows still to be predicted: their first voxels. Of slices the first number is the slice.
        open: How many have not been added yet.

    Raises:
        ValueError: The image has not as many sides as the window, or one more.
    """

    def __init__(self, image: Tensor, windows: Windows, padding: Sequence[float] | None, context: int = 0) -> None:
        self._windows, self._context = windows, context
        self._fill = tuple(padding or [0.0] * len(image))
        sides = len(windows.size)
        self._by_slice = sides == 2 and image.ndim == 4
        if image.ndim - 1 != sides and not self._by_slice:
            raise ValueError(
                f"expected as many sides in both, found image {[*image.shape[1:]]}, window {[*windows.size]}"
            )
        padded, self._inside = _padded(image, windows.size, self._fill)
        self._shape = padded.shape[1:]
        self._size = padded.shape[-sides:]
        in_plane = windows.corners(self._size)
        self._alone = len(in_plane) == 1
        self._image = with_ends(padded, context, self._fill) if self._by_slice else padded
        planes = [(z,) for z in range(image.shape[1])] if self._by_slice else [()]
        self.corners: list[Corner] = [(*plane, *corner) for plane in planes for corner in in_plane]
        self.open = len(self.corners)
        self._total: Tensor | None = None
        self._held: Tensor | None = None

    def seen(self, corner: Corner) -> Tensor:
        """Return the network's input for a window: `(channels, *window)`, with context times as many channels."""
        found = self._image[(slice(None), *self._seen(corner))]
        return found.flatten(0, 1) if self._by_slice else found

    def blank(self, corner: Corner) -> tuple[float, ...] | None:
        """The values of a window without image, where each channel is what stands for nothing; None where it has some.

        Windows with the same values are the same to a network.
        """
        if len(self.corners) == 1:
            return None
        if self._held is None:
            nothing = torch.tensor(self._fill, device=self._image.device, dtype=self._image.dtype)
            self._held = (self._image != nothing.view(-1, *[1] * (self._image.ndim - 1))).any(dim=0)
        return None if bool(self._held[self._seen(corner)].any()) else self._fill

    def add(self, corner: Corner, scores: Tensor) -> None:
        """Takes the scores `(C, *window)` of a window, float32."""
        if self._total is None:
            self._total = _like(scores, self._shape, empty=self._alone)
        where = self._total[(slice(None), *self._written(corner))]
        if self._alone:
            where.copy_(scores)
        else:
            where.addcmul_(scores, self._windows.weight_of(scores))
        self.open -= 1

    def mean(self) -> Tensor:
        """`(C, *spatial)`: the weighted mean of all windows' scores. Once, when nothing is open any more."""
        assert self._total is not None, "an image has at least one window"
        assert not self.open, "a mean is of all windows"
        if not self._alone:
            self._total.mul_(self._windows.shares(self._size))
        return self._total[(slice(None), *self._inside)]

    def _seen(self, corner: Corner) -> tuple[slice, ...]:
        if not self._by_slice:
            return place(corner, self._windows.size)
        return (slice(corner[0], corner[0] + 2 * self._context + 1), *place(corner[1:], self._windows.size))

    def _written(self, corner: Corner) -> tuple[int | slice, ...]:
        return (corner[0], *place(corner[1:], self._windows.size)) if self._by_slice else self._seen(corner)


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


def place(corner: Corner, size: Sequence[int]) -> tuple[slice, ...]:
    """A window as an index."""
    return tuple(slice(first, first + side) for first, side in zip(corner, size, strict=True))


def _lies_last(scores: Tensor) -> bool:
    return scores.stride(0) == 1 and len(scores) > 1


def _like(scores: Tensor, shape: Sequence[int], *, empty: bool) -> Tensor:
    """`(C, *shape)` zeros, or anything where all is written once; channels last in memory where the scores have it."""
    make = torch.empty if empty else torch.zeros
    if _lies_last(scores):
        return make((*shape, len(scores)), device=scores.device).movedim(-1, 0)
    return make((len(scores), *shape), device=scores.device)


def _padded(image: Tensor, window: Sequence[int], fill: Sequence[float]) -> tuple[Tensor, tuple[slice, ...]]:
    """The image at least as large as the window along the window's axes, and where the image is in it."""
    others = image.ndim - 1 - len(window)
    sizes = image.shape[1 + others :]
    missing = [max(0, side - size) for size, side in zip(sizes, window, strict=True)]
    inside = tuple(slice(n // 2, n // 2 + size) for n, size in zip(missing, sizes, strict=True))
    whole = (slice(None),) * others + inside
    if not any(missing):
        return image, whole
    pads = [pad for n in reversed(missing) for pad in (n // 2, n - n // 2)]
    return torch.stack([F.pad(channel, pads, value=v) for channel, v in zip(image, fill, strict=True)]), whole


def with_ends(volume: Tensor, context: int, padding: Sequence[float] | None = None) -> Tensor:
    """Add empty slices below and above a volume, so that each slice has `context` neighbours on both sides.

    Args:
        volume: `(channels, z, y, x)`.
        context: Neighbours on each side, >= 0.
        padding: For each channel, the value of the added slices; None is 0 for all.

    Returns:
        `(channels, z + 2 * context, y, x)`.
    """
    if not context:
        return volume
    ends = torch.tensor([0.0] * len(volume) if padding is None else list(padding), device=volume.device)
    empty = ends.to(volume.dtype).view(-1, 1, 1, 1).expand(-1, context, *volume.shape[2:])
    return torch.cat([empty, volume, empty], dim=1)
