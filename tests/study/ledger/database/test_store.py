"""Killed drivers, locked databases, readers beside the writer."""

import collections
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from study.ledger import Ledger, LedgerAwayError, Patience
from study.ledger.database import schema, sqlite_file
from tests.study import small
from tests.study.small import key

COHORT, SCORES, POINTS = 4, 30, 10

DRIVER = f"""
import sys
from study.design import Design
from study.ledger import Ledger
from study.ledger.rows import Case
from tests.study import small
from tests.study.small import key
from trainables.trial import Outcome, Point, Score

ledger = Ledger.open(sys.argv[1])
if not ledger.has_study("small"):
    cases = [Case(f"case_{{i}}", "g", ("validation",)) for i in range({SCORES})]
    ledger.create_study("small", small.FILE, small.DESIGN, cases, "d", {{}})
study_id = ledger.study("small").id
lease = ledger.acquire(study_id, seconds=1e9)  # it would last for ever, was its owner not seen to be dead
print("at work", flush=True)
while True:
    known = {{trial.plan.key: trial for trial in ledger.known(study_id)}}
    under_way = [trial for trial in known.values() if trial.status == "open"]
    if not under_way:
        plans = [small.plan(key(len(known) + i)) for i in range({COHORT})]
        ledger.insert_trials(lease, plans, "random", halved=[])
        continue
    for trial in under_way:
        name = trial.plan.key
        mark = 10 if 5 in trial.values else 5
        attempt = ledger.start_attempt(lease, name, mark, mark - 5)
        for iteration in (mark - 2, mark - 1):
            ledger.record_checkpoint(lease, name, iteration, f"{{name}}/{{iteration}}")
        ledger.complete_segment(lease, name, mark, Outcome(
            iteration=mark, weights=f"{{name}} {{mark}}", checkpoint=f"{{name}}/{{mark}}",
            scores=tuple(Score(f"case_{{i}}", "tumor", "dice", i / 7) for i in range({SCORES})),
            curve=tuple(Point(mark - 4 + i % 5, f"loss{{i // 5}}", i / 3) for i in range({POINTS})),
        ), 0.5, attempt)
"""


@pytest.mark.parametrize("seed", [0])
def test_a_driver_killed_at_any_moment_leaves_whole_steps(where: str, seed: int) -> None:
    moments = random.Random(seed)
    for _ in range(4):
        driver = subprocess.Popen([sys.executable, "-c", DRIVER, where], stdout=subprocess.PIPE, encoding="utf-8")
        assert driver.stdout is not None
        assert driver.stdout.readline() == "at work\n"
        time.sleep(moments.uniform(0.0, 0.4))
        driver.kill()
        driver.communicate()
        with Ledger.open(where) as ledger:
            check_whole(ledger, ledger.study("small").id)


def check_whole(ledger: Ledger, study_id: int) -> None:
    known = ledger.known(study_id)
    assert len(known) % COHORT == 0
    for trial in known:
        reached = sorted(trial.values)
        assert reached in ([], [5], [5, 10])
        assert trial.status == ("finished" if reached == [5, 10] else "open")
    marks = {(trial.plan.key, mark) for trial in known for mark in trial.values}
    scores = collections.Counter((row.trial, row.iteration) for row in ledger.scores(study_id, stage=None).rows())
    assert scores == dict.fromkeys(marks, SCORES)
    points = collections.Counter(
        (curve.trial, 5 if iteration <= 5 else 10)
        for curve in ledger.curves(study_id)
        for iteration in curve.iterations.tolist()
    )
    assert points == dict.fromkeys(marks, POINTS)
    for trial in known:
        point, reached = ledger.resume_point(study_id, trial.plan.key), max(trial.values, default=0)
        assert (reached, "") == (0, "") if point is None else point[0] >= reached


