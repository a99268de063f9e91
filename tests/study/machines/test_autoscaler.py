"""Machines for what is owed: asked for when it changes, given back at the end, waited for where none holds a trial."""

from collections import Counter
from typing import Any

import pytest

from study.design import Segment, TrialKey
from study.machines.admission import Node, Shape
from study.machines.autoscaler import EVERY, MOST, Demand, await_room, machines_requested
from tests.study.numbers_study import numbers_study
from trainables.errors import InputError

ONE_GPU = Shape(2, 1.0)
GPU_STUDY = numbers_study(resources={"cpu": 2, "gpu": 1})


class Asked:
    """The requests to Ray, and a clock that stands still unless told."""

    def __init__(self) -> None:
        self.requests: list[list[dict[str, float]]] = []
        self.now = 0.0

    def __call__(self, *, bundles: list[dict[str, float]]) -> None:
        self.requests.append(bundles)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_what_is_owed_is_asked_for_when_it_changes(asked: Asked) -> None:
    demand = Demand(asked, asked.clock)
    needed: Counter[Shape] = Counter({ONE_GPU: 2, Shape(1): 1})

    def look(most: int) -> Counter[Shape]:
        assert most == MOST
        return Counter(needed)

    demand.look(look)
    assert asked.requests == [[{"CPU": 2, "GPU": 1.0}, {"CPU": 2, "GPU": 1.0}, {"CPU": 1}]]
    del needed[Shape(1)]
    demand.look(look)  # too soon
    asked.now += EVERY
    demand.look(look)
    asked.now += EVERY
    demand.look(look)  # nothing new
    demand.end()
    assert asked.requests[1:] == [[{"CPU": 2, "GPU": 1.0}] * 2, []]


def test_a_run_asks_at_its_steps_and_takes_it_back(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.machines.autoscaler_requests.requester", lambda: asked)
    owed = [Segment(TrialKey("search", arm, 0, 0, number), 0, 8) for arm in (0, 1) for number in range(2)]
    steps: list[int] = []
    with machines_requested(
        lambda: owed, lambda each: ONE_GPU if each.trial.arm else Shape(1), lambda: steps.append(1)
    ) as step:
        step()
        step()
    assert len(steps) == 2
    assert asked.requests == [[{"CPU": 1}, {"CPU": 1}, {"CPU": 2, "GPU": 1.0}, {"CPU": 2, "GPU": 1.0}], []]


def test_a_machine_that_comes_is_waited_for(asked: Asked) -> None:
    said: list[str] = []
    there = await_room(
        GPU_STUDY,
        5,
        said.append,
        look=lambda: (Node("head", 0),) if asked.now < 90 else (Node("gpu", 8, 1), Node("head", 0)),
        demand=Demand(asked, asked.clock),
        clock=asked.clock,
        sleep=asked.sleep,
    )
    assert there == (Node("gpu", 8, 1), Node("head", 0))
    assert asked.requests == [[{"CPU": 2, "GPU": 1.0}]]
    assert said == [
        "a trial needs 2 CPUs and 1 GPU, and this machine has 0 CPUs and 0 GPUs; the cluster's autoscaler was asked "
        "for one, 5 min at most"
    ]


@pytest.mark.parametrize(("comes", "said"), [(True, 1), (False, 2)])
def test_auto_waits_for_a_gpu_and_then_does_without(asked: Asked, comes: bool, said: int) -> None:
    head, late = Node("head", 4), Node("gpu", 8, 1)
    told: list[str] = []
    there = await_room(
        numbers_study(resources={"cpu": 2, "gpu": "auto"}),
        2,
        told.append,
        look=lambda: (late, head) if comes and asked.now >= 90 else (head,),
        demand=Demand(asked, asked.clock),
        clock=asked.clock,
        sleep=asked.sleep,
    )
    assert asked.requests == [[{"CPU": 2, "GPU": 1.0}]]
    assert (there, asked.now) == (((late, head), 90) if comes else ((head,), 120))
    assert told[0].endswith("the cluster's autoscaler was asked for one, 2 min at most")
    assert told[1:] == ([] if comes else ["no GPU came in 2 min; trials train on the CPU"])


def test_who_needs_no_gpu_hears_of_none(asked: Asked) -> None:
    told: list[str] = []
    options: dict[str, Any] = {"clock": asked.clock, "sleep": asked.sleep, "demand": Demand(asked, asked.clock)}
    there = await_room(
        numbers_study(),
        5,
        told.append,
        look=lambda: (Node("head", 0),) if asked.now < 90 else (Node("late", 2), Node("head", 0)),
        **options,
    )
    assert there == (Node("late", 2), Node("head", 0))
    assert len(told) == 1


def test_auto_takes_what_is_there_where_nobody_waits(asked: Asked) -> None:
    study = numbers_study(resources={"cpu": 2, "gpu": "auto"})
    options: dict[str, Any] = {"clock": asked.clock, "sleep": asked.sleep, "demand": Demand(asked, asked.clock)}
    assert await_room(study, 0, print, look=lambda: (Node("head", 4),), **options) == (Node("head", 4),)
    assert (asked.requests, asked.now) == ([], 0)


@pytest.mark.parametrize(("minutes", "requests"), [(0, 0), (2, 1)])
def test_a_machine_that_does_not_come(asked: Asked, minutes: float, requests: int) -> None:
    options: dict[str, Any] = {"clock": asked.clock, "sleep": asked.sleep, "demand": Demand(asked, asked.clock)}
    with pytest.raises(
        InputError, match=r"^resources: a trial needs 2 CPUs and 1 GPU, .* wait for it: --wait MINUTES.$"
    ):
        await_room(GPU_STUDY, minutes, lambda text: None, look=lambda: (Node("head", 4),), **options)
    assert (len(asked.requests), asked.now) == (requests, 60 * minutes)
