"""Lesion metrics against the inverse-weighting paper: its printed LiTS numbers recomputed from its published records.

    python benchmarks/lesions.py DIR

DIR holds the records as neuro-ml/inverse_weighting publishes them (froc_data/lits), a file for each loss: `bce.json`,
`iwdl.json`, … The expected numbers are in reports/published/inverse-weighting.csv: printed ones (protocol `iw2020`) and
those of the `corrected` protocol must agree to two decimals, numbers recomputed earlier to four.
"""

import argparse
import csv
import json
import math
import pathlib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import numpy as np

from reports.statistics import lesion_counts
from trainables.lesion_records import Lesions

FILES = {
    "asl": ("asl_sq", "none"),
    "bce": ("bce", "none"),
    "dl": ("dice_sq", "none"),
    "fl": ("focal", "none"),
    "gdl": ("gdl_iw", "none"),
    "iwasl": ("asl_sq", "inverse"),
    "iwbce": ("bce", "inverse"),
    "iwdl": ("dice_sq", "inverse"),
    "iwfl": ("focal", "inverse"),
    "wce": ("weighted_cross_entropy", "none"),
}
"""Record file → (loss, weighting), by this project's names."""

Key = tuple[str, str, str, str]
"""(loss, weighting, metric, origin)."""


def scans(path: pathlib.Path) -> list[Lesions]:
    """Converts a file of records to `Lesions`. Sizes are computed from the diameters, `pi / 6 d³`."""
    return [_scan(case, records) for case, records in json.loads(path.read_text(encoding="utf-8")).items()]


def _scan(case: str, records: list[dict[str, Any]]) -> Lesions:
    lesions_there = [record for record in records if record["is_tum"]]
    predicted = [record for record in records if not record["is_tum"]]
    false = sorted(
        (record for record in predicted if record["hit_dice"] <= 0), key=lambda record: -record["self_logit"]
    )
    return Lesions(
        case,
        "tumour",
        voxels=np.array([_voxels(record) for record in lesions_there], np.uint32),
        dice=np.array([record["hit_dice"] for record in lesions_there], np.float64),
        confidence=np.array([record["hit_logit"] for record in lesions_there], np.float32),
        false_voxels=np.array([_voxels(record) for record in false], np.uint32),
        false_confidence=np.array([record["self_logit"] for record in false], np.float32),
        false_positives=len(false),
        peak=max((record["self_logit"] for record in predicted), default=-math.inf),
    )


def _voxels(record: dict[str, Any]) -> int:
    return round(math.pi / 6 * record["diameter"] ** 3)


def measured(found: list[Lesions]) -> dict[str, tuple[float, float | None]]:
    """Computes (value, spread) by metric."""
    dice, paper = lesion_counts.object_dice(found), lesion_counts.average_recall(found, "iw2020")
    corrected, cpm, recall = lesion_counts.average_recall(found), lesion_counts.cpm(found), lesion_counts.recall(found)
    assert dice is not None
    assert paper is not None
    assert corrected is not None
    assert cpm is not None
    assert recall is not None
    # -0.1 is the lowest threshold of the paper's code; a few records lie below it.
    false = sum(int((scan.false_confidence > -0.1).sum()) for scan in found) / len(found)
    return {
        "object_dice": (dice.mean, dice.sd),
        "average_recall_iw2020": (paper.mean, paper.sd),
        "average_recall": (corrected.mean, None),
        "cpm": (cpm, None),
        "pooled_lesion_recall": (recall, None),
        "lesion_false_positives": (false, None),
    }


def published() -> Mapping[Key, tuple[float, float | None]]:
    """Reads the LiTS rows of the inverse-weighting paper."""
    text = resources.files("reports.published").joinpath("inverse-weighting.csv").read_text(encoding="utf-8")
    return {
        (row["loss"], row["weighting"], row["metric"], row["origin"]): (
            float(row["value"]),
            float(row["spread"]) if row["spread"] else None,
        )
        for row in csv.DictReader(text.splitlines())
        if row["dataset"] == "lits"
    }


def missed(name: str, found: list[Lesions], expected: Mapping[Key, tuple[float, float | None]]) -> Iterator[str]:
    """Yields a line for each number that differs from the published one."""
    ours = measured(found)
    for (loss, weighting, metric, origin), theirs in expected.items():
        if (loss, weighting) != FILES[name] or metric not in ours:
            continue
        digits = 4 if origin == "recomputed" else 2
        for mine, other in zip(ours[metric], theirs, strict=True):
            if other is not None and (mine is None or round(mine, digits) != round(other, digits)):
                yield f"{name}: {metric} is {mine}, {origin} {other}"


def main() -> int:
    """Prints a line for each loss; returns 1 where a number differs from the published one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, nargs="?", help="records as JSON, a file for each loss")
    given = parser.parse_args()
    if given.folder is None:
        print("lesions: needs the published records: python benchmarks/lesions.py DIR. Nothing measured.")
        return 0
    paths = sorted(path for path in given.folder.glob("*.json") if path.stem in FILES)
    if not paths:
        raise SystemExit(f"{given.folder}: expected bce.json, iwdl.json, …, found no such file")
    expected, wrong = published(), []
    print(f"{'records':8}{'object Dice':>16}{'iw2020':>16}{'corrected':>11}{'CPM':>8}{'recall':>8}{'false a scan':>14}")
    for path in paths:
        found = scans(path)
        ours = measured(found)
        spreads = [f"{mean:.4f} ± {sd:.4f}" for mean, sd in (ours["object_dice"], ours["average_recall_iw2020"])]
        rest = [ours[name][0] for name in ("average_recall", "cpm", "pooled_lesion_recall", "lesion_false_positives")]
        print(
            f"{path.stem:8}{spreads[0]:>16}{spreads[1]:>16}{rest[0]:11.4f}{rest[1]:8.4f}{rest[2]:8.4f}{rest[3]:14.4f}"
        )
        wrong += missed(path.stem, found, expected)
    print("\n".join(wrong) if wrong else f"all published numbers of {len(paths)} losses come out")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
