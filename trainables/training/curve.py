"""Training curves: mean loss and soft Dice over windows of iterations, and the first loss that is not finite.

A window ends at fixed iterations, so the same training gives the same points however it is interrupted.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from trainables.losses.parts.softmax_blocks import class_numbers, one_hot, parts
from trainables.training.learner import Diverged
from trainables.trial import Point, soft_dice_curve

POINTS = 50
"""Points of a whole training, apart from its marks."""


class Curve:
    """Sums losses on the device and reads them once a window, so that the device is not waited for.

    Args:
        iterations: Length of the whole training.
        marks: Iterations that end a window besides every fiftieth part of the training.
        device: Where the losses are.
    """

    def __init__(self, iterations: int, marks: Iterable[int], device: torch.device) -> None:
        self._every = max(1, iterations // POINTS)
        self._marks = frozenset(marks) | {iterations}
        self._device = device
        self._start(0)

    def add(self, loss: Tensor, iteration: int) -> tuple[Point, ...]:
        """Record the loss of the iteration that has just been done.

        Args:
            loss: Scalar without gradient.
            iteration: Iterations done, this one included.

        Returns:
            The window's mean, where this iteration ends one.

        Raises:
            Diverged: A loss of the window that ends here is not finite.
        """
        self._sum += loss
        self._finite += torch.isfinite(self._sum)  # once the sum is infinite or NaN it stays so
        if iteration % self._every and iteration not in self._marks:
            return ()
        total, finite = torch.stack([self._sum, self._finite.double()]).tolist()  # the device is waited for once
        count = iteration - self._from
        if finite < count:
            raise Diverged(
                f"non-finite loss at iteration {self._from + int(finite) + 1}; a lower learning rate may keep it finite"
            )
        self._start(iteration)
        return (Point(iteration, "loss", total / count),)

    def state_dict(self) -> dict[str, Any]:
        """The window under way."""
        return {"from": self._from, "sum": self._sum.item(), "finite": int(self._finite.item())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self._start(state["from"])
        self._sum += state["sum"]
        self._finite += state["finite"]

    def _start(self, iteration: int) -> None:
        self._from = iteration
        self._sum = torch.zeros((), dtype=torch.float64, device=self._device)
        self._finite = torch.zeros((), dtype=torch.int64, device=self._device)


class SoftScores:
    """Sums probabilities of each output on the device and reads them once a window.

    Soft Dice of an output is `2 Σ p g / (Σ p + Σ g)` over all voxels of a window's patches, in [0, 1]; p is the
    network's probability, g its reference. Patches are as the network meets them: drawn as the study says, augmented,
    each before the step that it causes. A window whose patches lack the class, or whose numbers are not finite, has
    no point.

    Args:
        outputs: Names of the network's channels.
        regions: For overlapping outputs the classes of each; None where the outputs are classes of a softmax.
        every: Iterations of a window.
        marks: Iterations that end a window besides.
        device: Where the logits are.
    """

    def __init__(
        self,
        outputs: Sequence[str],
        regions: Sequence[Sequence[int]] | None,
        *,
        every: int,
        marks: Iterable[int],
        device: torch.device,
    ) -> None:
        self._outputs, self._regions = tuple(outputs), regions
        self._every, self._marks = every, frozenset(marks)
        self._sums = torch.zeros((3, len(self._outputs)), dtype=torch.float64, device=device)  # of p g, p and g

    @torch.no_grad()
    def add(self, logits: Tensor, target: Tensor, ignore: Tensor | None = None) -> None:
        """Add a batch, or a part of it.

        Args:
            logits: `(N, C, *spatial)`, or `(N, K, C, *spatial)` of K depths, the finest first.
            target: Class indices `(N, *spatial)`.
            ignore: True where a voxel does not count, `(N, *spatial)`; None: all count.
        """
        finest = logits[:, 0] if logits.ndim == target.ndim + 2 else logits
        flat, reference = finest.detach().flatten(2), target.flatten(1)
        kept = None if ignore is None else ~ignore.flatten(1)
        for where in parts(flat):
            p = self._probabilities(flat[:, :, where].float())
            g = self._reference(reference[:, where], p)
            if kept is not None:
                p, g = (torch.where(kept[:, None, where], values, 0) for values in (p, g))
            self._sums += torch.stack([(p * g).sum((0, 2)), p.sum((0, 2)), g.sum((0, 2))])

    def read(self, iteration: int) -> tuple[Point, ...]:
        """Return the points of a window that ends at `iteration`, iterations done; none where none ends."""
        if iteration % self._every and iteration not in self._marks:
            return ()
        found = tuple(self._points(iteration))
        self._sums.zero_()
        return found

    def state_dict(self) -> dict[str, Any]:
        """The window under way."""
        return {"sums": self._sums.tolist()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self._sums.copy_(torch.tensor(state["sums"], dtype=torch.float64))

    def _points(self, iteration: int) -> Iterator[Point]:
        overlap, predicted, reference = self._sums.tolist()
        for name, both, p, g in zip(self._outputs, overlap, predicted, reference, strict=True):
            if g > 0 and math.isfinite(both + p):
                yield Point(iteration, soft_dice_curve(name), 2 * both / (p + g))

    def _probabilities(self, logits: Tensor) -> Tensor:
        return torch.softmax(logits, 1) if self._regions is None else torch.sigmoid(logits)

    def _reference(self, target: Tensor, like: Tensor) -> Tensor:
        """Return 1 where a voxel belongs to an output, else 0: `(N, B)` → `(N, C, B)`."""
        if self._regions is None:
            return one_hot(target, class_numbers(like))
        members = [torch.isin(target, target.new_tensor(list(classes))) for classes in self._regions]
        return torch.stack(members, 1).to(like.dtype)
