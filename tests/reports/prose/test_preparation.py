"""Sentences on the preparation of images: every key that changes what a network sees is told."""

from typing import Any

import pytest

from reports.prose.preparation import preparation

PLAIN = {"spacing": "native", "clip": None, "normalize": "zscore"}
ORIGINAL = "Scores were computed on the original grids."
ZSCORE = "scaled to mean 0 and standard deviation 1 by case"

CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an older file": ({}, [f"Images kept their own grids; intensities were {ZSCORE}.", ORIGINAL]),
    "a clip": (
        {"clip": [-79, 304], "spacing": [3, 1.5, 1.5]},
        [
            f"Images were resampled to 3 × 1.5 × 1.5 mm (z, y, x); intensities were cut to -79 to 304 and {ZSCORE}.",
            ORIGINAL,
        ],
    ),
    "a window": (
        {"window": {"level": 30.0, "width": 150.0}, "normalize": "minmax"},
        ["Images kept their own grids; intensities were cut to -45 to 105 and scaled to [0, 1] by case.", ORIGINAL],
    ),
    "percentiles of the training cases": (
        {"percentiles": [0.5, 99.5], "normalize": "zscore_training"},
        [
            "Images kept their own grids; intensities were cut to the percentiles 0.5 to 99.5 of the training cases' "
            "foreground and scaled by mean and standard deviation of the training cases' foreground.",
            ORIGINAL,
        ],
    ),
    "channels": (
        {"normalize": {"ct": "none", "pet": "minmax"}},
        ["Images kept their own grids; intensities were not scaled (ct) and scaled to [0, 1] by case (pet).", ORIGINAL],
    ),
    "an oracle crop": (
        {"crop": {"to": "reference", "label": "kidney", "margin": [5]}},
        [
            "Training saw the box of kidney in the reference mask, which no new image has, with a margin of 5 voxels, "
            "of each case.",
            f"Images kept their own grids; intensities were {ZSCORE}.",
            ORIGINAL,
        ],
    ),
    "outside the region of interest": (
        {"crop": {"to": "roi", "label": None, "margin": [0]}, "outside_roi": "minimum"},
        [
            "Training saw the box of the region of interest of each case.",
            f"Images kept their own grids; intensities were {ZSCORE}.",
            "Voxels outside the region of interest had the lowest value and no label.",
            ORIGINAL,
        ],
    ),
    "sheared volumes": (
        {"unshear": True},
        [
            f"Images kept their own grids; intensities were {ZSCORE}.",
            "Volumes with sheared axes, reference masks included, were first resampled to right angles; scores of such "
            "cases were computed on those grids, all others on the original grids.",
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_sentences(name: str) -> None:
    changes, expected = CASES[name]
    assert list(preparation({"preprocess": {**PLAIN, **changes}})) == expected