class TestReaders:
    """A reader sees one state of the ledger, and the writer does not wait for it."""

    def test_a_reader_that_takes_its_time(self, where: str) -> None:
        with Ledger.open(where) as ledger, Ledger.open(where, read_only=True) as reader:
            lease = small.begin(ledger)
            count = select(func.count()).select_from(schema.trials)
            with reader.reading() as connection:
                assert connection.scalar(count) == 0
                begun = time.monotonic()
                for number in range(3):
                    ledger.insert_trials(lease, [small.plan(key(number))], "random")
                assert time.monotonic() - begun < 10.0  # a lock would be waited for 30 s
                assert connection.scalar(count) == 0
            with reader.reading() as connection:
                assert connection.scalar(count) == 3

    def test_readers_in_threads_beside_the_writer(self, where: str) -> None:
        over, errors = threading.Event(), []

        def read() -> None:
            try:
                with Ledger.open(where, read_only=True) as reader:
                    while not over.is_set():
                        study_id = reader.study("small").id
                        status = reader.status(study_id)
                        counted = sum(sum(arm.counts.values()) for arm in status.arms)
                        assert counted <= len(reader.known(study_id))
            except Exception as error:
                errors.append(error)

        with Ledger.open(where) as ledger:
            lease = small.begin(ledger)
            threads = [threading.Thread(target=read) for _ in range(2)]
            for thread in threads:
                thread.start()
            for number in range(20):
                ledger.insert_trials(lease, [small.plan(key(number))], "random")
                small.complete(ledger, lease, [(key(number), 5)])
            over.set()
            for thread in threads:
                thread.join(20)
        assert errors == []


class TestRetries:
    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite_file, "PATIENCE", 0.01)

    def test_a_locked_file_is_tried_again(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.db"
        with Ledger.open(path) as ledger:
            lease = small.begin(ledger)
            other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            other.execute("BEGIN IMMEDIATE")
            timer = threading.Timer(0.2, lambda: other.execute("COMMIT"))
            timer.start()
            ledger.insert_trials(lease, [small.plan(key(0))], "random")
            timer.join()
            other.close()
            assert len(ledger.known(lease.study_id)) == 1

    def test_a_file_locked_for_good_is_said_in_one_line_and_waited_for_once(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.db"
        with Ledger.open(path) as ledger:
            lease = small.begin(ledger)
            ledger.patience = Patience(seconds=0.2)
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerAwayError) as caught:
                ledger.insert_trials(lease, [small.plan(key(0))], "random")
            assert str(caught.value) == (
                f"{path}: database is locked. Nothing is lost: give the same command again when that is mended."
            )
            begun = time.monotonic()
            with pytest.raises(LedgerAwayError):
                ledger.insert_trials(lease, [small.plan(key(0))], "random")
            assert time.monotonic() - begun < 0.15, "who gave up once waits no more"
            other.close()

    def test_of_two_that_wait_for_each_other_one_begins_again(self, database: str) -> None:
        tries: collections.Counter[str] = collections.Counter()
        both = threading.Barrier(2, timeout=20)
        with Ledger.open(database) as ledger:
            first, second = (small.begin(ledger, name).study_id for name in ("one", "two"))

            def work(name: str, order: tuple[int, int]) -> Callable[[Connection], None]:
                def locked(connection: Connection) -> None:
                    tries[name] += 1
                    for number, study_id in enumerate(order):
                        row = schema.studies
                        ours = row.c.id == study_id
                        connection.execute(update(row).where(ours).values(report_reads=row.c.report_reads + 1))
                        if number == 0 and tries[name] == 1:
                            both.wait()

                return locked

            threads = [
                threading.Thread(target=ledger.write, args=(work(name, order),))
                for name, order in (("a", (first, second)), ("b", (second, first)))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            assert sorted(tries.values()) == [1, 2]
            assert [study.report_reads for study in ledger.studies()] == [2, 2]

    def test_a_writer_that_reads_first_waits_its_turn(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite_file, "PATIENCE", 30.0)
        tries: list[int] = []
        with Ledger.open(tmp_path / "ledger.db") as ledger:
            study_id = small.begin(ledger).study_id

            def count(connection: Connection) -> None:
                tries.append(1)
                read = connection.scalar(select(schema.studies.c.report_reads))
                time.sleep(0.05)
                ours = schema.studies.c.id == study_id
                connection.execute(update(schema.studies).where(ours).values(report_reads=read + 1))

            threads = [threading.Thread(target=ledger.write, args=(count,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            assert ledger.study("small").report_reads == 4
        assert len(tries) == 4

    def test_another_error_is_not_repeated(self, where: str) -> None:
        tries: list[int] = []

        def work(connection: Connection) -> Any:
            tries.append(1)
            return connection.exec_driver_sql("SELECT nothing")

        with Ledger.open(where) as ledger, pytest.raises(Exception, match="nothing"):
            ledger.write(work)
        assert tries == [1]
