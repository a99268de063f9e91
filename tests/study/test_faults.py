"""Faults inside one machine: full disks, a clock set back, a frozen driver. docs/FAULTS.md lists all with tests."""

import errno
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest
import ray

from study.dispatch import dispatcher
from study.dispatch.bookkeeping import LOSSES
from study.errors import MachineTroubleError
from study.events import Event, SegmentStarted, Step
from study.ledger import Ledger
from study.machines import nodes, storage_trouble
from study.machines.admission import Node
from study.tune.lost_workers import why
from tests.study.dispatch_bench import DispatchBench, undisturbed_digest
from tests.study.numbers_study import digest, numbers_study, run_numbers
from tests.study.tune.test_searcher import random_study
from trainables.failures import fault
from trainables.storage.folder import Storage
from trainables.storage.object_store import StoreAwayError
from trainables.storage.whole_files import DamagedEntryError


class Other:
    """An actor of another program, which holds all cores."""


ROOT = pathlib.Path(__file__).parents[2]
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/trials/x")


class TestDisks:
    def test_a_full_disk_is_said_in_one_line(self) -> None:
        assert storage_trouble.trouble(FULL) == (
            "runs/trials/x: No space left on device. Make room, or mend the disk, and give the same command again"
        )

    def test_as_a_task_of_ray_raises_it(self) -> None:
        from ray.exceptions import RayTaskError

        raised = RayTaskError("prepare", "Traceback", FULL).as_instanceof_cause()
        assert isinstance(raised, OSError)
        assert storage_trouble.trouble(raised) == storage_trouble.trouble(FULL)
        assert storage_trouble.is_blamed(why(raised))

    def test_an_object_store_that_stays_away(self) -> None:
        error = StoreAwayError(errno.EIO, "the object store does not answer as it should (curlCode: 7)", "s3://b/x")
        assert storage_trouble.trouble(error) == (
            "s3://b/x: the object store does not answer as it should (curlCode: 7). Nothing is lost: give the same "
            "command again when it does"
        )
        assert storage_trouble.is_blamed(why(error))
        assert fault(error) == "machine"

    def test_another_error_is_no_disks(self) -> None:
        assert storage_trouble.trouble(FileNotFoundError(errno.ENOENT, "no such file", "x")) is None
        assert storage_trouble.trouble(ValueError("x")) is None
        assert not storage_trouble.is_blamed("its process died (pid 3)")

    @pytest.mark.parametrize(
        "error",
        [
            FULL,
            StoreAwayError(errno.EIO, "away", "s3://b/x"),
            DamagedEntryError("cache/ab: 3 bytes of 9; run it again"),
        ],
    )
    def test_a_trial_that_meets_one_alone_is_not_given_up(self, error: OSError, tmp_path: pathlib.Path) -> None:
        """Three times in a row with nobody else at work: the run ends, the trial stays, nothing counts against it."""
        study = random_study(trials=1)
        with Ledger.open(tmp_path / "ledger.db") as ledger:
            bench = DispatchBench(study, ledger, Storage(tmp_path), nodes=(Node("a", 1),))
            for _ in range(LOSSES - 1):
                bench.next("x")
                bench.dispatcher.lost("x", why(error))
            bench.next("x")
            with pytest.raises(MachineTroubleError, match=r"^3 segments of 1 trial .*same command again$"):
                bench.dispatcher.lost("x", why(error))
            assert {trial.status for trial in ledger.known(bench.id)} == {"open"}
            assert {attempt.result for attempt in ledger.attempts(bench.id)} == {"stopped"}
            bench.reopen()
            bench.next("x")
            bench.dispatcher.lost("x", "its process died")  # afterwards: a first loss
            assert bench.finish() == undisturbed_digest(tmp_path, study)

    def test_a_damaged_entry_read_in_the_middle_is_the_machines_fault(self) -> None:
        assert fault(DamagedEntryError("x")) == fault(FULL) == "machine"


def test_a_clock_set_back_by_a_day_changes_nothing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, true, behind = numbers_study(), time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: true() - behind[0])
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        bench = DispatchBench(study, ledger, Storage(tmp_path))

        def back() -> None:
            behind[0] += 86_400 / 10

        assert bench.finish(each=back) == undisturbed_digest(tmp_path, study)
        bench.reopen()  # a driver that comes a day "earlier"
        assert bench.dispatcher.nothing_left
        status = ledger.status(bench.id)
        assert all(arm.seconds >= 0 for arm in status.arms)


