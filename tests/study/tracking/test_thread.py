"""The thread that follows: outages told once, nothing waited for, nothing lost."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from study.ledger import LedgerAwayError
from study.tracking.database import artifact_root, default_uri, environment, prepare
from study.tracking.thread import Tracker
from tests.ports import free_port
from tests.study import tracked
from tests.study.until import until

Step = Callable[[bool], bool]


class Steps:
    """Stands for a Follower: does what it is told instead of talking to MLflow."""

    def __init__(self, step: Step) -> None:
        self.step = step


@pytest.fixture
def tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Step], tuple[Tracker, list[str]]]:
    def make(step: Step) -> tuple[Tracker, list[str]]:
        said: list[str] = []
        monkeypatch.setattr(Tracker, "_follower", lambda self, stack, models: Steps(step))
        made = Tracker(tmp_path / "ledger.db", "toy", uri="http://me:secret@x", say=said.append, poll=60.0, pause=0.02)
        return made, said

    return make


def test_an_outage_is_told_once_and_its_end_too(tracker: Any) -> None:
    left, worked = [5], threading.Event()

    def step(finishing: bool) -> bool:
        left[0] -= 1
        if left[0] >= 0:
            raise ConnectionError("refused\nand more")
        worked.set()
        return False

    made, said = tracker(step)
    made.start()
    assert worked.wait(5)
    assert made.catch_up(5)
    assert said == [
        "MLflow at http://x takes no results (ConnectionError: refused). The study goes on; they are sent "
        "when it does.",
        "MLflow at http://x takes results again.",
    ]


def test_a_ledger_that_is_away_is_not_mlflows_fault(tracker: Any) -> None:
    left = [3]

    def step(finishing: bool) -> bool:
        left[0] -= 1
        if left[0] >= 0:
            raise LedgerAwayError("ledger.db: database is locked")
        return False

    made, said = tracker(step)
    made.start()
    while left[0] >= 0:
        time.sleep(0.01)
    assert made.catch_up(5)
    assert said == []


def test_pauses_grow(tracker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    made, _ = tracker(lambda finishing: 1 / 0)

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 15:
            made._stop.set()

    monkeypatch.setattr(made._finish, "wait", wait)
    made.start()._thread.join(5)
    assert waits[:4] == [0.02, 0.04, 0.08, 0.16]
    assert waits[-1] == 60.0


def test_one_failure_alone_is_not_worth_a_word(tracker: Any) -> None:
    failures = [OSError("locked")]

    def step(finishing: bool) -> bool:
        if failures:
            raise failures.pop()
        return False

    made, said = tracker(step)
    assert made.start().catch_up(5)
    assert said == []


def test_with_mlflow_away_the_end_is_not_waited_for(tracker: Any) -> None:
    def step(finishing: bool) -> bool:
        raise ConnectionError("refused")

    made, said = tracker(step)
    made.start()
    started = time.monotonic()
    assert not made.catch_up(60)
    assert time.monotonic() - started < 5
    assert said[-1] == (
        "MLflow at http://x lacks the last of the study; the ledger has all. "
        "`segstudy run` with the same file sends the rest."
    )


def test_a_request_that_hangs_does_not_hold_the_study(tracker: Any) -> None:
    hang = threading.Event()
    made, said = tracker(lambda finishing: hang.wait(30))
    made.start()
    started = time.monotonic()
    assert not made.catch_up(0.2)
    assert time.monotonic() - started < 5
    assert "lacks the last" in said[-1]
    hang.set()


@pytest.mark.parametrize(("steps", "all_sent"), [(6, True), (1000, False)])
def test_at_the_end_it_goes_on_as_long_as_it_gets_on_and_not_for_ever(tracker: Any, steps: int, all_sent: bool) -> None:
    """Each step takes half of the time that one may take; six are within ten times that, a thousand are not."""
    left = [steps]

    def step(finishing: bool) -> bool:
        if finishing:
            time.sleep(0.1)
            left[0] -= 1
        return finishing and left[0] > 0

    made, said = tracker(step)
    made.start()
    started = time.monotonic()
    assert made.catch_up(0.2) is all_sent
    assert (0.5 if all_sent else 1.9) < time.monotonic() - started < 10
    assert bool(said) is not all_sent


def test_what_was_recorded_before_the_end_is_looked_at(tracker: Any) -> None:
    ledger, seen, looking, recorded = [1], [], threading.Event(), threading.Event()

    def step(finishing: bool) -> bool:
        there = list(ledger)
        if not looking.is_set():  # between this look and its end, the study records its last segment and asks to finish
            looking.set()
            recorded.wait(5)
        seen[:] = there
        return False

    made, _ = tracker(step)
    made.start()
    assert looking.wait(5)
    ledger.append(2)
    made._finish.set()
    recorded.set()
    assert made.catch_up(5)
    assert seen == [1, 2]


def test_models_are_not_waited_for_where_the_study_was_stopped(tracker: Any) -> None:
    asked: list[bool] = []
    made, _ = tracker(lambda finishing: bool(asked.append(finishing)))
    assert made.start().catch_up(5, models=False)
    assert not any(asked)
    made, _ = tracker(lambda finishing: bool(asked.append(finishing)))
    assert made.start().catch_up(5)
    assert asked[-1]


def test_a_notice_wakes_it(tracker: Any) -> None:
    looks = threading.Semaphore(0)
    made, _ = tracker(lambda finishing: bool(looks.release()))
    made.start()
    for _ in range(3):
        assert looks.acquire(timeout=5)
        made.notify()
    assert made.catch_up(5)


def test_a_study_from_start_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = tmp_path / "ledger.db"
    tracked.create(ledger)
    said: list[str] = []
    made = Tracker(
        ledger,
        tracked.NAME,
        uri=default_uri(tmp_path),
        artifact_root=artifact_root(tmp_path),
        design=tracked.DESIGN,
        say=said.append,
        poll=0.1,
    ).start()
    trials = {str(key) for key in tracked.play(ledger)}
    assert made.catch_up(60)
    shown = tracked.everything(default_uri(tmp_path))["runs"]
    assert trials < set(shown)
    assert {run["status"] for run in shown.values()} == {"FINISHED", "KILLED", "FAILED"}
    assert said == []
    assert capsys.readouterr() == ("", "")


@contextmanager
def server(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """MLflow's own server, in a group of its own."""
    line = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", default_uri(home), "--workers", "1"]
    line += ["--artifacts-destination", artifact_root(home), "--host", "127.0.0.1", "--port", str(port)]
    env = {**environment(), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(line, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1):
                break
            time.sleep(0.1)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_server_that_is_killed_in_the_middle_and_comes_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    homes = {name: tmp_path / name for name in ("disturbed", "undisturbed")}
    for home in homes.values():
        home.mkdir()
        prepare(default_uri(home))
    ledger, port, said = tmp_path / "ledger.db", free_port(), []
    uri = f"http://127.0.0.1:{port}"
    tracked.create(ledger)
    play = tracked.play(ledger)
    options: dict[str, Any] = {"design": tracked.DESIGN, "say": said.append, "poll": 0.05, "pause": 0.2}
    with server(homes["disturbed"], port):
        made = Tracker(ledger, tracked.NAME, uri=uri, **options).start()
        for _ in range(5):
            next(play)
        until(lambda: len(tracked.everything(uri)["runs"]) >= 3)
    for _ in range(5):  # nobody answers
        next(play)
    until(lambda: said)
    assert "takes no results" in said[0]
    with server(homes["disturbed"], port):
        until(lambda: len(said) == 2)
        assert said[1] == f"MLflow at {uri} takes results again."
        for _ in play:
            pass
        assert made.catch_up(60)
        shown = tracked.everything(uri)
        assert tracked.sync(ledger, tracked.NAME, uri=uri, **options)  # again, and nothing changes
        assert tracked.everything(uri) == shown
    assert len(said) == 2
    assert tracked.sync(ledger, tracked.NAME, uri=default_uri(homes["undisturbed"]), **options)
    assert tracked.everything(default_uri(homes["undisturbed"])) == shown
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_driver_that_is_killed_at_any_moment(tmp_path: Path) -> None:
    prepare(default_uri(tmp_path))
    shutil.copy(tmp_path / "mlflow.db", tmp_path / "fresh.db")
    ledger = tmp_path / "ledger.db"
    tracked.create(ledger)
    list(tracked.play(ledger))
    code = (
        "from tests.study import tracked;"
        f"tracked.sync({str(ledger)!r}, 'toy', uri={default_uri(tmp_path)!r}, design=tracked.DESIGN)"
    )
    for number in (1, 4, 9):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        until(lambda number=number: count_runs(tmp_path / "mlflow.db") >= number)  # type: ignore[misc]
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    options: dict[str, Any] = {"design": tracked.DESIGN}
    assert tracked.sync(ledger, tracked.NAME, uri=default_uri(tmp_path), **options)
    shown = tracked.everything(default_uri(tmp_path))
    shutil.move(tmp_path / "fresh.db", tmp_path / "mlflow2.db")
    other = f"sqlite:///{tmp_path}/mlflow2.db"
    assert tracked.sync(ledger, tracked.NAME, uri=other, **options)
    assert tracked.everything(other) == shown


def count_runs(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("select count(*) from runs").fetchone()[0])
