"""Definitions of the reported metrics: formula, convention, tolerance, and what an empty mask counts."""

from collections.abc import Mapping

from reports.results.metric_facts import METRICS
from reports.results.results import Results
from search_spaces.metrics import family_of, pooled_from

DEFINITIONS: Mapping[str, str] = {
    "dice": "2 TP / (2 TP + FP + FN), of voxels",
    "iou": "TP / (TP + FP + FN), of voxels",
    "precision": "TP / (TP + FP), of voxels",
    "recall": "TP / (TP + FN), of voxels",
    "mcc": "Matthews' correlation coefficient of voxels, in [−1, 1]",
    "specificity": "TN / (TN + FP), of voxels; near 1 for any small prediction",
    "accuracy": "(TP + TN) / all voxels; it rises with the empty space around a region",
    "roc_auc": "area under the ROC curve of voxels by the region's log-odds, ties counted half",
    "average_precision": "area under the precision-recall curve of voxels by the region's log-odds",
    "hd95": "the greater of the two directed 95th percentiles of distances between surface voxels, each voxel counted "
    "once (MONAI's convention; pooling both directions or weighting by area gives other values)",
    "hd95_pooled": "the 95th percentile of the distances of both directions pooled, each surface voxel counted once "
    "(MedPy's convention)",
    "hd95_area": "the greater of the two directed 95th percentiles, surface elements weighed by their area (DeepMind's "
    "convention)",
    "brier": "mean over voxels of the squared difference of the region's probability from 0 or 1",
    "ece": "mean over voxels of |mean probability − share of the region| in 15 groups of equal width in probability",
    "assd": "mean distance of all surface voxels of both masks to the other surface, both directions pooled",
    "volume_error": "absolute difference of the volumes",
    "volume_bias": "(prediction − reference) / reference, of volumes",
    "lesion_recall": "share of a case's lesions (connected components) that any predicted component overlaps",
    "lesion_false_positives": "predicted components of a case that overlap no lesion",
    "lesion_dice": "mean Dice of a case's lesions that were found, each with its best component; without a value where "
    "none was found",
    "pooled_lesion_recall": "share of all lesions of the split that any predicted component overlaps",
    "object_dice": "mean Dice of all lesions of the split that were found",
    "average_recall": "mean lesion recall at 0 to 5 false lesions a scan (FROC, thresholds on confidence)",
    "average_recall_iw2020": "average recall by the inverse-weighting paper's protocol",
    "cpm": "mean lesion recall at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false lesions a scan (FROC, thresholds on confidence)",
}
"""Metric → its definition; those whose name holds a number are made by `definition`."""

PREFIXES: Mapping[str, str] = {"pooled_": "of the voxels of all cases together", "group_": "by patient, then averaged"}


def definition(name: str, unit: str) -> str:
    """Returns the definition of a metric.

    Args:
        name: As the study file has it.
        unit: Unit of distances: mm or px.
    """
    if name in DEFINITIONS:
        return DEFINITIONS[name]
    pooled, family = pooled_from(name), family_of(name)
    if pooled is not None:
        return f"{definition(pooled[1], unit)}, {PREFIXES[pooled[0]]}"
    assert family is not None, name
    if family[0] == "f":
        return f"F-measure of voxels with beta {family[1]:g}: recall weighs {family[1] ** 2:g} times precision"
    if family[0] == "surface_dice_area_":
        return f"share of both surfaces' area within {family[1]:g} {unit} of the other surface (DeepMind's convention)"
    return (
        f"share of both surfaces' voxels within {family[1]:g} {unit} of the other surface, each voxel counted once "
        "(area-weighted conventions give other values)"
    )


def definitions(results: Results) -> str:
    """Returns the definitions of all reported metrics as one paragraph."""
    unit = "px" if results.pixels else "mm"
    parts = [f"{METRICS[name].label}: {definition(name, unit)}" for name in results.protocol.metrics]
    overlapping = results.records.study.file["dataset"].get("train_on") == "regions"
    masks = "a region's voxels of probability above 0.5" if overlapping else "the class of greatest probability"
    how = f"Masks are {masks}; only areas over thresholds (average precision, FROC) go by confidence."
    return f"Metrics. {'; '.join(parts)}. {how}"
