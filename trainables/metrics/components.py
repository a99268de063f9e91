"""Lesion records of a case: components of the reference matched with components of the prediction.

Source: Shirokikh et al. 2020, https://arxiv.org/abs/2007.10033, and their published code.
"""

import math

import numpy as np
from numpy.typing import NDArray

from trainables.lesion_records import MOST_FALSE_POSITIVES, Lesions
from trainables.metrics.geometry import Mask, bounding_box
from trainables.metrics.histogram import LogOdds

Labels = NDArray[np.uint32]


def lesion_records(case: str, region: str, reference: Mask, found: Mask, log_odds: LogOdds) -> Lesions:
    """Match each lesion with predicted components, and list the false positives.

    Voxels that touch by a face, an edge or a corner belong together (26 neighbours, 8 in 2D), in both masks. A
    component's confidence is its greatest log-odds: a threshold on it ranks components and never cuts them anew.

    Args:
        case: The case's name.
        region: The region's name.
        reference: Where the region is.
        found: The predicted mask, of the same shape: the one that every other metric of the case is computed from.
        log_odds: Those of the voxels of `found`, in the order of `reference[found]`.
    """
    box = bounding_box(reference | found)
    lesions, lesion_voxels = _components(reference[box])
    predicted, predicted_voxels = _components(found[box])
    peaks = np.full(len(predicted_voxels), -np.inf, np.float32)
    np.maximum.at(peaks, predicted[found[box]] - 1, log_odds.astype(np.float32))
    dice = np.zeros(len(lesion_voxels))
    confidence = np.full(len(lesion_voxels), -np.inf, np.float32)
    hit = np.zeros(len(predicted_voxels), np.bool_)
    for lesion, component, shared in _overlaps(lesions, predicted):
        hit[component] = True
        overlap = 2 * shared / (int(lesion_voxels[lesion]) + int(predicted_voxels[component]))
        if overlap > dice[lesion]:  # of equals the first
            dice[lesion], confidence[lesion] = overlap, peaks[component]
    false = np.flatnonzero(~hit)
    kept = false[np.argsort(-peaks[false], kind="stable")][:MOST_FALSE_POSITIVES]
    return Lesions(
        case,
        region,
        voxels=lesion_voxels,
        dice=dice,
        confidence=confidence,
        false_voxels=predicted_voxels[kept],
        false_confidence=peaks[kept],
        false_positives=len(false),
        peak=float(peaks.max()) if len(peaks) else -math.inf,
    )


def _components(mask: Mask) -> tuple[Labels, NDArray[np.uint32]]:
    """Return labels from 1, in the order of first voxels, and the voxels of each; 0 is outside."""
    if not mask.any():
        return np.zeros(mask.shape, np.uint32), np.zeros(0, np.uint32)
    import cc3d

    whole = np.ascontiguousarray(mask).view(np.uint8)  # of bool arrays cc3d 4.1 gives wrong components now and then
    labels = np.asarray(cc3d.connected_components(whole, connectivity=26 if mask.ndim == 3 else 8), np.uint32)
    numbers, first, voxels = np.unique(labels[mask], return_index=True, return_counts=True)
    order = np.argsort(first)  # independent of the library's numbering
    renumber = np.zeros(int(numbers.max()) + 1, np.uint32)
    renumber[numbers[order]] = np.arange(1, len(order) + 1, dtype=np.uint32)
    return renumber[labels], voxels[order].astype(np.uint32)


def _overlaps(lesions: Labels, predicted: Labels) -> list[tuple[int, int, int]]:
    """Return (lesion, component, voxels in both), numbered from 0, in that order."""
    both = (lesions > 0) & (predicted > 0)
    pairs = np.stack([lesions[both], predicted[both]], axis=1)
    found, shared = np.unique(pairs, axis=0, return_counts=True)
    return [(int(lesion) - 1, int(part) - 1, int(n)) for (lesion, part), n in zip(found, shared, strict=True)]
