"""Metrics of a whole split: voxels pooled over cases and patients, lesions of all scans, means of regions."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, insert, select, update

from reports.document import document
from reports.results.metric_facts import METRICS
from reports.results.records import read
from reports.results.results import Results, results
from reports.results.split_scores import LESION_METRICS, OVERLAPS, of_counts
from search_spaces.metrics import COUNTED, LESIONS, better
from study.design import TrialKey
from study.ledger import Ledger
from study.ledger.database import schema
from tests.reports.ledgers import DIVERGED, OWED, Fake, build
from trainables.lesion_records import Lesions
from trainables.metrics.scoring import scores_of

NAMES = ("dice", "pooled_dice", "group_dice", "pooled_f2", "pooled_average_precision", "object_dice", "cpm")


def voxels(case: str, region: str, seed: int) -> list[int]:
    """Counts that say whose they are: p00 has two cases, in p01 there is no lesion."""
    if region == "lesion" and case.startswith("p01"):
        return [0, 4, 0, 96]
    size = 10 if case.endswith("_0") else 30
    return [size - seed, 2, 5, 100]


def lesions(case: str) -> Lesions:
    found = case.startswith("p00")
    return Lesions(
        case,
        "lesion",
        voxels=np.array([8], np.uint32),
        dice=np.array([0.75 if found else 0.0]),
        confidence=np.array([3.0 if found else -math.inf], np.float32),
        false_voxels=np.array([2], np.uint32),
        false_confidence=np.array([1.0], np.float32),
        false_positives=1,
        peak=3.0,
    )


def filled(path: Path, **how: Any) -> Results:
    fake = Fake(**{"patients": (2, 1, 1), "losses": ("dice", "focal"), "metrics": NAMES, "empty": 0.0, **how})
    build(path, fake)

    def fill(connection: Connection) -> None:
        cases = {row.name: row.id for row in connection.execute(select(schema.cases))}
        for row in connection.execute(select(schema.trials).where(schema.trials.c.stage == "final")).all():
            key = TrialKey.parse(row.key)
            tested = [case for case in fake.cases if case.splits[key.fold] == "test"]
            for mark in fake.marks if row.status == "finished" else ():
                at = {"trial_id": row.id, "iteration": mark}
                for region in fake.regions:
                    counts = [(case, voxels(case.name, region, key.number)) for case in tested]
                    connection.execute(
                        insert(schema.case_counts),
                        [
                            at
                            | {"region": region, "case_id": cases[case.name]}
                            | dict(zip(("tp", "fp", "fn", "tn"), found, strict=True))
                            for case, found in counts
                        ],
                    )
                    ranked = {"region": region, "metric": "average_precision", "value": 0.5 + key.number / 10}
                    connection.execute(insert(schema.pooled_scores), at | ranked)
                for case in tested:
                    packed = scores_of(lesions(case.name))
                    connection.execute(
                        insert(schema.lesion_scores),
                        at
                        | {"region": "lesion", "case_id": cases[case.name], "records": packed.records}
                        | {name: getattr(packed, name) for name in ("lesions", "found", "false_positives")},
                    )

    with Ledger.open(path) as ledger:
        ledger.write(fill)
    return results(read(path, fake.name, pictures=False)[0])


def value(found: Results, region: str, metric: str, arm: int = 0) -> float | None:
    return found.arms[arm].cells[region, metric, found.protocol.last].mean


def dice(tp: int, fp: int, fn: int) -> float:
    return 2 * tp / (2 * tp + fp + fn)


def test_voxels_are_pooled_over_cases_or_within_patients(tmp_path: Path) -> None:
    found = filled(tmp_path / "ledger.db", seeds=2)
    # Cases p00_0, p01_0, p02_0 with 10 - s hits and p00_1 with 30 - s, each with 2 false and 5 missed.
    assert value(found, "organ", "pooled_dice") == pytest.approx((dice(60, 8, 20) + dice(56, 8, 20)) / 2)
    one, other = ((dice(40 - 2 * s, 4, 10) + 2 * dice(10 - s, 2, 5)) / 3 for s in (0, 1))
    assert value(found, "organ", "group_dice") == pytest.approx((one + other) / 2)
    f2 = [5 * tp / (5 * tp + 4 * 20 + 8) for tp in (60, 56)]
    assert value(found, "organ", "pooled_f2") == pytest.approx(sum(f2) / 2)
    # p01 has no lesion: its 4 false voxels are pooled, and of patients it is none.
    assert value(found, "lesion", "pooled_dice") == pytest.approx((dice(50, 10, 15) + dice(47, 10, 15)) / 2)
    group = [(dice(40 - 2 * s, 4, 10) + dice(10 - s, 2, 5)) / 2 for s in (0, 1)]
    assert value(found, "lesion", "group_dice") == pytest.approx(sum(group) / 2)
    assert value(found, "lesion", "pooled_average_precision") == pytest.approx(0.55)
    both = [value(found, region, "pooled_dice") for region in ("organ", "lesion")]
    assert value(found, "mean", "pooled_dice") == pytest.approx(np.mean(both))  # type: ignore[arg-type]


def test_they_have_neither_interval_nor_test_and_stand_in_the_tables(tmp_path: Path) -> None:
    found = filled(tmp_path / "ledger.db", seeds=2)
    cell = found.arms[0].cells["lesion", "object_dice", 1000]
    assert cell.estimate is not None
    assert (cell.estimate.low, cell.estimate.p, cell.mean, cell.spread) == (None, None, 0.75, 0.0)
    said = document(found)
    table = next(table for table in said.regions if "lesion" in table.title)
    for heading in ("Dice, pooled ↑", "Dice, by patient ↑", "F2, pooled ↑", "Object-wise Dice ↑", "CPM ↑"):
        assert heading in table.columns
    entry = table.rows[0].entries[table.columns.index("Object-wise Dice ↑")]
    assert (entry.text, entry.detail) == ("0.750", "± 0.000")


def test_what_is_falsely_found_has_a_volume(tmp_path: Path) -> None:
    # p01 lacks the lesion, 4 voxels are found there; a voxel has 1.5 * 0.8 * 0.8 mm³.
    found = filled(tmp_path / "ledger.db", seeds=2)
    assert found.arms[0].detection["lesion"].false_volume == pytest.approx(4 * 0.96 / 1000)
    assert found.arms[0].detection["organ"].false_volume is None
    unknown = filled(tmp_path / "unknown.db", seeds=2, spacing=None)
    assert unknown.arms[0].detection["lesion"].false_volume == 4
    lacking = filled(tmp_path / "lacking.db", seeds=2, empty=1.0)
    table = next(table for table in document(lacking).regions if "lesion" in table.title)
    assert table.rows[0].entries[table.columns.index("false pos.")].detail == "median 0.00384 mL"


def test_empty_one_counts_what_has_no_region(tmp_path: Path) -> None:
    found = filled(tmp_path / "ledger.db", seeds=1, empty_counts="one")
    notes = " ".join(document(found).regions[0].notes)
    assert "something found where it is not (counts 0), with its median size; found in neither: counts 1" in notes
    # p01's lesion is falsely found: 0 beside the other two patients.
    assert value(found, "lesion", "group_dice") == pytest.approx((dice(40, 4, 10) + dice(10, 2, 5) + 0) / 3)


def test_cases_without_a_region_are_not_counted_as_having_it(tmp_path: Path) -> None:
    path = build(tmp_path / "ledger.db", Fake(losses=("dice",), empty=0.5, empty_counts="one"))
    before = results(read(path, "fake", pictures=False)[0]).arms[0].detection["lesion"]
    assert before.absent > before.false > 0
    row = schema.case_scores
    with Ledger.open(path) as ledger:  # as scoring writes them where empty is one
        for note, counts in (("clean negative", 1.0), ("false positive", 0.0)):
            ledger.write(lambda c, n=note, v=counts: c.execute(update(row).where(row.c.note == n).values(value=v)))
    assert results(read(path, "fake", pictures=False)[0]).arms[0].detection["lesion"] == before


def test_folds_are_put_together_and_an_unfinished_one_leaves_its_seed_out(tmp_path: Path) -> None:
    whole = filled(tmp_path / "whole.db", seeds=2, folds=3)
    assert value(whole, "organ", "pooled_dice") == pytest.approx((dice(60, 8, 20) + dice(56, 8, 20)) / 2)
    owed = {str(TrialKey("final", 0, 0, 1, 1)): OWED}
    part = filled(tmp_path / "part.db", seeds=2, folds=3, fates=owed)
    assert value(part, "organ", "pooled_dice") == pytest.approx(dice(60, 8, 20))
    assert value(part, "lesion", "object_dice") == 0.75


def test_a_diverged_training_counts_0(tmp_path: Path) -> None:
    fates = {str(TrialKey("final", 0, 0, 0, 1)): DIVERGED}
    found = filled(tmp_path / "ledger.db", seeds=2, fates=fates)
    assert value(found, "organ", "pooled_dice") == pytest.approx(dice(60, 8, 20) / 2)
    assert value(found, "lesion", "cpm") == pytest.approx((value(found, "lesion", "cpm", arm=1) or 0) / 2)


def test_without_counts_there_is_nothing(tmp_path: Path) -> None:
    path = build(tmp_path / "ledger.db", Fake(metrics=("dice", "pooled_dice", "average_recall")))
    found = results(read(path, "fake", pictures=False)[0])
    assert value(found, "organ", "pooled_dice") is None
    assert value(found, "lesion", "average_recall") is None
    assert value(found, "organ", "dice") is not None


def test_a_mean_of_regions_is_shown_like_a_region(tmp_path: Path) -> None:
    regions = {"organ": ["organ", "lesion"], "lesion": ["lesion"], "healthy": ["organ"]}
    means = {"composite": ["organ", "lesion"], "eq14": ["healthy", "lesion"]}
    fake = Fake(regions=regions, means=means, region="organ", empty=0.0)
    found = results(read(build(tmp_path / "ledger.db", fake), "fake", pictures=False)[0])
    assert found.protocol.shown_regions == ("organ", "lesion", "healthy", "composite", "eq14")
    parts = [value(found, region, "dice") for region in ("organ", "lesion", "healthy")]
    assert value(found, "composite", "dice") == pytest.approx((parts[0] + parts[1]) / 2)  # type: ignore[operator]
    assert value(found, "eq14", "dice") == pytest.approx((parts[2] + parts[1]) / 2)  # type: ignore[operator]
    titles = [table.title for table in document(found).regions]
    assert any("composite (mean of organ and lesion)" in title for title in titles)


@pytest.mark.parametrize(
    ("counts", "missing", "one"),
    [([0, 0, 0, 9], None, 1.0), ([0, 3, 0, 9], None, 0.0), ([0, 0, 3, 9], 0.0, 0.0), ([0, 3, 3, 9], 0.0, 0.0)],
)
def test_pooled_voxels_follow_the_rules_of_cases(counts: list[int], missing: float | None, one: float) -> None:
    for name in ("dice", "precision", "recall", "iou", "f2"):
        assert of_counts(name, counts, empty="missing") == missing
        assert of_counts(name, counts, empty="one") == one


def test_every_name_of_a_split_is_worked_out_and_printed() -> None:
    assert set(LESION_METRICS) == set(LESIONS)
    assert set(OVERLAPS) == set(COUNTED)
    for name in (*LESIONS, "pooled_mcc", "group_f0.5", "pooled_average_precision"):
        assert METRICS[name].better == better(name) == "greater"
    assert METRICS["group_f0.5"].label == "F0.5, by patient"
