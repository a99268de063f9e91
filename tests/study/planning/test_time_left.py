"""Time left, checked against studies played to their end in memory."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.design import Design, Segment
from study.planning.planner import Planner
from study.planning.time_left import Left, Speeds, left
from tests.study.plans import Memory, arm


def _played(memory: Memory) -> list[tuple[float, Segment]]:
    """The estimate of the remaining time before each segment, one segment at a time, and the segment."""
    planner, told = Planner(memory.design), []
    while True:
        memory.take_in(planner)
        segment = next(planner.owed(), None)
        if segment is None:
            return told
        told.append((_left(memory), segment))
        planner.record(memory.complete(segment))


def _left(memory: Memory) -> float:
    said = left(memory.design, memory.trials.values(), SPEEDS)
    assert said is not None
    assert said.chain <= said.work + 1e-9
    return said.work


SPEEDS = Speeds(iteration={"unet": 2.0}, mark={"unet": 3.0})
DESIGN = Design(seed=1, arms=(arm(0), arm(1), arm(2, tuned=False)), marks=(2, 5), trials_per_arm=6, cohort=3)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["tpe", "qmc"]),
    st.sampled_from([1, 2, 3]),
    st.integers(1, 2),
    st.sampled_from([(1, "first_fold"), (2, "first_fold"), (2, "each_fold")]),
)
def test_without_failures_the_work_left_is_exactly_what_follows(sampler, eta, searches, folds) -> None:
    design = dataclasses.replace(
        DESIGN, sampler=sampler, eta=eta, searches=searches, folds=folds[0], search_in=folds[1], marks=(2, 5, 9)
    )
    told = _played(Memory(design))
    cost = [2.0 * (segment.stop - segment.start) + 3.0 for _, segment in told]
    for index, (said, _) in enumerate(told):
        assert said == pytest.approx(sum(cost[index:]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.2, 0.6, 1.0]))
def test_with_failures_it_never_promises_too_little_and_ends_at_zero(seed, rate) -> None:
    memory = Memory(dataclasses.replace(DESIGN, seed=seed, marks=(2, 5, 9)), failure_rate=rate)
    told = _played(memory)
    cost = [2.0 * (segment.stop - segment.start) + 3.0 for _, segment in told]
    for index, (said, _) in enumerate(told):
        assert said >= sum(cost[index:]) - 1e-6
    assert _left(memory) == 0


def test_many_slots_wait_for_the_longest_chain() -> None:
    # One tuned arm, two cohorts of three that wait for each other: 2 iterations to the first cohort's first mark, 5 to
    # the second's last, 5 of the final stage. Marks on that way: 1 + 2 + 2.
    design = dataclasses.replace(DESIGN, arms=(arm(0),))
    said = left(design, [], SPEEDS)
    assert said is not None
    assert said.chain == pytest.approx(2.0 * (2 + 5 + 5) + 3.0 * 5)
    assert said.seconds(1000) == said.chain
    assert said.seconds(1) == said.work > said.chain
    free = left(dataclasses.replace(design, sampler="qmc"), [], SPEEDS)
    assert free is not None
    assert free.chain == pytest.approx(2.0 * (5 + 5) + 3.0 * 4)


def test_nothing_is_promised_before_anything_was_measured() -> None:
    assert left(DESIGN, [], Speeds({})) is None


def test_a_model_never_seen_takes_the_mean_of_the_others() -> None:
    # Not tuned: three final trainings of 5 iterations, at (1 + 3) / 2 seconds each.
    design = dataclasses.replace(DESIGN, arms=(arm(0, tuned=False),))
    assert left(design, [], Speeds({"a": 1.0, "b": 3.0})) == Left(work=3 * 5 * 2.0, chain=5 * 2.0)
