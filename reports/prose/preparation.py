"""Sentences of the Methods section on the preparation of images, from the study file as the ledger has it."""

from collections.abc import Iterator, Mapping
from typing import Any

from reports.prose.listing import listed
from reports.results import number_format

NORMALIZED = {
    "zscore": "scaled to mean 0 and standard deviation 1 by case",
    "zscore_nonzero": "scaled to mean 0 and standard deviation 1 over the voxels of each case that are not 0",
    "zscore_training": "scaled by mean and standard deviation of the training cases' foreground",
    "minmax": "scaled to [0, 1] by case",
    "none": "not scaled",
}
CROPPED = {
    "nonzero": "the box of the voxels that are not 0",
    "roi": "the box of the region of interest",
    "reference": "the box of {label} in the reference mask, which no new image has",
}


def preparation(file: Mapping[str, Any]) -> Iterator[str]:
    """Yields sentences on crop, grid, intensities, and the grid of the scores.

    Args:
        file: The study file with all defaults; keys that an older version did not have may be missing.
    """
    preprocess = file["preprocess"]
    crop = preprocess.get("crop")
    if crop:
        box = CROPPED[crop["to"]].format(label=crop.get("label"))
        yield f"Training saw {box}{_margin(crop.get('margin'))} of each case."
    yield f"{_grid(preprocess['spacing'])}; intensities were {_cut(preprocess)}{_scaled(file)}."
    if preprocess.get("outside_roi") == "minimum":
        yield "Voxels outside the region of interest had the lowest value and no label."
    if preprocess.get("unshear"):
        yield (
            "Volumes with sheared axes, reference masks included, were first resampled to right angles; scores of such "
            "cases were computed on those grids, all others on the original grids."
        )
    else:
        yield "Scores were computed on the original grids."


def _margin(margin: Any) -> str:
    sides = list(margin) if isinstance(margin, list | tuple) else [margin or 0]
    return f", with a margin of {number_format.setting(margin)} voxels," if any(sides) else ""


def _grid(spacing: Any) -> str:
    if not isinstance(spacing, list | tuple):
        return "Images kept their own grids"
    axes = "z, y, x" if len(spacing) == 3 else "y, x"
    return f"Images were resampled to {number_format.setting(spacing)} mm ({axes})"


def _cut(preprocess: Mapping[str, Any]) -> str:
    """Returns how intensities were cut off: by values, a window, or percentiles; empty where they were not."""
    if window := preprocess.get("window"):
        low, high = window["level"] - window["width"] / 2, window["level"] + window["width"] / 2
        return f"cut to {low:g} to {high:g} and "
    if percentiles := preprocess.get("percentiles"):
        of = "the training cases' foreground" if "zscore_training" in str(preprocess["normalize"]) else "each case"
        return f"cut to the percentiles {percentiles[0]:g} to {percentiles[1]:g} of {of} and "
    clip = preprocess["clip"]
    return f"cut to {clip[0]:g} to {clip[1]:g} and " if clip else ""


def _scaled(file: Mapping[str, Any]) -> str:
    normalize = file["preprocess"]["normalize"]
    if isinstance(normalize, str):
        return NORMALIZED[normalize]
    if not isinstance(normalize, Mapping):
        normalize = {f"channel {number}": how for number, how in enumerate(normalize)}
    return listed([f"{NORMALIZED[how]} ({name})" for name, how in normalize.items()])
