"""A segment run in slices, interrupted and resumed has always the same outcome."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from tests.study.numbers import Numbers, spec
from trainables.evaluation.evaluated import Evaluation
from trainables.failures import fault, reason
from trainables.lesion_records import Lesions
from trainables.metrics.components import lesion_records
from trainables.metrics.histogram import Histogram
from trainables.segment import Assignment, Report, SegmentWork, driver_file
from trainables.storage.folder import Storage
from trainables.training.learner import Diverged
from trainables.trial import Counts, Outcome, Point, TrialSpec

FOLDER = "trials/s/search-a00-r0-f0-n000"
torch.set_num_threads(1)


@pytest.fixture
def storage(tmp_path: pathlib.Path) -> Storage:
    storage = Storage(tmp_path)
    storage.write("trials/s/driver.json", driver_file(7))
    return storage


def assignment(storage: Storage, **changes: Any) -> Assignment:
    values: dict[str, Any] = {
        "storage": storage.root,
        "folder": FOLDER,
        "start": 0,
        "stop": 10,
        "resume": None,
        "attempt": 1,
        "driver": "trials/s/driver.json",
        "fence": 7,
    }
    return Assignment(**{**values, **changes})


def run(
    storage: Storage, build: Callable[[TrialSpec], Any] = Numbers, stop_after: int = 99, **changes: Any
) -> list[Report]:
    work = SegmentWork(assignment(storage, **changes), build)
    reports: list[Report] = []
    while len(reports) < stop_after and not (reports and reports[-1].done):
        reports.append(work.step())
    work.close()
    return reports


def outcome(reports: list[Report]) -> Outcome:
    assert reports[-1].outcome is not None
    return Outcome.from_json(reports[-1].outcome)


def comparable(found: Outcome) -> Outcome:
    """Removes the fields that depend on the clock or the attempt."""
    return dataclasses.replace(found, checkpoint=None, seconds=0, evaluate_seconds=0, trained=0)


@pytest.fixture
def first(storage: Storage) -> Outcome:
    storage.write(f"{FOLDER}/spec.json", spec().to_json().encode())
    return outcome(run(storage))


def test_a_segment_in_one_slice(storage: Storage, first: Outcome) -> None:
    assert first.iteration == first.trained == 10
    assert [point.iteration for point in first.curve] == [4, 8]
    assert [score.case for score in first.scores] == ["v1", "v2", "v3"]
    assert first.checkpoint == f"{FOLDER}/10-1"
    assert storage.names(first.checkpoint) == ["manifest.json", "state.pt"]
    assert first.previews == ()  # not the last mark


def test_cut_into_slices_it_is_the_same(storage: Storage, first: Outcome) -> None:
    reports = run(storage, attempt=2, slice_seconds=0.0)
    assert [report.progress for report in reports] == [*range(1, 11), 10, 10]  # ten iterations, then case by case
    assert reports[9].checkpoint == f"{FOLDER}/10-2"  # before the evaluation is over
    assert reports[-1].checkpoint is None  # told already
    assert reports[-1].loss == first.curve[-1].value
    assert comparable(outcome(reports)) == comparable(first)


@pytest.mark.parametrize("killed_after", range(1, 12))
def test_killed_and_resumed_anywhere_it_is_the_same(storage: Storage, first: Outcome, killed_after: int) -> None:
    reports = run(storage, attempt=2, slice_seconds=0.0, checkpoint_seconds=0.0, stop_after=killed_after)
    newest = [report for report in reports if report.checkpoint][-1]
    assert newest.checkpoint_iteration == min(killed_after, 10)
    resumed = outcome(run(storage, attempt=3, resume=newest.checkpoint, slice_seconds=0.0))
    assert comparable(resumed) == comparable(first)
    assert resumed.trained == 10 - min(killed_after, 10)
    assert resumed.checkpoint == (newest.checkpoint if killed_after >= 10 else f"{FOLDER}/10-3")


def test_the_next_segment_tells_its_own_curve_only(storage: Storage, first: Outcome) -> None:
    second = outcome(run(storage, start=10, stop=30, resume=first.checkpoint, attempt=2))
    assert [point.iteration for point in second.curve] == [12, 16, 20, 24, 28]
    assert second.trained == 20
    from_nothing = outcome(run(storage, start=10, stop=30, resume=None, attempt=3))  # its checkpoint was lost
    assert comparable(from_nothing) == comparable(second)
    assert from_nothing.trained == 30


def test_previews_at_the_last_mark_only(storage: Storage) -> None:
    storage.write(f"{FOLDER}/spec.json", spec(previews=("v2",)).to_json().encode())
    early = outcome(run(storage))
    assert early.previews == ()
    late = outcome(run(storage, start=10, stop=30, resume=early.checkpoint, attempt=2))
    assert [preview.case for preview in late.previews] == ["v2"]


def test_divergence_is_an_outcome_with_one_line(storage: Storage) -> None:
    storage.write(f"{FOLDER}/spec.json", spec(learning_rate=0.5).to_json().encode())
    reports = run(storage)
    assert reports[-1].done
    found = outcome(reports)
    assert found.failed == "non-finite loss at iteration 7"
    assert found.checkpoint is None
    assert found.curve == ()
    assert b"Diverged" in storage.read(f"{FOLDER}/error.txt")
    assert comparable(outcome(run(storage, attempt=2, slice_seconds=0.0))) == comparable(found)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Diverged("non-finite loss at iteration 9"), "trial"),
        (ValueError("shapes disagree"), "trial"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "trial"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), "device"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "device"),
        (OSError(28, "No space left on device"), "machine"),
        (FileNotFoundError(2, "No such file"), "machine"),
        (MemoryError(), "host"),
        (OSError(12, "Cannot allocate memory"), "host"),
        (RuntimeError("unable to open shared memory object </torch_1> in read-write mode"), "machine"),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), "machine"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"), "host"),
        (KeyboardInterrupt(), "machine"),
    ],
)
def test_whose_fault(error: BaseException, expected: str) -> None:
    assert fault(error) == expected


def test_a_reason_is_one_line_and_says_nothing_that_changes() -> None:
    sizes = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 1.1 GiB free")
    assert "GiB" not in reason(sizes)
    assert reason(ValueError("one\ntwo")) == "ValueError: one"
    assert reason(KeyError()) == "KeyError"


class Failing(Numbers):
    error: Exception = OSError(5, "Input/output error")

    def evaluate(self, *_: Any, **__: Any) -> Any:
        raise self.error


def test_the_machines_errors_are_raised(storage: Storage, first: Outcome) -> None:
    with pytest.raises(OSError, match="Input/output"):
        run(storage, Failing, attempt=2)


@pytest.mark.parametrize(
    ("error", "memory", "said"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "device", "out of memory on the device: try"),
        (MemoryError(), "host", "out of memory on the machine: try"),
    ],
)
def test_memory_that_ran_out_is_told(
    storage: Storage, first: Outcome, monkeypatch: pytest.MonkeyPatch, error: Exception, memory: str, said: str
) -> None:
    monkeypatch.setattr(Failing, "error", error)
    report = run(storage, Failing, attempt=2)[-1]
    assert report.out_of_memory == memory
    assert (outcome([report]).failed or "").startswith(said)


def test_a_bad_checkpoint_is_no_outcome(storage: Storage, first: Outcome, tmp_path: pathlib.Path) -> None:
    assert first.checkpoint is not None
    (tmp_path / first.checkpoint / "state.pt").write_bytes(b"x")
    reports = run(storage, start=10, stop=30, resume=first.checkpoint, attempt=2)
    assert len(reports) == 1
    assert reports[0].done
    assert reports[0].outcome is None
    assert "sha256" in (reports[0].unreadable or "")


def test_a_stop_is_heard_and_loses_nothing(storage: Storage, first: Outcome) -> None:
    work = SegmentWork(assignment(storage, attempt=2, slice_seconds=0.0), Numbers)
    for _ in range(3):
        assert not work.step().done
    storage.write("trials/s/driver.json", driver_file(7, halt=True))
    report = work.step()
    assert report.done
    assert report.halted
    assert report.checkpoint_iteration == 3
    storage.write("trials/s/driver.json", driver_file(7))
    resumed = outcome(run(storage, attempt=3, resume=report.checkpoint))
    assert comparable(resumed) == comparable(first)


def test_a_newer_driver_stops_the_older_ones_workers(storage: Storage, first: Outcome) -> None:
    work = SegmentWork(assignment(storage, attempt=2, slice_seconds=0.0), Numbers)
    work.step()
    storage.write("trials/s/driver.json", driver_file(8))
    report = work.step()
    assert (report.done, report.halted, report.checkpoint, report.outcome) == (True, True, None, None)


@pytest.mark.skipif(torch.cuda.is_available(), reason="shows what happens without a GPU")
def test_a_worker_does_not_train_on_the_cpu_for_want_of_its_gpu(storage: Storage) -> None:
    storage.write(f"{FOLDER}/spec.json", spec(gpu=0.5).to_json().encode())
    with pytest.raises(
        OSError, match=r"has a GPU on .* and PyTorch finds none there; .* set resources\.gpu to 0"
    ) as caught:
        run(storage)
    assert fault(caught.value) == "machine"  # it is owed again, and no decision of the study


class StoppedEarly(Numbers):
    """A learner that stops training five iterations before its end."""

    def advance(self, to: int, *, seconds: float | None = None) -> tuple[Point, ...]:
        points = super().advance(to, seconds=seconds)
        self.passed = max(0, self.iteration - 5)
        return points


def test_iterations_after_an_early_stop_count_as_no_training(storage: Storage, first: Outcome) -> None:
    assert first.trained == 10
    assert outcome(run(storage, StoppedEarly, attempt=2)).trained == 5


class Measuring(Numbers):
    """Numbers that come with voxels, rankings and lesions: case v1 ranks two voxels, v2 one more, v3 another."""

    RANKED: ClassVar[dict[str, tuple[list[float], list[bool]]]] = {
        "v1": ([3.0, 1.0], [True, False]),
        "v2": ([2.0], [False]),
        "v3": ([0.5], [True]),
    }

    def evaluate(self, cases: Sequence[str], *, previews: Sequence[str] = ()) -> Evaluation:
        plain = super().evaluate(cases, previews=previews)
        histogram = Histogram.empty()
        for case in cases:
            values, reference = self.RANKED[case]
            histogram.add(np.array(values, np.float16), np.array(reference))
        found = tuple(lesion_records(case, "r", *MASKS, np.array([7], np.float16)) for case in cases)
        counts = tuple(Counts(case, "r", 1, 2, 3, 4) for case in cases)
        return dataclasses.replace(plain, counts=counts, lesions=found, histograms={"r": histogram})


MASKS = (np.array([[True, True, False]]), np.array([[False, True, False]]))


def test_what_was_measured_case_by_case_comes_together(storage: Storage) -> None:
    storage.write(f"{FOLDER}/spec.json", spec().to_json().encode())
    whole = outcome(run(storage, Measuring))
    assert [counts.case for counts in whole.counts] == [found.case for found in whole.lesions] == ["v1", "v2", "v3"]
    assert {(found.lesions, found.found, found.false_positives) for found in whole.lesions} == {(1, 1, 0)}
    records = Lesions.unpack("v1", "r", whole.lesions[0].records)
    assert (records.dice[0], records.confidence[0]) == (pytest.approx(2 / 3), 7)
    # Falling: 3 hit, 2 false, 1 false, 0.5 hit: half at 1, half at 2 of 4.
    assert [(score.region, score.metric, score.value) for score in whole.pooled] == [("r", "average_precision", 0.75)]
    sliced = outcome(run(storage, Measuring, attempt=2, slice_seconds=0.0))
    assert comparable(sliced) == comparable(whole)


class Watched(Numbers):
    """A learner that records when its evaluation ends and when it is released."""

    said: ClassVar[list[str]] = []

    def evaluations(self, cases: Sequence[str], *, previews: Sequence[str] = ()) -> Iterator[Evaluation]:
        self.said.append(f"begins with {len(cases)}")
        try:
            yield from super().evaluations(cases, previews=previews)
        finally:
            self.said.append("ends")

    def close(self) -> None:
        self.said.append("is let go")


def test_an_evaluation_goes_on_over_slices_and_ends_before_the_learner(storage: Storage, first: Outcome) -> None:
    Watched.said.clear()
    whole = outcome(run(storage, Watched, attempt=2, slice_seconds=0.0))
    assert Watched.said == ["begins with 3", "ends", "is let go"]
    assert comparable(whole) == comparable(first)
    Watched.said.clear()
    cut = run(storage, Watched, attempt=3, slice_seconds=0.0, stop_after=11)
    assert cut[-1].outcome is None
    assert cut[-1].progress == 10
    assert Watched.said == ["begins with 3", "ends", "is let go"]
