"""Lesion scores of an arm by lesion size: over all test scans of a training, then over trainings."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

from reports.results.results import ArmResult, Results
from reports.results.split_scores import all_lesions, units
from reports.statistics import lesion_counts
from reports.statistics.lesion_counts import Spread
from trainables.lesion_records import Lesions

Stratum = tuple[float, float]
"""Diameters in voxels, from (included) and to (excluded)."""

ALL: Stratum = (0.0, math.inf)


@dataclasses.dataclass(frozen=True, slots=True)
class OverRuns:
    """A score over trainings. It has no interval, since lesions of a patient are not independent.

    Attributes:
        mean: Over trainings.
        least: Least of all trainings.
        greatest: Greatest of all trainings.
    """

    mean: float
    least: float
    greatest: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LesionScores:
    """An arm in one region and stratum at the last mark.

    Attributes:
        lesions: Number of lesions in the reference; None without records.
        values: Name (a key of `SCORES`) → value, or None.
    """

    lesions: int | None
    values: Mapping[str, OverRuns | None]


def _mean(spread: Spread | None) -> float | None:
    return None if spread is None else spread.mean


SCORES: Mapping[str, Callable[[Sequence[Lesions], lesion_counts.AverageRecallProtocol], float | None]] = {
    "average_recall": lambda scans, protocol: _mean(lesion_counts.average_recall(scans, protocol)),
    "cpm": lambda scans, _: lesion_counts.cpm(scans),
    "pooled_lesion_recall": lambda scans, _: lesion_counts.recall(scans),
    "lesion_false_positives": lambda scans, _: lesion_counts.false_positives(scans),
    "object_dice": lambda scans, _: _mean(lesion_counts.object_dice(scans)),
}
"""Name → score. The first three are detection, where a diverged training counts 0."""

DETECTION = ("average_recall", "cpm", "pooled_lesion_recall")


def protocol(results: Results) -> lesion_counts.AverageRecallProtocol:
    """Returns the protocol of average recall that the study file names."""
    counting = results.records.study.file["report"].get("lesions") or {}
    return "iw2020" if counting.get("protocol") == "iw2020" else "corrected"


def strata(results: Results) -> tuple[Stratum, ...]:
    """Returns all lesions, then the study file's strata in increasing size."""
    counting = results.records.study.file["report"].get("lesions") or {}
    cuts = tuple(float(cut) for cut in counting.get("strata") or ())
    return (ALL, *zip((0.0, *cuts), (*cuts, math.inf), strict=True)) if cuts else (ALL,)


def regions(results: Results) -> tuple[str, ...]:
    """Returns the regions with lesion records, in the study file's order; none unless `report.lesions` is set."""
    if results.records.study.file["report"].get("lesions") is None:
        return ()
    there = {row.lesions.region for row in results.records.split.lesions}
    return tuple(region for region in results.protocol.regions if region in there)


def lesion_scores(results: Results, arm: ArmResult, region: str) -> dict[Stratum, LesionScores]:
    """Returns an arm's lesion scores in a region, by stratum."""
    of_arm, how = runs(results, arm, region), protocol(results)
    found = {}
    for low, high in strata(results):
        chosen = [lesion_counts.of_size(scans, low, high) for scans in of_arm]
        values: dict[str, list[float | None]] = {
            name: [score(scans, how) for scans in chosen] for name, score in SCORES.items()
        }
        for name in DETECTION:
            values[name] += [0.0] * arm.trainings.diverged
        found[low, high] = LesionScores(
            lesions=max((sum(len(scan.voxels) for scan in scans) for scans in chosen), default=None),
            values={name: _together(numbers) for name, numbers in values.items()},
        )
    return found


def runs(results: Results, arm: ArmResult, region: str) -> list[list[Lesions]]:
    """Returns the scans of each search and seed that reached the last mark, over all folds."""
    how = results.protocol
    found = (all_lesions(results.records.split, unit, how.last, region) for unit in units(how, arm.row.number))
    return [scans for scans in found if scans]


def _together(values: Sequence[float | None]) -> OverRuns | None:
    there = [value for value in values if value is not None]
    return OverRuns(sum(there) / len(there), min(there), max(there)) if there else None
