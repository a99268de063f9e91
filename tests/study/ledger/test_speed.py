"""Processor time that a study of 10,000 trials spends in the ledger; machines are shared, so wall time is not used."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import insert, select

from study.design import TrialKey
from study.ledger import Lease, Ledger
from study.ledger.database import schema
from study.ledger.rows import Case
from tests.study import small
from tests.study.databases import schema_of_its_own
from trainables.trial import Outcome, Score

TRIALS, MARKS = 10_000, (5, 10, 15)
CASES = [Case(f"case_{i:04d}", f"group_{i}", ("test",)) for i in range(400)]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, Lease]]:
    if request.param == "sqlite":
        address = str(tmp_path_factory.mktemp("large") / "ledger.db")
    else:
        address = schema_of_its_own(request.getfixturevalue("postgres"))
    design = dataclasses.replace(small.DESIGN, marks=MARKS)
    with Ledger.open(address) as ledger:
        study_id = ledger.create_study("large", small.FILE, design, CASES, "d", {})
        lease = ledger.acquire(study_id, seconds=1e6)
        parameters = {"training.learning_rate": 1e-5 / 3, "loss.gamma": 2.5, "model.norm": "batch"}
        plans = [small.plan(TrialKey("final", i % 2, 0, 0, i), **parameters) for i in range(TRIALS)]
        ledger.insert_trials(lease, plans, "tpe, optuna 5.0.0")
        _reach_marks(ledger, study_id)
        yield ledger, lease


def _reach_marks(ledger: Ledger, study_id: int) -> None:
    rest = {"weights": "w" * 64, "revision": 1, "attempts": 1, "seconds": 1.0, "evaluate_seconds": 1.0, "trained": 5,
            "host": "h", "device": "cpu", "peak_bytes": 0, "ended": 1.0}  # fmt: skip

    def work(connection: Any) -> None:
        ids = connection.scalars(select(schema.trials.c.id).where(schema.trials.c.study_id == study_id))
        rows = [{"trial_id": id_, "iteration": mark, "objective": id_ / 7, **rest} for id_ in ids for mark in MARKS]
        connection.execute(insert(schema.segments), rows)

    ledger.write(work)


def seconds(work: Callable[[], Any]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def test_what_the_planner_needs(large: tuple[Ledger, Lease]) -> None:
    ledger, lease = large
    assert sum(len(trial.values) for trial in ledger.known(lease.study_id)) == TRIALS * len(MARKS)
    assert min(seconds(lambda: ledger.known(lease.study_id)) for _ in range(3)) < 1.0


def test_what_the_live_table_needs(large: tuple[Ledger, Lease]) -> None:
    ledger, lease = large
    assert min(seconds(lambda: ledger.status(lease.study_id)) for _ in range(3)) < 0.5


def test_opening(large: tuple[Ledger, Lease]) -> None:
    ledger, _ = large
    where = ledger.label if ledger.label.endswith(".db") else None
    if where is not None:
        assert min(seconds(lambda: Ledger.open(where).close()) for _ in range(3)) < 0.05


def test_twenty_thousand_scores_a_second(large: tuple[Ledger, Lease]) -> None:
    ledger, lease = large
    keys = (TrialKey("final", 0, 1, 0, number) for number in range(3))
    spent = []
    for trial in keys:
        ledger.insert_trials(lease, [small.plan(trial)], "random")
        scores = tuple(
            Score(case.name, region, metric, i / 7)
            for i, case in enumerate(CASES)
            for region in ("kidney", "tumor", "kidney+tumor", "cyst", "vein")
            for metric in ("dice", "precision", "recall", "hd95", "surface", "f2", "auc", "ap", "iou", "volume")
        )
        assert len(scores) == 20_000
        outcome = Outcome(iteration=5, scores=scores, weights="w")
        spent.append(
            seconds(lambda trial=trial, outcome=outcome: ledger.complete_segment(lease, trial, 5, outcome, 0.5))
        )
    assert min(spent) < 1.0
    found: list[Any] = []
    assert seconds(lambda: found.append(ledger.scores(lease.study_id))) < 1.0
    assert len(found[0]) == 60_000
