"""Rows for preprocessing, patches and augmentation; see `rules` for how rows are read."""

from typing import Any

from study.proposing import sizes
from study.proposing.facts import Facts
from study.proposing.rules import NNUNET, Rule, always, decide, has_regions, labels_of, lesions


def spacing_of(facts: Facts) -> list[float] | None:
    """Return the voxel size that cases are resampled to; None where they keep their own."""
    given = decide(facts, [rule for rule in IMAGES if rule.key == "preprocess.spacing"])["preprocess.spacing"].value
    return given if isinstance(given, list) else None


def _without_order(facts: Facts) -> list[Any]:
    """Return the usual augmentations without mirroring along axes on which labels lie in one order."""
    axes = "yx" if facts.flat or sizes.in_slices(facts) else "zyx"
    rest = "".join(axis for axis in axes if axis not in facts.ordered)
    return [*([{"mirror": {"axes": rest}}] if rest else []), "rotate", "scale", "brightness", "gamma"]


IMAGES: tuple[Rule, ...] = (
    Rule(
        "preprocess.spacing",
        "no voxel size",
        lambda f: not f.spacings or f.modality == "picture",
        lambda f: "unknown",
        "files state no size of a voxel: distances are in voxels",
        "the headers",
    ),
    Rule(
        "preprocess.spacing",
        "one voxel size",
        lambda f: f.even,
        lambda f: "native",
        "all cases have the same voxel size",
        "the headers",
    ),
    Rule(
        "preprocess.spacing",
        "slices",
        sizes.in_slices,
        lambda f: "native",
        "patches are 2D: slices keep their own grid",
        "few slices in a volume",
    ),
    Rule(
        "preprocess.spacing",
        "anisotropic voxels",
        lambda f: f.anisotropy > sizes.COARSE,
        sizes.common_spacing,
        "median voxel size in mm [z, y, x]; the 10th percentile along the coarse axis",
        NNUNET,
    ),
    Rule(
        "preprocess.spacing",
        "median voxel size",
        always,
        sizes.common_spacing,
        "median voxel size of all cases in mm, [z, y, x]",
        NNUNET,
    ),
    Rule(
        "preprocess.crop",
        "dark surroundings",
        lambda f: f.dark == 1 and f.modality != "picture" and not f.places.roi,
        lambda f: {"to": "nonzero"},
        "at least half of each image is exactly 0: it is cut to the rest",
        NNUNET,
    ),
    Rule(
        "preprocess.percentiles",
        "CT",
        lambda f: f.modality == "ct",
        lambda f: [0.5, 99.5],
        "CT intensities are cut off at percentiles of the training cases' foreground",
        NNUNET,
    ),
    Rule(
        "preprocess.normalize",
        "CT",
        lambda f: f.modality == "ct",
        lambda f: "zscore_training",
        "Hounsfield units mean the same in all cases: one mean and deviation, of the training cases' foreground",
        NNUNET,
    ),
    Rule(
        "preprocess.normalize",
        "dark surroundings",
        lambda f: f.dark == 1 and f.modality != "picture",
        lambda f: "zscore_nonzero",
        "units differ by case: mean 0 and deviation 1 of the voxels that are not 0",
        NNUNET,
    ),
    Rule(
        "preprocess.normalize",
        "no unit",
        always,
        lambda f: "zscore",
        "units differ by case: each image and channel gets mean 0 and deviation 1",
        NNUNET,
    ),
    Rule(
        "patch.size",
        "as large as memory",
        always,
        lambda f: sizes.patch(f, spacing_of(f)),
        "the median image, shortened along its longest side until memory and time hold it",
        NNUNET,
    ),
    Rule(
        "patch.sampling",
        "lesions",
        lambda f: lesions(f) and f.components > 2 and not has_regions(f),
        lambda f: "lesion",
        "half of the patches are centred on a lesion, each as often as any other",
        "small lesions would rarely be met",
    ),
    Rule(
        "patch.foreground",
        "foreground",
        lambda f: not (lesions(f) and f.components > 2 and not has_regions(f)),
        lambda f: 0.33,
        "share of the patches that are centred on foreground",
        NNUNET,
    ),
    Rule(
        "augment",
        "sides have names",
        lambda f: any("left" in name.lower() or "right" in name.lower() for name in labels_of(f)),
        lambda f: ["rotate", "scale", "brightness", "gamma"],
        "no mirroring: it would make left labels of right ones",
        "the labels",
    ),
    Rule(
        "augment",
        "labels in an order",
        lambda f: bool(f.ordered),
        _without_order,
        "labels lie in one order along an axis in nearly all cases; mirrored along it, each would be taught as another",
        "benchmarks/RESULTS.md: hippocampus, Dice 0.87 for 0.80",
    ),
    Rule(
        "augment",
        "usual",
        always,
        lambda f: ["mirror", "rotate", "scale", "brightness", "gamma"],
        "the usual random changes of training patches",
        NNUNET,
    ),
)
