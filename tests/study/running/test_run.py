"""Whole runs on a real, local Ray with a trainable that only computes numbers."""

import contextlib
import os
import pathlib
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import ray

from study.dispatch.bookkeeping import LOSSES
from study.dispatch.dispatcher import Dispatcher
from study.events import CohortSampled, Event, SegmentDone, SegmentLost, Step, TrialEnded
from study.ledger import FencedOut, Ledger, Owner
from study.machines.ray_session import settings
from study.running.assembly import Pace
from study.study_file import Study
from study.study_file.errors import SpecError
from study.trial_specs import Data
from tests.study.dispatch_bench import undisturbed_digest
from tests.study.numbers import Numbers, NumbersSegmenter
from tests.study.numbers_study import NoData, digest, numbers_study, run_numbers
from trainables.errors import InputError
from trainables.trial import TrialSpec

WORKERS = 3
QUICK = Pace(slice_seconds=0.2, checkpoint_seconds=0.3, lease_seconds=10.0)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """A Ray for all tests here, and the folder in which workers sign in."""
    folder = tmp_path_factory.mktemp("started")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NUMBERS_STARTED", str(folder))
        with settings():
            ray.init(address="local", num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
            yield folder
            ray.shutdown()


def waves_study(cpu: int = 1) -> Study:
    """One arm, three cohorts of as many trials as there are workers, each of which waits for the one before.

    With all of the processors to a trial, one worker does it all; starting a worker is what costs time here.
    """
    budget = {"trials_per_arm": 3 * WORKERS, "cohort": WORKERS, "sampler": "tpe", "final_seeds": 1}
    training = {"learning_rate": {"low": 1e-4, "high": 0.2, "log": True}, "iterations": 8}
    resources = {"cpu": cpu, "gpu": 0}
    return numbers_study(budget=budget, training=training, losses={"dice": None}, resources=resources)


ONE_BY_ONE = waves_study(cpu=WORKERS)


def told(events: list[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.ray
def test_with_a_fresh_tuner_every_few_segments_it_is_the_same(tmp_path: pathlib.Path, started: pathlib.Path) -> None:
    events: list[Event] = []
    orphan = tmp_path / "trials" / "numbers" / "search-a00-r0-f0-n000" / "5-99"

    def hear(event: Event) -> None:
        events.append(event)
        orphan.mkdir(parents=True, exist_ok=True)  # as a worker that was killed leaves one

    ended = run_numbers(tmp_path, on_event=hear, pace=Pace(segments=30))
    assert ended.complete
    assert not orphan.exists()
    assert (ended.finished, ended.halved, ended.failed, ended.lost, ended.open) == (8, 10, 2, 0, 0)
    assert digest(tmp_path) == undisturbed_digest(tmp_path)
    assert len(told(events, SegmentDone)) == 38
    assert not told(events, SegmentLost)
    again = run_numbers(tmp_path)  # nothing is left to do
    assert again.complete
    assert (again.finished, again.seconds < ended.seconds) == (8, True)


@pytest.mark.ray
def test_three_waves_start_no_process_after_the_first(
    tmp_path: pathlib.Path, started: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(os.listdir(started))
    at_wave: list[int] = []

    def count(event: Event) -> None:
        if isinstance(event, CohortSampled):
            at_wave.append(len(set(os.listdir(started)) - before))

    assert run_numbers(tmp_path, waves_study(), trainable=Together, on_event=count).complete
    assert at_wave == [0, WORKERS, WORKERS, WORKERS]  # three cohorts, then the final stage
    assert len(set(os.listdir(started)) - before) == WORKERS


@pytest.mark.ray
def test_tune_that_fails_again_and_again_ends_the_run_in_a_line(tmp_path: pathlib.Path, started: pathlib.Path) -> None:
    class Unsent(NumbersSegmenter):
        """A trainable that Tune cannot send to a worker."""

        lock = threading.Lock()

    ended = run_numbers(tmp_path, trainable=Unsent)
    assert (ended.complete, ended.stopped, ended.open) == (False, False, 8)
    assert ended.trouble is not None
    assert re.fullmatch(r"Ray Tune failed 3 times in a row: \w+: .*_thread\.lock.*", ended.trouble)
    with Ledger.open(tmp_path / "ledger.db", read_only=True) as ledger:
        texts = [notice.text for notice in ledger.notices(ledger.study("numbers").id)]
    assert len([text for text in texts if text.startswith("Ray Tune failed and was started again: ")]) == 2


class Together(NumbersSegmenter):
    """Workers that begin only when all have started; each segment takes long enough for all to have one."""

    def build(self, spec: TrialSpec) -> Numbers:
        folder, deadline = pathlib.Path(os.environ["NUMBERS_STARTED"]), time.monotonic() + 60
        while sum(_lives(int(name)) for name in os.listdir(folder)) < WORKERS and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        return super().build(spec)


def _lives(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "ray::" in pathlib.Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    return False


@pytest.mark.ray
def test_an_idle_worker_that_dies_between_waves_costs_nothing(tmp_path: pathlib.Path, started: pathlib.Path) -> None:
    before = set(os.listdir(started))
    killed: list[int] = []

    def kill_one(event: Event) -> None:
        workers = [int(name) for name in set(os.listdir(started)) - before]
        if isinstance(event, CohortSampled) and workers and not killed:
            for pid in workers[:2]:  # of the three at least one has nothing to do
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    assert run_numbers(tmp_path, waves_study(), trainable=Together, on_event=kill_one).complete
    assert len(killed) == 2
    assert digest(tmp_path) == undisturbed_digest(tmp_path, waves_study())


class FullDisk(NumbersSegmenter):
    """The first time that some trials are trained, the disk is full."""

    def build(self, spec: TrialSpec) -> Numbers:
        mark = pathlib.Path(os.environ["NUMBERS_STARTED"]) / f"../full-{spec.key}"
        if spec.key.endswith(("n000", "n004")) and not mark.exists():
            mark.touch()
            raise OSError(28, "No space left on device")
        return super().build(spec)


@pytest.mark.ray
def test_what_machines_do_is_no_trials_fault(tmp_path: pathlib.Path, started: pathlib.Path) -> None:
    events: list[Event] = []
    ended = run_numbers(tmp_path, ONE_BY_ONE, trainable=FullDisk, on_event=events.append)
    assert ended.complete
    losses = told(events, SegmentLost)
    assert [str(loss.segment.trial) for loss in losses] == [
        "search-a00-r0-f0-n000",
        "search-a00-r0-f0-n004",
        "final-a00-r0-f0-n000",
    ]
    assert {loss.reason for loss in losses} == {"OSError: [Errno 28] No space left on device"}
    assert digest(tmp_path) == undisturbed_digest(tmp_path, ONE_BY_ONE)


class NeverAnyDisk(NumbersSegmenter):
    def build(self, spec: TrialSpec) -> Numbers:
        raise OSError(28, "No space left on device")


@pytest.mark.ray
def test_a_machine_that_fails_everybody_ends_the_run_with_one_line(
    tmp_path: pathlib.Path, started: pathlib.Path
) -> None:
    ended = run_numbers(tmp_path, ONE_BY_ONE, trainable=NeverAnyDisk)
    assert not ended.complete
    assert not ended.stopped
    assert "No space left on device" in (ended.trouble or "")
    assert "\n" not in (ended.trouble or "")
    assert ended.open == WORKERS
    assert run_numbers(tmp_path, ONE_BY_ONE).complete
    assert digest(tmp_path) == undisturbed_digest(tmp_path, ONE_BY_ONE)


class FullCache(NoData):
    def prepare(self, root: pathlib.Path, on_event: Callable[[Event], None], stopping: Callable[[], None]) -> Data:
        def fill() -> None:
            raise OSError(28, "No space left on device", f"{root}/cache/entries")

        ray.get(ray.remote(fill).remote())
        raise AssertionError("Ray passes it on")


@pytest.mark.ray
def test_a_full_disk_under_the_cache_ends_the_run_with_one_line(tmp_path: pathlib.Path, started: pathlib.Path) -> None:
    ended = run_numbers(tmp_path, ONE_BY_ONE, source=FullCache())
    assert ended.trouble is not None
    assert ended.trouble.startswith(f"{tmp_path}/cache/entries: No space left on device. Make room, ")
    assert "\n" not in ended.trouble
    assert (ended.complete, ended.stopped) == (False, False)


@pytest.mark.ray
def test_a_stop_asked_for_elsewhere_is_heard_and_the_study_goes_on_later(
    tmp_path: pathlib.Path, started: pathlib.Path
) -> None:
    events: list[Event] = []
    asked = 0.0

    def ask(event: Event) -> None:
        nonlocal asked
        events.append(event)
        if len(told(events, SegmentDone)) == 5 and not asked:
            asked = time.monotonic()
            with Ledger.open(tmp_path / "ledger.db") as other:
                other.request_stop(other.study("numbers").id)

    ended = run_numbers(tmp_path, ONE_BY_ONE, trainable=Slow, on_event=ask)
    assert time.monotonic() - asked < 30
    assert (ended.stopped, ended.complete, ended.trouble) == (True, False, None)
    assert [event.text for event in told(events, Step)][-1].startswith("stopping")
    with Ledger.open(tmp_path / "ledger.db", read_only=True) as ledger:
        assert {attempt.result for attempt in ledger.attempts(1)} <= {"done", "stopped", "failed"}
    assert run_numbers(tmp_path, ONE_BY_ONE).complete
    assert digest(tmp_path) == undisturbed_digest(tmp_path, ONE_BY_ONE)


class Slow(NumbersSegmenter):
    def build(self, spec: TrialSpec) -> Numbers:
        learner = super().build(spec)
        learner.pause = 0.1
        return learner


@pytest.mark.ray
def test_a_driver_whose_lease_was_taken_stops_at_once(tmp_path: pathlib.Path, started: pathlib.Path) -> None:
    taken: list[tuple[float, str]] = []

    def take(event: Event) -> None:
        if isinstance(event, SegmentDone) and not taken:
            with Ledger.open(tmp_path / "ledger.db") as other:
                study = other.study("numbers").id
                other.acquire(study, Owner("elsewhere", "", 1, ""), now=time.time() + 1000)
                taken.append((time.monotonic(), other.digest(study)))

    with pytest.raises(FencedOut, match="process 1 on elsewhere has it"):
        run_numbers(tmp_path, ONE_BY_ONE, on_event=take)
    assert time.monotonic() - taken[0][0] < 30
    assert digest(tmp_path) == taken[0][1]


@pytest.mark.ray
def test_trouble_while_handing_out_ends_the_run_at_once(
    tmp_path: pathlib.Path, started: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_out, hand_out = [], Dispatcher.hand_out

    def broken(dispatcher: Dispatcher, handle: str) -> Any:
        if handed_out:
            raise RuntimeError("the database is gone")
        handed_out.append(handle)
        return hand_out(dispatcher, handle)

    monkeypatch.setattr(Dispatcher, "hand_out", broken)
    with pytest.raises(RuntimeError, match="the database is gone"):
        run_numbers(tmp_path, ONE_BY_ONE, trainable=Slow)
    with Ledger.open(tmp_path / "ledger.db", read_only=True) as ledger:
        assert [attempt.result for attempt in ledger.attempts(1)] == ["stopped"]


@pytest.mark.ray
def test_a_file_that_adds_goes_on_and_one_that_changes_is_refused(
    tmp_path: pathlib.Path, started: pathlib.Path
) -> None:
    study = ONE_BY_ONE
    assert run_numbers(tmp_path, study).finished == 10
    plain = study.plain()
    more = Study.from_plain({**plain, "budget": {**plain["budget"], "final_seeds": 2}})
    events: list[Event] = []
    assert run_numbers(tmp_path, more, on_event=events.append).finished == 11
    assert [str(event.trial) for event in told(events, TrialEnded)] == ["final-a00-r0-f0-n001"]
    other = Study.from_plain({**plain, "seed": 4})
    with pytest.raises(SpecError, match="seed: 3 in the ledger, 4 in the file"):
        run_numbers(tmp_path, other)
    searching = Study.from_plain({**plain, "budget": {**plain["budget"], "trials_per_arm": 12, "final_seeds": 2}})
    with pytest.raises(SpecError, match="final stage has begun"):
        run_numbers(tmp_path, searching)


class OtherData(NoData):
    def prepare(self, root: pathlib.Path, on_event: Callable[[Event], None], stopping: Callable[[], None]) -> Data:
        data = super().prepare(root, on_event, stopping)
        return Data(data.index, "1" * 64, data.cases)


@pytest.mark.ray
def test_what_is_left_to_the_machines_is_found_once_and_kept(tmp_path: pathlib.Path, started: pathlib.Path) -> None:
    asked = numbers_study(
        budget={"trials_per_arm": 1, "cohort": 1, "sampler": "random", "final_seeds": 1},
        training={"learning_rate": {"low": 1e-4, "high": 0.2, "log": True}, "iterations": 8, "batch_size": "auto"},
        losses={"dice": None},
        resources={"cpu": WORKERS, "gpu": "auto"},
    )
    events: list[Event] = []
    assert run_numbers(tmp_path, asked, on_event=events.append).complete
    said = [step.text for step in told(events, Step)]
    assert "batch size: 32, the same for all arms" in said
    assert "no GPU here: trials run on the CPU" in said
    assert Step("running, 1 at once", 1) in events  # one trial has all processors
    with Ledger.open(tmp_path / "ledger.db", read_only=True) as ledger:
        study = ledger.study("numbers")
        assert study.file["training"]["batch_size"] == 32
        assert {trial.plan.parameters["training.batch_size"] for trial in ledger.known(study.id)} == {32}
    spec = tmp_path / "trials/numbers/search-a00-r0-f0-n000/spec.json"
    assert TrialSpec.from_json(spec.read_text()).batch_size == 32
    before, events = digest(tmp_path), []
    assert run_numbers(tmp_path, asked, on_event=events.append).complete  # goes on with what it found
    assert "batch size: 32, the same for all arms" not in [step.text for step in told(events, Step)]
    assert digest(tmp_path) == before
    with pytest.raises(SpecError, match=r"training.batch_size: 32 in the ledger, 4 in the file"):
        run_numbers(
            tmp_path, Study.from_plain({**asked.plain(), "training": {**asked.plain()["training"], "batch_size": 4}})
        )


@pytest.mark.ray
def test_other_data_under_the_same_name_are_refused(tmp_path: pathlib.Path, started: pathlib.Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        study, data = numbers_study(), NoData().prepare(tmp_path, print, lambda: None)
        ledger.create_study(study.name, study.plain(), study.design(), data.cases, data.digest, {})
    with pytest.raises(InputError, match="begun with other data"):
        run_numbers(tmp_path, source=OtherData())


def test_what_no_machine_holds_is_refused_before_anything_starts(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match=r"a trial needs 999 CPUs .* and this machine has"):
        run_numbers(tmp_path, numbers_study(resources={"cpu": 999, "gpu": 0}))
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        assert not ledger.has_study("numbers")


def test_the_limit_of_losses_is_what_the_documents_say() -> None:
    assert LOSSES == 3
