"""Examiner: predicts whole cases with a network and scores the predictions on the cases' original grid."""

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from trainables.data.cache.cache import Dataset
from trainables.evaluation.evaluated import Evaluation
from trainables.evaluation.judge import RegionOf, judge
from trainables.evaluation.overlapping import two_probabilities
from trainables.evaluation.predictor import (
    Image,
    Predictor,
    as_array,
    classes_of_regions,
    found_classes,
    region_masks,
)
from trainables.metrics import Measured
from trainables.pictures.kept import Preview
from trainables.pictures.previews import preview
from trainables.pictures.stacks import with_slices
from trainables.trial import Score, TrialSpec


class Examiner:
    """Predicts and scores cases with the current weights of a network in evaluation mode.

    Args:
        spec: The trial.
        data: Its cases.
        logits: Maps images `(N, channels, *window)` to logits `(N, C, *window)`.
        device: Where the network is.
    """

    def __init__(
        self, spec: TrialSpec, data: Dataset, logits: Callable[[Tensor], Tensor], device: torch.device
    ) -> None:
        self._spec, self._data, self._device = spec, data, device
        self._overlapping = spec.train_on == "regions"
        self._predictor = Predictor(spec, logits, device)
        self._kept: dict[str, Evaluation] = {}

    def predict(self, case: str) -> np.ndarray:
        """Class indices on the case's original grid (`found_classes`), `[z, y, x]` of closest RAS or `[y, x]`."""
        return found_classes(self._spec, self.probabilities(case), self._data.cases[case].restore)

    def evaluations(self, names: Sequence[str], *, previews: Collection[str] = ()) -> Iterator[Evaluation]:
        """Score each case in turn by all regions and metrics of the trial; a score that is kept is not computed again.

        The next case is read while one is predicted, and on a GPU one is scored while the next is predicted. Results
        are those of each case alone; on a GPU up to rounding, since windows of several cases share a batch.

        Args:
            names: Names of cases.
            previews: Names among them of which a preview is made.
        """
        known = {
            name: dataclasses.replace(found, previews=found.previews if name in previews else ())
            for name, found in self._kept.items()
            if found.previews or name not in previews
        }
        others = self._evaluations([name for name in names if name not in known], previews)
        for name in names:
            yield known[name] if name in known else next(others)

    def validation(self, name: str, iteration: int) -> tuple[Score, ...]:
        """Score a case by the objective's metric and regions during the training.

        At a mark the case is scored by all regions and metrics and the result is kept, so that the evaluation at that
        mark need not score it again if the same weights are evaluated.

        Args:
            name: The case's name.
            iteration: Iterations done.
        """
        spec, metric, chosen = self._spec, self._spec.objective["metric"], self._spec.objective["regions"]
        if iteration not in spec.marks or name not in spec.evaluate or metric not in spec.metrics:
            return self.judged(name, {region: spec.regions[region] for region in chosen}, (metric,)).scores
        previews = spec.previews if iteration == spec.iterations else ()
        (self._kept[name],) = self._evaluations((name,), previews)
        return tuple(score for score in self._kept[name].scores if score.metric == metric and score.region in chosen)

    def forget(self) -> None:
        """Discard kept scores: the weights have changed, or other weights will be scored."""
        self._kept = {}

    def judged(
        self, name: str, regions: Mapping[str, Sequence[int]], metrics: Sequence[str], *, lesions: bool = False
    ) -> Measured:
        """Score the prediction of one case.

        Args:
            name: The case's name.
            regions: Region → class indices whose union it is; those of the trial, or some of them.
            metrics: Names of metrics.
            lesions: Whether the lesion records themselves are wanted.
        """
        found = (name, self.probabilities(name))
        return self._evaluated(found, regions=regions, metrics=metrics, lesions=lesions).measured

    def probabilities(self, case: str) -> Tensor:
        """Probabilities of the outputs on the training grid, `(C, *spatial)`."""
        (found,) = self._predictor.probabilities([self._read(case)])
        return found

    def _evaluations(self, names: Sequence[str], previews: Collection[str]) -> Iterator[Evaluation]:
        spec = self._spec
        work = functools.partial(
            self._evaluated, regions=spec.regions, metrics=spec.metrics, lesions=spec.lesions, previews=previews
        )
        found = zip(names, self._predictor.probabilities(ahead(names, self._read)), strict=True)
        yield from ahead(found, work) if self._device.type == "cuda" else map(work, found)

    def _read(self, case: str) -> Image:
        """The case's image in memory, pinned where it is to be copied to a GPU."""
        cached = self._data.cases[case]
        image = torch.from_numpy(np.array(cached.image))
        return image.pin_memory() if self._device.type == "cuda" else image, cached.padding

    def _evaluated(
        self,
        found: tuple[str, Tensor],
        *,
        regions: Mapping[str, Sequence[int]],
        metrics: Sequence[str],
        lesions: bool,
        previews: Collection[str] = (),
    ) -> Evaluation:
        """Score one case, given its name and probabilities."""
        name, probabilities = found
        case, measured = self._data.cases[name], Measured()
        how: dict[str, Any] = {"metrics": metrics, "empty": self._spec.empty, "lesions": lesions}
        shown = name in previews
        if not self._overlapping:
            prediction = case.restore(probabilities)
            measured = judge(name, case, probabilities, prediction, regions=regions, **how)
            return Evaluation.of(measured, self._previews(name, as_array(prediction)) if shown else ())
        masks = region_masks(probabilities, case.restore)
        for region, mask, own in zip(self._spec.regions, masks, two_probabilities(probabilities), strict=True):
            if region in regions:
                seen = RegionOf.of(case, regions[region])
                measured += judge(name, seen, own, mask.astype(np.uint8), regions={region: (1,)}, **how)
        return Evaluation.of(measured, self._previews(name, classes_of_regions(self._spec, masks)) if shown else ())

    def _previews(self, name: str, prediction: np.ndarray) -> tuple[Preview, ...]:
        case = self._data.cases[name]
        planes = np.asarray(case.grey()), np.asarray(case.reference), prediction
        found = preview(name, *planes, spacing=case.reference_spacing)
        if name in self._spec.stacks:
            found = with_slices(found, *planes, spacing=case.reference_spacing)
        return (found,)


T = TypeVar("T")


R = TypeVar("R")


def ahead(items: Iterable[T], work: Callable[[T], R]) -> Iterator[R]:
    """`map(work, items)`, with the work done by one thread, one item ahead of what is asked for.

    While a result is used the next one is made, and while one is made the next item is got. So `items` runs in the
    caller's thread, two items further than what has been given out. Order and results are those of `map`; an error
    comes where the result would have come.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        made: Future[R] | None = None
        for item in items:
            next_one = thread.submit(work, item)
            if made is not None:
                yield made.result()
            made = next_one
        if made is not None:
            yield made.result()
