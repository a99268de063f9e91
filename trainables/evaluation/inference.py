"""Whole images through a network that was trained on patches: overlapping windows, weighted and averaged."""

import collections
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor

from trainables.data.patches.windows import Canvas, Corner, Windows

AVERAGES = ("logits", "probabilities")

Network = Callable[[Tensor], Tensor]
Activation = Callable[[Tensor], Tensor]


def predict(
    network: Network,
    image: Tensor,
    *,
    window: Sequence[int],
    overlap: Sequence[int],
    blend: str = "gaussian",
    padding: Sequence[float] | None = None,
    average: str = "logits",
    mirror: bool = False,
    batch_size: int = 2,
    context: int = 0,
    overlapping: bool = False,
) -> Tensor:
    """Class probabilities of one image, as `predict_all` gives them.

    Args:
        network: As there, as are all that are not named here.
        image: `(channels, *spatial)` on the network's device.
        window: As of `Windows`, and so are the two next.
        overlap: See there.
        blend: See there.
        padding: For each channel, the value of the voxels around a small image; None is 0 for all.
        average: See `predict_all`, as the others.
        mirror: See there.
        batch_size: See there.
        context: See there.
        overlapping: See there.

    Returns:
        `(C, *spatial)`, float32, in `[0, 1]`; sums to 1 over C unless they overlap.

    Raises:
        ValueError: Window and overlap do not fit each other or the image, or there is no such blend or average.
    """
    (found,) = predict_all(
        network,
        [(image, padding)],
        windows=Windows(window, overlap, blend, image.device),
        average=average,
        mirror=mirror,
        batch_size=batch_size,
        context=context,
        overlapping=overlapping,
    )
    return found


@torch.inference_mode()
def predict_all(
    network: Network,
    images: Iterable[tuple[Tensor, Sequence[float] | None]],
    *,
    windows: Windows,
    average: str = "logits",
    mirror: bool = False,
    batch_size: int = 2,
    context: int = 0,
    overlapping: bool = False,
    across: bool = False,
) -> Iterator[Tensor]:
    """Class probabilities of whole images in turn; of a volume slice by slice where the window has two sides.

    Windows without image, where each channel is its padding, go through the network once for all of them.

    Args:
        network: Maps `(N, channels, *window)` to logits `(N, C, *window)`; already in evaluation mode.
        images: Each `(channels, *spatial)` on the network's device, with its padding (`windows.Canvas`).
        windows: How they are cut.
        average: The quantity that overlapping (and mirrored) windows average: `logits` before the softmax or sigmoid,
            or `probabilities`.
        mirror: Whether each window is also seen mirrored along every set of axes, `2^dim` times in all.
        batch_size: Windows that go through the network together.
        context: For slices: neighbouring slices on each side that a network sees with each (`windows.with_ends`).
        overlapping: Whether the channels are regions with a sigmoid each, instead of a softmax over all.
        across: Whether windows of different images may go together. Then an image comes out when the next ones have
            filled its last batch, and on a device whose kernels choose by size its last bits depend on them.

    Yields:
        `(C, *spatial)`, float32, in `[0, 1]`, sums to 1 over C unless they overlap.

    Raises:
        ValueError: The window does not fit an image, or there is no such average.
    """
    if average not in AVERAGES:
        raise ValueError(f"average: expected {' or '.join(AVERAGES)}, found {average!r}")
    curve = torch.sigmoid if overlapping else _softmax
    passes = _Passes(network, curve if average == "probabilities" else None, mirror, batch_size)
    last = curve if average == "logits" else None
    opened: collections.deque[Canvas] = collections.deque()
    for image, padding in images:
        canvas = Canvas(image, windows, padding, context)
        opened.append(canvas)
        passes.take(canvas, finish=not across)
        while opened and not opened[0].open:
            yield _probabilities(opened.popleft(), last)
    passes.finish()
    while opened:
        yield _probabilities(opened.popleft(), last)


class _Passes:
    """Windows on their way through the network, `batch_size` at a time."""

    def __init__(self, network: Network, activation: Activation | None, mirror: bool, batch_size: int) -> None:
        self._network, self._activation, self._mirror, self._size = network, activation, mirror, batch_size
        self._waiting: list[tuple[Canvas, Corner]] = []
        self._blank: dict[tuple[float, ...], Tensor] = {}

    def take(self, canvas: Canvas, *, finish: bool) -> None:
        """Adds all of an image's windows to it; with `finish` off a last batch that is not full waits."""
        for corner in canvas.corners:
            values = canvas.blank(corner)
            if values is None:
                self._waiting.append((canvas, corner))
            else:
                canvas.add(corner, self._of_nothing(values, canvas.seen(corner)))
            if len(self._waiting) == self._size:
                self.finish()
        if finish:
            self.finish()

    def finish(self) -> None:
        """Sends what waits."""
        if not self._waiting:
            return
        scores = self._scores(torch.stack([canvas.seen(corner) for canvas, corner in self._waiting]))
        for (canvas, corner), own in zip(self._waiting, scores, strict=True):
            canvas.add(corner, own)
        self._waiting = []

    def _of_nothing(self, values: tuple[float, ...], window: Tensor) -> Tensor:
        if values not in self._blank:
            self._blank[values] = self._scores(window[None])[0]
        return self._blank[values]

    def _scores(self, windows: Tensor) -> Tensor:
        axes = range(2, windows.ndim) if self._mirror else ()
        flips = [flip for n in range(len(axes) + 1) for flip in itertools.combinations(axes, n)]
        total: Tensor | None = None
        for flip in flips:
            logits = self._network(windows.flip(flip) if flip else windows).float()
            scores = logits if self._activation is None else self._activation(logits)
            scores = scores.flip(flip) if flip else scores
            total = scores if total is None else total + scores
        assert total is not None, "the image itself is one of the flips"
        return total / len(flips) if self._mirror else total


def _softmax(logits: Tensor) -> Tensor:
    return torch.softmax(logits, dim=1)


def _probabilities(canvas: Canvas, curve: Activation | None) -> Tensor:
    mean = canvas.mean()
    return mean if curve is None else curve(mean[None])[0]
