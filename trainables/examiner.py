"""The examiner: a network applied to whole cases, and what comes out judged on the cases' original grid."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables import inference
from trainables.data.cache import Dataset
from trainables.judge import RegionOf, judge
from trainables.metrics import Measured
from trainables.overlapping import class_map, two_probabilities
from trainables.trial import TrialSpec


class Examiner:
    """Predicts and judges with a network that is in evaluation mode, with the weights that it has.

    Args:
        spec: The trial.
        data: Its cases.
        logits: Maps images `(N, channels, *window)` to logits `(N, C, *window)`.
        device: Where the network is.
    """

    def __init__(
        self, spec: TrialSpec, data: Dataset, logits: Callable[[Tensor], Tensor], device: torch.device
    ) -> None:
        self._spec, self._data, self._logits, self._device = spec, data, logits, device
        self._overlapping = spec.train_on == "regions"

    def predict(self, case: str) -> np.ndarray:
        """Class indices on the case's original grid, uint8, `[z, y, x]` of closest RAS or `[y, x]`.

        Where regions overlap, the class that fits the regions found at a voxel best (`overlapping.class_map`).
        """
        probabilities = self.probabilities(case)
        if self._overlapping:
            return self._class_map(self._masks(case, probabilities))
        return self._restored(case, probabilities)

    def judged(
        self, name: str, regions: Mapping[str, Sequence[int]], metrics: Sequence[str], *, lesions: bool = False
    ) -> tuple[np.ndarray, Measured]:
        """`predict`, and what it is worth.

        Args:
            name: The case's name.
            regions: Region → class indices whose union it is; those of the trial, or some of them.
            metrics: Names of metrics.
            lesions: Whether the lesion records themselves are wanted.
        """
        case, probabilities = self._data.cases[name], self.probabilities(name)
        how: dict[str, Any] = {"metrics": metrics, "empty": self._spec.empty, "lesions": lesions}
        if not self._overlapping:
            prediction = self._restored(name, probabilities)
            return prediction, judge(name, case, probabilities, prediction, regions=regions, **how)
        masks, found = self._masks(name, probabilities), Measured()
        for region, mask, own in zip(self._spec.regions, masks, two_probabilities(probabilities), strict=True):
            if region in regions:
                seen = RegionOf.of(case, regions[region])
                found += judge(name, seen, own, mask.astype(np.uint8), regions={region: (1,)}, **how)
        return self._class_map(masks), found

    def probabilities(self, case: str) -> Tensor:
        """Probabilities of the outputs on the training grid, `(C, *spatial)`."""
        spec, cached = self._spec, self._data.cases[case]
        return inference.predict(
            self._logits,
            torch.from_numpy(np.array(cached.image)).to(self._device),
            window=spec.patch_size,
            overlap=spec.patch_overlap,
            blend=spec.blend,
            average=spec.average,
            mirror=spec.mirror,
            padding=cached.padding,
            context=spec.context,
            overlapping=self._overlapping,
        )

    def _masks(self, case: str, probabilities: Tensor) -> np.ndarray:
        """Where each region is found on the original grid, `(R, *spatial)`: its probability there is above one half."""
        return np.stack([self._restored(case, own) == 1 for own in two_probabilities(probabilities)])

    def _restored(self, case: str, probabilities: Tensor) -> np.ndarray:
        classes: np.ndarray = self._data.cases[case].restore(probabilities).cpu().numpy()
        return classes

    def _class_map(self, masks: np.ndarray) -> np.ndarray:
        return class_map(masks, tuple(self._spec.regions.values()), len(self._spec.classes))
