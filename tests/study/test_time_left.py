"""Time left, checked against studies played to their end in memory."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.design import Design, Segment
from study.planner import Planner
from study.time_left import time_left

from .plans import Memory, arm


def _played(memory: Memory, slots: int = 1) -> list[tuple[float | None, Segment]]:
    """What was said to be left before each segment, one segment at a time, and the segment."""
    planner, told = Planner(memory.design), []
    while True:
        memory.take_in(planner)
        segment = next(planner.owed(), None)
        if segment is None:
            return told
        left = time_left(memory.design, memory.trials.values(), **SPEEDS, slots=slots)
        told.append((left, segment))
        planner.record(memory.complete(segment))


SPEEDS = {"seconds_per_iteration": {"unet": 2.0}, "seconds_per_mark": {"unet": 3.0}}
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
    for index, (left, _) in enumerate(told):
        assert left == pytest.approx(sum(cost[index:]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.2, 0.6, 1.0]))
def test_with_failures_it_never_promises_too_little_and_ends_at_zero(seed, rate) -> None:
    memory = Memory(dataclasses.replace(DESIGN, seed=seed, marks=(2, 5, 9)), failure_rate=rate)
    told = _played(memory)
    cost = [2.0 * (segment.stop - segment.start) + 3.0 for _, segment in told]
    for index, (left, _) in enumerate(told):
        assert left >= sum(cost[index:]) - 1e-6
    assert time_left(memory.design, memory.trials.values(), **SPEEDS) == 0


def test_many_slots_wait_for_the_longest_chain() -> None:
    # One tuned arm, two cohorts of three that wait for each other: 2 iterations to the first cohort's first mark, 5 to
    # the second's last, 5 of the final stage. Marks on that way: 1 + 2 + 2.
    design = dataclasses.replace(DESIGN, arms=(arm(0),))
    assert time_left(design, [], **SPEEDS, slots=1000) == pytest.approx(2.0 * (2 + 5 + 5) + 3.0 * 5)
    assert time_left(dataclasses.replace(design, sampler="qmc"), [], **SPEEDS, slots=1000) == pytest.approx(
        2.0 * (5 + 5) + 3.0 * 4
    )


def test_nothing_is_promised_before_anything_was_measured() -> None:
    assert time_left(DESIGN, [], seconds_per_iteration={}) is None


def test_a_model_never_seen_takes_the_mean_of_the_others() -> None:
    design = dataclasses.replace(DESIGN, arms=(arm(0, tuned=False),))
    other = time_left(design, [], seconds_per_iteration={"a": 1.0, "b": 3.0})
    assert other == pytest.approx(2.0 * 5 * 3)
