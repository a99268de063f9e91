"""Lesion detection over all scans of a split: recall, FROC, average recall, CPM, object-wise Dice.

Pure functions of lesion records; benchmarks/lesions.py holds them against the inverse-weighting paper's numbers.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainables.lesion_records import Lesions

Floats = NDArray[np.float64]

AverageRecallProtocol = Literal["corrected", "iw2020"]
"""Protocol of average recall: `corrected` over all scans, with a threshold at every confidence that occurs;
`iw2020` bit for bit as the inverse-weighting paper's code, which divides the false positives of 80 % of the scans by
the number of all scans that have any record, and so comes out 0.3 to 4 points too high."""

MOST_FALSE = 5
"""False positives a scan up to which average recall averages."""

CPM_AT = (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8)
"""False positives a scan at which LUNA16's competition performance metric reads the FROC."""

DRAWS, SHARE, SEED = 50, 0.8, 42
"""Constants of `iw2020`: draws without replacement, share of the scans in each, seed."""


@dataclasses.dataclass(frozen=True, eq=False)
class Froc:
    """Free-response curve, by rising false positives, from (0, 0).

    Attributes:
        false_positives: `(P,)` of a scan, on average.
        recall: `(P,)` share of all lesions.
    """

    false_positives: Floats
    recall: Floats

    def at(self, false_positives: Sequence[float] | Floats) -> Floats:
        """Recall at given numbers of false positives a scan, interpolated linearly, and flat beyond the last one."""
        return np.interp(np.asarray(false_positives, np.float64), self.false_positives, self.recall)


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """A mean with its standard deviation (of a population, not a sample); the latter None where nothing varies."""

    mean: float
    sd: float | None = None


def diameter(voxels: NDArray[np.integer]) -> Floats:
    """Returns the diameter, in voxels, of a ball of n voxels: `(6 n / pi)^(1/3)`."""
    return np.cbrt(6 / math.pi * np.asarray(voxels, np.float64))


def of_size(scans: Sequence[Lesions], low: float = 0.0, high: float = math.inf) -> tuple[Lesions, ...]:
    """Returns the lesions and false positives with a diameter in `[low, high)` voxels; all scans stay, empty or not.

    False positives are counted by their own size. Those beyond `MOST_FALSE_POSITIVES` are of unknown size and left out.
    """
    chosen = []
    for scan in scans:
        lesions, false = ((low <= d) & (d < high) for d in (diameter(scan.voxels), diameter(scan.false_voxels)))
        chosen.append(
            dataclasses.replace(
                scan,
                voxels=scan.voxels[lesions],
                dice=scan.dice[lesions],
                confidence=scan.confidence[lesions],
                false_voxels=scan.false_voxels[false],
                false_confidence=scan.false_confidence[false],
                false_positives=scan.false_positives if (low, high) == (0.0, math.inf) else int(false.sum()),
            )
        )
    return tuple(chosen)


def recall(scans: Sequence[Lesions]) -> float | None:
    """Returns the share of lesions that a predicted component overlaps; None without lesions."""
    lesions = sum(len(scan.voxels) for scan in scans)
    return sum(int(scan.found.sum()) for scan in scans) / lesions if lesions else None


def false_positives(scans: Sequence[Lesions]) -> float:
    """Returns false positives per scan, over all scans, including those without lesions."""
    return sum(scan.false_positives for scan in scans) / len(scans)


def object_dice(scans: Sequence[Lesions]) -> Spread | None:
    """Returns mean and standard deviation of the Dice of detected lesions; None without any."""
    dice = np.concatenate([scan.dice[scan.found] for scan in scans])
    return Spread(float(dice.mean()), float(dice.std())) if dice.size else None


def froc(scans: Sequence[Lesions]) -> Froc | None:
    """Returns the FROC curve with a threshold at every confidence that occurs; None without lesions.

    A lesion counts as found at a threshold, and a false positive as one, where its confidence is not below it. A
    threshold re-ranks the components; it never cuts them anew.
    """
    hits, false, lesions = _ranked(scans)
    if not lesions:
        return None
    thresholds = np.unique(np.concatenate((hits, false)))[::-1]
    counts = (len(part) - np.searchsorted(part, thresholds, side="left") for part in (false, hits))
    x, y = (np.concatenate(([0.0], count)) for count in counts)
    return Froc(x / len(scans), y / lesions)


def average_recall(scans: Sequence[Lesions], protocol: AverageRecallProtocol = "corrected") -> Spread | None:
    """Returns the mean recall at 501 evenly spaced false positives per scan from 0 to 5; None without lesions.

    Args:
        scans: Every scan of the split.
        protocol: See `AverageRecallProtocol`; only `iw2020` has a standard deviation, that of its draws.

    Source: Shirokikh et al. 2020, https://arxiv.org/abs/2007.10033, and their published code.
    """
    points = np.linspace(0, MOST_FALSE, MOST_FALSE * 100 + 1)
    if protocol == "iw2020":
        means = [float(curve.at(points).mean()) for curve in _drawn(scans)]
        return Spread(float(np.mean(means)), float(np.std(means))) if means else None
    curve = froc(scans)
    return None if curve is None else Spread(float(curve.at(points).mean()))


def cpm(scans: Sequence[Lesions]) -> float | None:
    """Returns the mean recall at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per scan (LUNA16); None without lesions.

    Source: Setio et al. 2017, https://arxiv.org/abs/1612.08012.
    """
    curve = froc(scans)
    return None if curve is None else float(curve.at(CPM_AT).mean())


def _ranked(scans: Sequence[Lesions]) -> tuple[Floats, Floats, int]:
    """Returns sorted confidences of detected lesions and of false positives, and the number of lesions."""
    hits = np.concatenate([scan.confidence[scan.found] for scan in scans]).astype(np.float64)
    false = np.concatenate([scan.false_confidence for scan in scans]).astype(np.float64)
    return np.sort(hits), np.sort(false), sum(len(scan.voxels) for scan in scans)


def _below(scans: Sequence[Lesions]) -> Floats:
    """The least confidence of any component where it is below the first threshold of `iw2020`, -0.1.

    Their masks are those of a probability above 1/2. With three classes or more a region can be predicted with less.
    """
    confidences = np.concatenate([np.append(scan.confidence[scan.found], scan.false_confidence) for scan in scans])
    return np.array([confidences.min()] if confidences.size and confidences.min() < -0.1 else [], np.float64)


def _drawn(scans: Sequence[Lesions]) -> list[Froc]:
    """Returns the curves of `iw2020`: 50 draws, on 201 thresholds that depend on the greatest confidence."""
    known = sorted(
        (scan for scan in scans if len(scan.voxels) or scan.false_positives), key=lambda scan: scan.case
    )  # by name as text, as their draws had them
    if not any(len(scan.voxels) for scan in known):
        return []
    peak = max((scan.peak for scan in known if math.isfinite(scan.peak)), default=0.0)
    thresholds = np.concatenate((_below(known), np.linspace(-0.1, 10, 101), np.linspace(10, peak + 1, 100)))
    order, random = np.arange(len(known)), np.random.RandomState(SEED)
    curves = []
    for _ in range(DRAWS):
        random.shuffle(order)
        hits, false, lesions = _ranked([known[i] for i in order[: int(len(known) * SHARE)]])
        found = len(hits) - np.searchsorted(hits, thresholds, side="left")
        wrong = len(false) - np.searchsorted(false, thresholds, side="right")
        x, y = wrong / len(known), found / lesions if lesions else np.ones(len(thresholds))
        curves.append(Froc(np.append(x, 0.0)[::-1], np.append(y, 0.0)[::-1]))
    return curves
