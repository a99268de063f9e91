"""A small study for the ledger's tests: two arms, four cases, marks 5 and 10."""

import dataclasses
from collections.abc import Iterable

from search_spaces.grammar import Choice, Fixed, Range, Scalar
from study.design import Arm, Design, PlannedTrial, TrialKey
from study.ledger import Lease, Ledger
from study.ledger.rows import Case
from trainables.pictures.kept import Preview, Stack
from trainables.trial import Counts, LesionScores, Outcome, Point, PooledScore, Score

MARKS = (5, 10)
FILE = {"name": "small", "dataset": {"path": "data", "labels": {"tumor": 1}}, "resources": {"cpu": 1}, "report": {}}
CASES = (
    Case("case_1", "ann", ("train",), {"shape": [3, 4]}),
    Case("case_2", "bob", ("validation",), {"shape": [3, 5]}),
    Case("case_3", "cem", ("validation",), {}),
    Case("case_4", "cem", ("test",), {}),
)
VERSIONS = {"torch": "2.13.0"}


def arm(index: int, name: str | None = None) -> Arm:
    space = {"loss.gamma": Range(0.5, 5.0), "model.norm": Choice(("batch", "instance")), "model.width": Fixed(8)}
    default: dict[str, Scalar] = {"loss.gamma": 2.0, "model.norm": "batch", "model.width": 8}
    return Arm(
        index, name or f"unet+loss{index}", "unet" if index == 0 else "vnet", f"loss{index}", "none", space, default
    )


DESIGN = Design(seed=1, arms=(arm(0), arm(1)), marks=MARKS)


def key(number: int, arm: int = 0, stage: str = "search") -> TrialKey:
    return TrialKey("search" if stage == "search" else "final", arm, 0, 0, number)


def plan(trial: TrialKey, **parameters: Scalar) -> PlannedTrial:
    source = key(0, trial.arm) if trial.stage == "final" else None
    return PlannedTrial(trial, trial.number // 2, 2**62 + trial.number, parameters or {"loss.gamma": 0.1}, source)


def outcome(mark: int, trial: TrialKey, **changes: object) -> Outcome:
    """Returns the outcome of a trial's segment up to the mark, with numbers that identify trial and mark."""
    scored = ("case_2", "case_3") if trial.stage == "search" else ("case_4",)
    base = mark / 100 + trial.number / 1000 + trial.arm / 10_000
    whole = Outcome(
        iteration=mark,
        scores=tuple(
            Score(case, "tumor", metric, base + i / 7) for case in scored for i, metric in enumerate(("dice", "hd95"))
        ),
        counts=tuple(Counts(case, "tumor", mark, i, trial.number, 50) for i, case in enumerate(scored)),
        pooled=(PooledScore("tumor", "average_precision", base),),
        lesions=tuple(LesionScores(case, "tumor", 3, 2, 1, b"records") for case in scored),
        curve=tuple(Point(mark - back, "loss", base + back) for back in (1, 0)),
        checkpoint=f"{trial}/{mark}",
        weights=f"weights of {trial} at {mark}",
        seconds=2.0,
        evaluate_seconds=0.5,
        trained=5,
        host="here",
    )
    if mark == MARKS[-1] and trial.stage == "final":
        stack = Stack((1, 3), (1, 2), b"abcd", b"\0\1\0\0", b"\1\1\0\1")
        whole = dataclasses.replace(whole, previews=(Preview("case_4", 1, (1, 2), b"ab", b"\0\1", b"\1\1", stack),))
    return dataclasses.replace(whole, **changes)  # type: ignore[arg-type]


def objective(mark: int, trial: TrialKey) -> float:
    return mark / 100 + trial.number / 1000


def complete(ledger: Ledger, lease: Lease, trials: Iterable[tuple[TrialKey, int]]) -> None:
    for trial, mark in trials:
        done = ledger.complete_segment(lease, trial, mark, outcome(mark, trial), objective(mark, trial))
        assert done.result == "recorded"


def begin(ledger: Ledger, name: str = "small", now: float = 100.0) -> Lease:
    """Records the study; returns its lease."""
    study_id = ledger.create_study(name, {**FILE, "name": name}, DESIGN, CASES, "d" * 64, VERSIONS, now=now)
    return ledger.acquire(study_id, seconds=1e9, now=now)


TRIALS = (key(0), key(1), key(0, 1), key(0, stage="final"))


def fill(ledger: Ledger, name: str = "small", trials: tuple[TrialKey, ...] = TRIALS) -> Lease:
    """Fills a study with trials of several kinds: a halved one, a failed one, finished ones."""
    lease = begin(ledger, name)
    for trial in trials:
        ledger.insert_trials(lease, [plan(trial)], "tpe, optuna 5.0.0", now=101.0)
    complete(ledger, lease, [(trial, 5) for trial in trials if trial != key(0, 1)])
    ledger.halve(lease, [key(1)], now=102.0)
    failed = Outcome(iteration=3, curve=(Point(2, "loss", 9.0),), failed="non-finite loss at iteration 3")
    ledger.complete_segment(lease, key(0, 1), 5, failed, None, now=103.0)
    complete(ledger, lease, [(trial, 10) for trial in trials if trial in (key(0), key(0, stage="final"))])
    return lease
