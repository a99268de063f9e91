"""Predictor: class probabilities of images with one network, and what is found by them on the original grid.

An evaluation at a mark and a prediction of new images both go through here, so that both find the same.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from trainables.data.patches.windows import Windows
from trainables.evaluation import inference
from trainables.evaluation.overlapping import class_map, two_probabilities
from trainables.trial import TrialSpec

_WINDOWS_ON_CPU = 2
"""Windows that go through a network together on a CPU: more take the same time each, or longer (caches)."""

Image = tuple[Tensor, Sequence[float]]
"""A prepared image `(channels, *spatial)` with the padding of each channel."""
Restore = Callable[[Tensor], Tensor]
"""`(classes, *spatial)` on the training grid → class indices on the original grid, uint8."""


class Predictor:
    """Predicts images as a trial says: its windows, overlap, weights, mirroring and average.

    Args:
        spec: The trial.
        logits: Maps images `(N, channels, *window)` to logits `(N, C, *window)`; in evaluation mode.
        device: Where the network is.
    """

    def __init__(self, spec: TrialSpec, logits: Callable[[Tensor], Tensor], device: torch.device) -> None:
        self._spec, self._logits, self._device = spec, logits, device
        self._windows = Windows(spec.patch_size, spec.patch_overlap, spec.blend, device)

    def probabilities(self, images: Iterable[Image]) -> Iterator[Tensor]:
        """Yield probabilities of the network's outputs on the training grid, `(C, *spatial)`, float32, in `[0, 1]`."""
        spec, gpu = self._spec, self._device.type == "cuda"
        return inference.predict_all(
            self._logits,
            ((image.to(self._device, non_blocking=True), padding) for image, padding in images),
            windows=self._windows,
            average=spec.average,
            mirror=spec.mirror,
            # What was learned from at once fits twice without gradients.
            batch_size=2 * -(-spec.batch_size // spec.micro_batches) if gpu else _WINDOWS_ON_CPU,
            context=spec.context,
            overlapping=spec.train_on == "regions",
            # Cases that are also scored one by one on the way have the same last bits both times.
            across=gpu and not spec.validate,
        )


def region_masks(probabilities: Tensor, restore: Restore) -> np.ndarray:
    """Where each of some overlapping regions is found on the original grid: its probability there is above one half.

    Args:
        probabilities: `(R, *spatial)` on the training grid.
        restore: To the original grid.

    Returns:
        `(R, *spatial)`, bool.
    """
    return np.stack([as_array(restore(own)) == 1 for own in two_probabilities(probabilities)])


def found_classes(spec: TrialSpec, probabilities: Tensor, restore: Restore) -> np.ndarray:
    """Class indices on the original grid, uint8.

    Where regions overlap, the class that fits the regions found at a voxel best (`overlapping.class_map`).

    Args:
        spec: The trial.
        probabilities: `(C, *spatial)` on the training grid.
        restore: To the original grid.
    """
    if spec.train_on == "regions":
        return classes_of_regions(spec, region_masks(probabilities, restore))
    return as_array(restore(probabilities))


def classes_of_regions(spec: TrialSpec, masks: np.ndarray) -> np.ndarray:
    """Class indices, uint8, of the masks of a trial's regions, `(R, *spatial)` bool."""
    return class_map(masks, tuple(spec.regions.values()), len(spec.classes))


def as_array(classes: Tensor) -> np.ndarray:
    """A tensor on any device as an array."""
    found: np.ndarray = classes.cpu().numpy()
    return found
