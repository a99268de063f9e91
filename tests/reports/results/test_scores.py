"""METHOD.md §4's table, from ledger rows to values."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from reports.results.metric_facts import METRICS
from reports.results.protocol import Protocol
from reports.results.scores import CLEAN_NEGATIVE, FALSE_POSITIVE, MISS, NON_FINITE, FinalScores, diverged, final_scores
from search_spaces.metrics import LESIONS, better
from study.design import Status, TrialKey
from study.ledger.rows import Case, Scores, TrialRow
from tests.reports.ledgers import DIVERGED, MEMORY
from trainables.metrics import METRICS as COMPUTED
from trainables.metrics import metric_named
from trainables.training.curve import Curve
from trainables.training.learner import Diverged

PROTOCOL = Protocol(
    regions=("organ", "lesion"),
    metrics=("dice", "hd95"),
    metric="dice",
    region="mean",
    baseline="a",
    marks=(100, 200),
    sampler="random",
    trials_per_arm=4,
    searches=1,
    seeds=2,
    folds=1,
    search_in="first_fold",
    test_apart=True,
    by_patient=True,
    dependent=False,
)
FACTS = {"shape": [10, 30, 40], "spacing": [2.0, 1.0, 1.0]}
CASES = (
    Case("c1", "p1", ("test",), FACTS),
    Case("c2", "p1", ("test",), FACTS),
    Case("t", "p9", ("train",), FACTS),
)
DIAGONAL = math.hypot(20, 30, 40)


def trial(seed: int, status: Status = "finished", reason: str | None = None, fold: int = 0) -> TrialRow:
    key = TrialKey("final", 0, 0, fold, seed)
    return TrialRow(key, "a", 0, 1, {}, None, status, reason, "random", 0.0, 1.0)


Line = tuple[int, int, str, str, str, float | None, str | None]
"""(seed, mark, region, metric, case, value, note)."""


def scores(lines: Sequence[Line], cases: Sequence[Case] = CASES) -> Scores:
    """As the ledger hands them out: every word by its position."""
    keys = sorted({TrialKey("final", 0, 0, 0, line[0]) for line in lines})

    def words(column: int) -> list[str]:
        return sorted({str(line[column]) for line in lines if line[column] is not None})

    def codes(column: int, known: Sequence[Any]) -> Any:
        return np.array([-1 if line[column] is None else known.index(line[column]) for line in lines], np.int32)

    return Scores(
        trials=tuple(keys),
        cases=tuple(cases),
        regions=tuple(words(2)),
        metrics=tuple(words(3)),
        notes=tuple(words(6)),
        trial=np.array([keys.index(TrialKey("final", 0, 0, 0, line[0])) for line in lines], np.int32),
        iteration=np.array([line[1] for line in lines], np.int32),
        region=codes(2, words(2)),
        metric=codes(3, words(3)),
        case=np.array([[case.name for case in cases].index(line[4]) for line in lines], np.int32),
        value=np.array([np.nan if line[5] is None else line[5] for line in lines], np.float64),
        note=codes(6, words(6)),
    )


def whole(seed: int, marks: Sequence[int] = (100, 200)) -> list[Line]:
    """A training that scored everything; c2 has no lesion, and a false positive there."""
    lines: list[Line] = []
    for mark in marks:
        for case in ("c1", "c2"):
            lines += [(seed, mark, "organ", "dice", case, 0.8, None), (seed, mark, "organ", "hd95", case, 3.0, None)]
        lines += [
            (seed, mark, "lesion", "dice", "c1", 0.0, "miss"),
            (seed, mark, "lesion", "hd95", "c1", DIAGONAL, "miss"),
        ]
        lines += [(seed, mark, "lesion", name, "c2", None, "false positive") for name in ("dice", "hd95")]
    return lines


def laid_out(trials: Sequence[TrialRow], lines: Sequence[Line], cases: Sequence[Case] = CASES) -> FinalScores:
    return final_scores(PROTOCOL, ["a"], trials, cases, scores(lines, cases))


def test_rows_find_their_places() -> None:
    found = laid_out([trial(0), trial(1)], [*whole(0), *whole(1)])
    assert [case.name for case in found.cases] == ["c1", "c2"]
    assert found.of("a", 200, "organ", "dice") == pytest.approx(np.full((1, 1, 2, 2), 0.8))
    lesion = found.of("a", 200, "lesion", "hd95")[0, 0, 0]
    assert lesion[0] == DIAGONAL
    assert np.isnan(lesion[1])
    values, notes = found.at_the_end((0, 0, 0, 0))
    assert values.shape == (2, 2, 2)
    assert notes.tolist() == [[0, 0], [MISS, FALSE_POSITIVE]]
    assert found.patients == 1


def test_mean_is_by_case_over_the_regions_that_it_has() -> None:
    found = laid_out([trial(0), trial(1)], [*whole(0), *whole(1)])
    assert found.of("a", 200, "mean", "dice")[0, 0, 0] == pytest.approx([0.4, 0.8])


def test_a_diverged_training_counts_as_worst_where_the_reference_is_not_empty() -> None:
    # Seed 1 has its first mark and diverged after it.
    found = laid_out([trial(0), trial(1, "failed", DIVERGED)], [*whole(0), *whole(1, [100])])
    assert found.ends[0, 0, 0, 1] == "diverged"
    assert found.of("a", 100, "organ", "dice")[0, 0, 1].tolist() == [0.8, 0.8]
    assert found.of("a", 200, "organ", "dice")[0, 0, 1].tolist() == [0, 0]
    assert found.of("a", 200, "organ", "hd95")[0, 0, 1] == pytest.approx([DIAGONAL, DIAGONAL])
    lesion = found.of("a", 200, "lesion", "dice")[0, 0, 1]
    assert lesion[0] == 0
    assert np.isnan(lesion[1])  # seed 0 saw that the reference is empty


def test_an_empty_reference_is_known_from_the_ceilings_where_nobody_scored() -> None:
    without = [
        dataclasses.replace(case, facts={**FACTS, "ceilings": {"organ": 0.99, "lesion": None}}) for case in CASES
    ]
    found = laid_out([trial(0, "failed", DIVERGED)], [], without)
    assert found.of("a", 200, "organ", "dice")[0, 0, 0].tolist() == [0, 0]
    assert np.isnan(found.of("a", 200, "lesion", "dice")[0, 0, 0]).all()


@pytest.mark.parametrize(("status", "reason"), [("failed", MEMORY), ("failed", "ValueError: no"), ("lost", "gone")])
def test_what_memory_or_machines_took_is_missing(status: Status, reason: str) -> None:
    found = laid_out([trial(0), trial(1, status, reason)], whole(0))
    assert found.ends[0, 0, 0, 1] == "missing"
    assert np.isnan(found.of("a", 200, "organ", "dice")[0, 0, 1]).all()


def test_what_is_not_done_is_owed() -> None:
    found = laid_out([trial(0, "open")], whole(0, [100]))
    assert found.ends == {(0, 0, 0, 0): "owed", (0, 0, 0, 1): "owed"}
    assert found.of("a", 100, "organ", "dice")[0, 0, 0].tolist() == [0.8, 0.8]


def test_a_case_counts_in_the_folds_that_test_it() -> None:
    folds = dataclasses.replace(PROTOCOL, folds=2, seeds=1)
    cases = (Case("c1", "p1", ("test", "train"), FACTS), Case("c2", "p2", ("train", "test"), FACTS))
    rows = [trial(0, "failed", DIVERGED, fold) for fold in (0, 1)]
    found = final_scores(folds, ["a"], rows, cases, scores([], cases))
    assert np.isnan(found.of("a", 200, "organ", "dice")[0, :, 0]).tolist() == [[False, True], [True, False]]


def test_scores_of_other_metrics_and_regions_are_passed_over() -> None:
    lines = [*whole(0), (0, 200, "vessel", "dice", "c1", 0.1, None), (0, 200, "organ", "iou", "c1", 0.1, None)]
    assert laid_out([trial(0)], lines).of("a", 200, "organ", "dice")[0, 0, 0].tolist() == [0.8, 0.8]


def test_notes_are_the_ones_that_scoring_writes() -> None:
    from reports.results.scores import NOTES
    from trainables.metrics.empty import NOTES as THEIRS

    assert NOTES == {"miss": MISS, "false positive": FALSE_POSITIVE, "clean negative": CLEAN_NEGATIVE}
    assert set(NOTES) == set(THEIRS.values())


def test_divergence_is_told_from_other_failures_by_how_trainings_say_it() -> None:
    with pytest.raises(Diverged) as raised:
        Curve(10, (), torch.device("cpu")).add(torch.tensor(math.nan), 1)
    assert str(raised.value).startswith(NON_FINITE)
    assert diverged(trial(0, "failed", str(raised.value)))
    assert not diverged(trial(0, "failed", MEMORY))
    assert not diverged(trial(0, "lost", f"{NON_FINITE} loss"))


def test_every_metric_that_is_computed_can_be_reported() -> None:
    kinds: Mapping[str, tuple[str, ...]] = {
        "share": ("overlap", "ranking", "lesions", "voxels"), "distance": ("distance",), "volume": ("volume",),
        "bias": ("bias",), "count": ("count",), "calibration": ("calibration",),
    }  # fmt: skip
    for name in (*COMPUTED, "f2", "surface_dice_1.5"):
        assert metric_named(name).kind in kinds[METRICS[name].kind]
        assert METRICS[name].better == better(name)
    assert set(METRICS) == {*COMPUTED, *LESIONS}
    with pytest.raises(KeyError):
        METRICS["f2.0"]


def test_a_diverged_training_counts_everywhere_where_empty_is_one() -> None:
    lines = [*whole(0), (0, 200, "lesion", "dice", "c2", 1.0, "clean negative")]
    rows = [trial(0), trial(1, "failed", DIVERGED)]
    for empty, expected in (("missing", [0.0, math.nan]), ("one", [0.0, 0.0])):
        how = dataclasses.replace(PROTOCOL, empty=empty)
        found = final_scores(how, ["a"], rows, CASES, scores(lines)).of("a", 200, "lesion", "dice")[0, 0, 1]
        assert np.array_equal(found, expected, equal_nan=True)


def test_a_diverged_training_misses_the_whole_volume() -> None:
    facts = {**FACTS, "voxels": {"organ": 400, "lesion": 50}}
    cases = (Case("c1", "p1", ("test",), facts), Case("c2", "p2", ("test",), {**facts, "spacing": None}))
    metrics = ("dice", "volume_error", "volume_bias", "lesion_false_positives", "pooled_dice")
    labels = {"organ": ("organ", "lesion"), "lesion": ("lesion",)}
    how = dataclasses.replace(PROTOCOL, metrics=metrics, labels=labels, seeds=1)
    found = final_scores(how, ["a"], [trial(0, "failed", DIVERGED)], cases, scores([], cases))
    assert found.of("a", 200, "organ", "volume_error")[0, 0, 0].tolist() == [450 * 2 / 1000, 450]
    assert found.of("a", 200, "lesion", "volume_bias")[0, 0, 0].tolist() == [-1, -1]
    for name in ("lesion_false_positives", "pooled_dice"):
        assert np.isnan(found.of("a", 200, "organ", name)).all()


def test_headings_say_unit_and_direction() -> None:
    assert METRICS["hd95"].heading(pixels=False) == "HD95 (mm) ↓"
    assert METRICS["surface_dice_1.5"].heading(pixels=True) == "Surface Dice 1.5 px ↑"
    assert METRICS["volume_error"].heading(pixels=False) == "Volume error (mL) ↓"
    assert METRICS["volume_bias"].heading(pixels=False) == "Volume bias →0"
    assert METRICS["f0.5"].heading(pixels=False) == "F0.5 ↑"


def test_the_best_bias_is_nearest_to_0() -> None:
    assert METRICS["volume_bias"].best([0.3, -0.1, 0.2]) == -0.1
    assert METRICS["hd95"].best([3.0, 1.0, 2.0]) == 1.0
