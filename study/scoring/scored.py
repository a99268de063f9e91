"""Pairs of masks, scored with the metrics of training's evaluation."""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from study.scoring.matching import Pair
from study.scoring.rules import MASK_METRICS, Rules
from trainables.data.cases.mask_pair import MaskPair, read_pair
from trainables.errors import InputError
from trainables.metrics import Measured, Odds, measure_case
from trainables.metrics.compared import inside
from trainables.metrics.histogram import Histogram


@dataclasses.dataclass(frozen=True)
class ScoredPairs:
    """Scores of pairs of masks.

    Attributes:
        measured: Scores, counts and lesion records, by case in the order of the pairs.
        pixels: Whether lengths are in pixels, since no voxel size is known.
        warnings: Warnings, one line each, with the case.
    """

    measured: Measured
    pixels: bool
    warnings: tuple[str, ...]


def score_pairs(
    pairs: Sequence[Pair],
    rules: Rules,
    *,
    resample: bool = False,
    told: Callable[[int], None] = lambda _: None,
) -> ScoredPairs:
    """Read and score pairs of masks.

    Args:
        pairs: At least one.
        rules: Labels, regions and metrics.
        resample: As of `read_pair`.
        told: Called with the number of pairs done after each.

    Raises:
        InputError: Some cannot be read or compared, a line each, of many with one reason three; or voxel sizes are
            known for some only.
    """
    measured, warnings, known = Measured(), list[str](), set[bool]()
    problems: dict[str, list[str]] = {}
    for number, pair in enumerate(pairs, 1):
        try:
            masks = read_pair(pair.reference, pair.prediction, rules.how, resample=resample)
            measured += score_masks(pair.name, masks, rules)
        except InputError as error:
            problems.setdefault(_in_general(str(error), pair), []).append(f"{pair.name}: {error}")
        else:
            known.add(masks.spacing is not None)
            warnings += [f"{pair.name}: {line}" for line in masks.warnings]
        told(number)
    if problems:
        raise InputError("\nError: ".join(line for group in problems.values() for line in _shortened(group)))
    if len(known) > 1:
        raise InputError("the voxel size of some references is known, of others not: lengths would mix mm and pixels.")
    return ScoredPairs(measured, known == {False}, tuple(warnings))


SHOWN = 3
"""Lines of pairs with one reason at most."""


def _in_general(text: str, pair: Pair) -> str:
    """Return a reason without what differs from pair to pair: names of files, and numbers."""
    for name in (str(pair.prediction), str(pair.reference), pair.prediction.name, pair.reference.name, pair.name):
        text = text.replace(name, "…")
    return re.sub(r"\d+(\.\d+)?", "#", text)


def _shortened(lines: Sequence[str]) -> list[str]:
    more = len(lines) - SHOWN
    return [
        *lines[:SHOWN],
        *([f"{more} more {'pair has' if more == 1 else 'pairs have'} the same"] if more > 0 else []),
    ]


def score_masks(name: str, masks: MaskPair, rules: Rules) -> Measured:
    """Score one pair.

    Args:
        name: The case's name.
        masks: Reference and prediction.
        rules: Labels, regions and metrics.

    Raises:
        InputError: The volume of a flat mask is asked for.
    """
    metrics = rules.metrics
    if masks.reference.ndim == 2 and "volume_error" in metrics:
        if metrics != MASK_METRICS:
            raise InputError("flat, so it has no volume in mL for volume_error. Give volume_bias, or leave it out.")
        metrics = tuple(metric for metric in metrics if metric != "volume_error")
    return measure_case(
        name,
        masks.reference,
        masks.prediction,
        regions=rules.regions,
        metrics=metrics,
        spacing=masks.spacing,
        empty=rules.empty,
        unscored=masks.unscored,
        odds=_equal_odds(masks.prediction, rules.regions),
        lesions=True,
    )


def _equal_odds(prediction: np.ndarray, regions: Mapping[str, Sequence[int]]) -> dict[str, Odds]:
    """Log-odds of a mask without probabilities: 0 everywhere, so that components have sizes but no order."""
    found = {region: inside(prediction, classes) for region, classes in regions.items()}
    return {
        region: Odds(Histogram.empty(), mask, np.zeros(int(mask.sum()), np.float16)) for region, mask in found.items()
    }
