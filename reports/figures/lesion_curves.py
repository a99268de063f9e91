"""Lesion curves of an arm as means over its trainings: FROC and recall by size."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reports.results.lesion_scores import Stratum, runs, strata
from reports.results.results import ArmResult, Results
from reports.statistics import lesion_counts

FALSE_POSITIVES = np.array([0.125 * 2 ** (step / 4) for step in range(25)])
"""False positives per scan: 1/8 to 8, four steps per doubling."""

Floats = NDArray[np.float64]


def froc(results: Results, arm: ArmResult, region: str) -> Floats | None:
    """Returns recall at each of `FALSE_POSITIVES`; diverged trainings count 0. None without lesions."""
    curves = [lesion_counts.froc(scans) for scans in runs(results, arm, region)]
    found = [curve.at(FALSE_POSITIVES) for curve in curves if curve is not None]
    found += [np.zeros(len(FALSE_POSITIVES))] * arm.trainings.diverged
    return np.asarray(np.mean(found, axis=0)) if found else None


def sizes(results: Results, region: str) -> tuple[Stratum, ...]:
    """Returns the study file's strata; without any, quartiles of the test cases' lesions by diameter."""
    declared = strata(results)[1:]
    if declared:
        return declared
    first = next((scans for arm in results.arms for scans in runs(results, arm, region)), [])
    diameters = np.concatenate([lesion_counts.diameter(scan.voxels) for scan in first]) if first else np.empty(0)
    if len(diameters) < 4:
        return ()
    cuts = sorted({round(float(cut), 1) for cut in np.quantile(diameters, (0.25, 0.5, 0.75))})
    return tuple(zip((0.0, *cuts), (*cuts, math.inf), strict=True))


def recall_by_size(results: Results, arm: ArmResult, region: str, between: Sequence[Stratum]) -> list[float | None]:
    """Returns the recall of the lesions of each stratum; None for a stratum without lesions."""
    of_arm = runs(results, arm, region)
    found: list[float | None] = []
    for low, high in between:
        values = [lesion_counts.recall(lesion_counts.of_size(scans, low, high)) for scans in of_arm]
        there = [value for value in values if value is not None]
        there += [0.0] * (arm.trainings.diverged if there else 0)
        found.append(sum(there) / len(there) if there else None)
    return found
