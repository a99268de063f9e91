"""Independent marks: a segment to a mark is a training by itself, also where it was killed on its way."""

import dataclasses
import pathlib
from typing import Any

import pytest

from tests.study.numbers import Numbers, spec
from tests.trainables.test_segment import FOLDER, comparable, outcome, run
from trainables.segment import driver_file
from trainables.storage.folder import Storage
from trainables.trial import Outcome, TrialSpec

SPEC = spec(independent=True, previews=("v2",))


@pytest.fixture
def storage(tmp_path: pathlib.Path) -> Storage:
    storage = Storage(tmp_path)
    storage.write("trials/s/driver.json", driver_file(7))
    storage.write(f"{FOLDER}/spec.json", SPEC.to_json().encode())
    return storage


def alone(mark: int) -> Outcome:
    """Train for that length without evaluations on the way."""
    learner = Numbers(dataclasses.replace(SPEC, iterations=mark, marks=(mark,)))
    learner.advance(mark)
    return Outcome(iteration=mark, scores=learner.evaluate(SPEC.evaluate).scores, weights=learner.digest())


def test_each_mark_is_a_training_of_its_own_length(storage: Storage) -> None:
    built: list[TrialSpec] = []

    def build(given: TrialSpec) -> Numbers:
        built.append(given)
        return Numbers(given)

    first = outcome(run(storage, build))
    second = outcome(run(storage, build, start=10, stop=30, resume=first.checkpoint, attempt=2))
    assert [(one.iterations, one.marks) for one in built] == [(10, (10,)), (30, (30,))]
    assert (first.trained, second.trained) == (10, 30)
    for found, mark in ((first, 10), (second, 30)):
        assert (found.iteration, found.scores, found.weights) == (mark, alone(mark).scores, alone(mark).weights)
    assert [point.iteration for point in second.curve] == [12, 16, 20, 24, 28]  # what no earlier mark has told
    assert first.previews == ()
    assert [preview.case for preview in second.previews] == ["v2"]


@pytest.mark.parametrize("killed_after", [1, 2, 10, 11, 20, 29, 30, 31])
def test_killed_and_resumed_anywhere_it_is_the_same(storage: Storage, killed_after: int) -> None:
    first = outcome(run(storage))
    expected = outcome(run(storage, start=10, stop=30, resume=first.checkpoint, attempt=2))
    how: dict[str, Any] = {"start": 10, "stop": 30, "slice_seconds": 0.0, "checkpoint_seconds": 0.0}
    reports = run(storage, resume=first.checkpoint, attempt=3, stop_after=killed_after, **how)
    told = [report.progress for report in reports]
    assert told == sorted(told)  # the ledger's newest checkpoint is the one that counts
    assert all(10 < iteration <= 30 for iteration in told)
    newest = [report for report in reports if report.checkpoint][-1]
    assert newest.checkpoint_iteration is not None
    assert newest.checkpoint_iteration > 10
    assert (newest.checkpoint_iteration == 30) == (killed_after >= 30)
    resumed = outcome(run(storage, resume=newest.checkpoint, attempt=4, **how))
    assert comparable(resumed) == comparable(expected)
    assert resumed.trained == 30 - min(killed_after, 30)


def test_a_shared_training_goes_on_where_the_mark_before_ended(storage: Storage) -> None:
    storage.write(f"{FOLDER}/spec.json", dataclasses.replace(SPEC, independent=False).to_json().encode())
    first = outcome(run(storage))
    second = outcome(run(storage, start=10, stop=30, resume=first.checkpoint, attempt=2))
    assert second.trained == 20
    assert second.weights == alone(30).weights  # numbers that walk do not mind how long their way is
