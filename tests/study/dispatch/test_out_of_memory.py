"""Out of memory beside others: tried again alone, on the GPU or on the node whose memory it was, and then judged."""

import pathlib
from collections.abc import Callable, Iterator

import pytest

from study.events import SegmentLost, TrialEnded
from study.ledger import Ledger
from study.machines.admission import Node, Shape
from study.study_file import Study
from tests.study.dispatch_bench import DispatchBench, undisturbed_digest
from tests.study.numbers_study import numbers_study
from trainables.failures import OUT_OF, Memory
from trainables.segment import Report
from trainables.storage.folder import Storage
from trainables.trial import Outcome

Made = Callable[..., DispatchBench]


@pytest.fixture
def make(tmp_path: pathlib.Path) -> Iterator[Made]:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        yield lambda **options: DispatchBench(random_study(), ledger, Storage(tmp_path), **options)


def random_study() -> Study:
    budget = {"trials_per_arm": 2, "cohort": 2, "sampler": "random", "final_seeds": 1}
    training = {"learning_rate": {"low": 1e-4, "high": 0.2, "log": True}, "iterations": 8}
    return numbers_study(budget=budget, training=training, losses={"dice": None})


def out_of(memory: Memory) -> Report:
    return Report(
        progress=3, outcome=Outcome(iteration=3, failed=OUT_OF[memory]).to_json(), out_of_memory=memory, done=True
    )


def ended(bench: DispatchBench) -> list[tuple[str, str | None]]:
    return [(event.status, event.reason) for event in bench.events if isinstance(event, TrialEnded)]


def test_memory_that_a_neighbour_may_have_held_is_asked_for_alone(make: Made) -> None:
    bench = make(nodes=(Node("a", 4, 1),), shape=Shape(1, 0.25))
    handout = bench.next("x")
    bench.dispatcher.finished("x", out_of("device"))
    assert {trial.status for trial in bench.ledger.known(bench.id)} == {"open"}
    alone = bench.next("x")
    assert (alone.assignment.folder, alone.shape) == (handout.assignment.folder, Shape(1, 1.0))
    assert alone.assignment.gpu == 1.0
    assert bench.dispatcher.hand_out("y") is None  # the GPU is its own
    bench.dispatcher.finished("x", out_of("device"))  # again: it was its own fault
    assert ended(bench) == [("failed", OUT_OF["device"])]
    assert bench.next("y").shape == Shape(1, 0.25)


def test_memory_of_the_host_is_asked_for_alone_on_a_node(make: Made) -> None:
    bench = make(nodes=(Node("a", 2), Node("b", 4)))
    handout = bench.next("x")
    bench.dispatcher.finished("x", out_of("host"))
    others = [bench.dispatcher.hand_out(name) for name in "yz"]
    alone = next(each for each in others if each is not None and each.assignment.folder == handout.assignment.folder)
    assert alone.shape == Shape(4)  # all cores of the largest node, and its threads stay the trial's own
    bench.dispatcher.finished("yz"[others.index(alone)], out_of("host"))
    assert ended(bench) == [("failed", OUT_OF["host"])]


@pytest.mark.parametrize("alone", [False, True])
def test_a_worker_that_ray_killed_for_its_memory_is_no_loss(make: Made, tmp_path: pathlib.Path, alone: bool) -> None:
    bench = make()
    killed = "OutOfMemoryError: Task was killed due to the node running low on memory"
    bench.next("x")
    bench.dispatcher.lost("x", killed)
    assert bench.next("x").shape == Shape(2)
    assert ended(bench) == []
    if alone:
        bench.dispatcher.lost("x", killed)
        assert ended(bench) == [("failed", OUT_OF["host"])]
        return
    bench.dispatcher.abandon("for this test")
    assert bench.finish() == undisturbed_digest(
        tmp_path, random_study()
    )  # a neighbour held the memory: nothing of it is in the study
    assert not [event for event in bench.events if isinstance(event, SegmentLost)]


@pytest.mark.parametrize(("shape", "memory"), [(Shape(1, 1), "device"), (Shape(1, 0), "device"), (Shape(2), "host")])
def test_who_was_alone_is_judged_at_once(make: Made, shape: Shape, memory: Memory) -> None:
    bench = make(nodes=(Node("a", 2, 1),), shape=shape)
    bench.next("x")
    bench.dispatcher.finished("x", out_of(memory))
    assert ended(bench) == [("failed", OUT_OF[memory])]