def start(home: pathlib.Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-u", "-m", "tests.study.numbers_study", str(home), "--events", "--lease", "3"]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "NUMBERS_PAUSE": "0.05"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_driver_frozen_by_sigstop_whose_actors_go_on(tmp_path: pathlib.Path) -> None:
    """Another driver takes over study and actors; the frozen one writes nothing after it is resumed."""
    frozen = start(tmp_path)
    assert frozen.stdout is not None
    for line in frozen.stdout:
        if line.startswith("SegmentDone"):
            break
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        second = start(tmp_path)
        said = second.communicate(timeout=240)[0].splitlines()
        assert second.returncode == 0, said[-20:]
        ended = json.loads(said[-1])
        assert ended["complete"]
        assert ended["digest"] == undisturbed_digest(tmp_path)
        with Ledger.open(tmp_path / "ledger.db", read_only=True) as ledger:
            before = ledger.attempts(1)
            assert ("stopped", "its driver ended") in {(attempt.result, attempt.reason) for attempt in before}
    finally:
        os.kill(frozen.pid, signal.SIGCONT)
    last = frozen.communicate(timeout=60)[0].splitlines()
    assert frozen.returncode != 0
    assert any(re.search(r"is no longer this driver's: .* \(fence 3, ours is 1\); nothing was written", line)
               for line in last), last[-20:]  # fmt: skip
    with Ledger.open(tmp_path / "ledger.db", read_only=True) as ledger:
        assert ledger.digest(1) == ended["digest"]
        assert ledger.attempts(1) == before


@pytest.mark.ray
def test_a_ray_that_dies_before_its_workers_began_ends_the_run(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its segments never return and Tune requests no more, so the driver itself must check on Ray."""
    found, others, out, slots = nodes.own_nodes, [], [], 2

    def own_nodes() -> tuple[Node, ...]:
        if len(out) == slots:
            raise MachineTroubleError("Ray died")
        return found()

    def occupy(event: Event) -> None:
        if isinstance(event, SegmentStarted):
            out.append(time.monotonic())
        if isinstance(event, Step) and event.slots is not None:  # before the first segment: no worker can begin
            assert event.slots == slots
            others.append(ray.remote(num_cpus=slots)(Other).remote())
            ray.get(others[-1].__ray_ready__.remote())

    monkeypatch.setattr(nodes, "this_machine", lambda: Node("this machine", slots))
    monkeypatch.setattr(nodes, "own_nodes", own_nodes)
    monkeypatch.setattr(dispatcher, "REFRESH_SECONDS", 0.5)
    ended = run_numbers(tmp_path, on_event=occupy)
    assert (ended.complete, ended.trouble) == (False, "Ray died")
    assert time.monotonic() - out[-1] < 30  # Tune itself asks again after a minute


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("part", ["/gcs/gcs_server", "/raylet/raylet"])
def test_a_part_of_the_embedded_ray_that_is_killed_is_said_at_once_and_nothing_is_lost(
    part: str, tmp_path: pathlib.Path
) -> None:
    line = [sys.executable, "-u", "-m", "tests.study.numbers_study", str(tmp_path / "home"), "--events"]
    said: list[str] = []
    environment = {**os.environ, "NUMBERS_PAUSE": "0.02"}
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment) as driver:
        assert driver.stdout is not None
        for each in driver.stdout:
            said.append(each)
            if each.startswith("SegmentDone") and sum(other.startswith("SegmentDone") for other in said) == 3:
                children = psutil.Process(driver.pid).children(recursive=True)
                (killed,) = (child for child in children if part in " ".join(child.cmdline()))
                killed.kill()
                began = time.monotonic()
            if nodes.DIED in each:
                assert time.monotonic() - began < 5
    assert time.monotonic() - began < 30
    assert any(nodes.DIED in each for each in said), said[-6:]
    assert run_numbers(tmp_path / "home").complete
    assert digest(tmp_path / "home") == undisturbed_digest(tmp_path)
