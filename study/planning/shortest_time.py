"""A lower bound of a study's wall time, whatever the order of its segments.

All the work shared out among the slots, or the longest chain, is one such bound. This one also counts that arms have
few segments to offer at their beginning (a cohort waits for the one before) and at their end (one trial at the last
marks, a few final trainings): in the first u seconds a segment can run only after what must come before it, in the last
v seconds only if what must follow it still fits. What does not fit into those runs in between, on all slots:
T >= u + v + (work - first(u) - last(v)) / slots, for every u and v. And where all segments take a multiple of some
time, so does the whole: each begins when others end.
"""

import math
from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from study.design import Arm, Design
from study.planning.cohort_sampling import needs_results
from study.planning.promotion import rungs
from study.planning.searches import final_folds, searches_of
from study.planning.time_left import Speeds
from study.planning.trial_counts import cohorts


class Part(NamedTuple):
    """Segments of a search with equal times, in seconds.

    Attributes:
        before: Seconds of work that must be done, in sequence, before they can start.
        seconds: How long one takes.
        after: Seconds of work that must follow, in sequence, before the study can end.
    """

    before: float
    seconds: float
    after: float


def shortest_seconds(design: Design, speeds: Speeds, slots: int) -> float:
    """Return the seconds that no order of a study's segments goes below, if nothing fails.

    Args:
        design: The study's design.
        speeds: Seconds of an iteration and of an evaluation, by model; one at least.
        slots: Segments at once, >= 1.
    """
    parts: Counter[Part] = Counter()
    for arm in design.arms:
        parts.update(_parts(design, arm, speeds))
    table = np.array([(*part, count) for part, count in parts.items()], np.float64).reshape(-1, 4)
    before, seconds, after, counts = table.T
    work = float(seconds @ counts)
    chain = float((before + seconds + after).max(initial=0.0))
    first_seconds, first = _fits(before, seconds, counts)
    last_seconds, last = _fits(after, seconds, counts)
    ends = first_seconds[:, None] + last_seconds[None, :]
    between = (work - first[:, None] - last[None, :]) / slots
    return _whole(max(chain, float(np.where(ends <= chain, ends + between, 0.0).max())), seconds)


def _whole(bound: float, seconds: NDArray[np.float64]) -> float:
    """Return the next time at which segments of whole seconds can end; the bound itself where they are none."""
    if not seconds.size or np.any(seconds != np.round(seconds)):
        return bound
    unit = math.gcd(*seconds.astype(np.int64).tolist())
    return math.ceil(bound / unit - 1e-9) * float(unit)


def _parts(design: Design, arm: Arm, speeds: Speeds) -> Counter[Part]:
    """Return the segments of an arm's searches."""
    steps = [speeds.cost(arm.model, step, 1) for step in design.steps]
    finals = [speeds.cost(arm.model, step, 1) for step in design.final_steps]
    searches = searches_of(design, arm.index)
    parts: Counter[Part] = Counter()
    waves = [sum(needs_results(design, n) for n in range(1, cohort + 1)) for cohort in range(len(cohorts(design, arm)))]
    for wave, numbers in zip(waves, cohorts(design, arm), strict=True):
        for mark, rung in enumerate(rungs(design, len(numbers))):
            waiting = (waves[-1] - wave) * steps[0] if mark == 0 else 0.0
            before = wave * steps[0] + sum(steps[:mark])
            parts[Part(before, steps[mark], waiting + sum(steps[mark + 1 :]) + sum(finals))] += rung.left
    searched = waves[-1] * steps[0] + sum(steps) if waves else 0.0
    for mark, seconds in enumerate(finals):
        before = searched + sum(finals[:mark])
        parts[Part(before, seconds, sum(finals[mark + 1 :]))] += design.final_seeds * len(
            final_folds(design, searches[0])
        )
    return Counter({part: count * len(searches) for part, count in parts.items()})


def _fits(
    wait: NDArray[np.float64], seconds: NDArray[np.float64], counts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times, and how much work can be done by each of them where segments wait `wait` seconds."""
    moments = np.unique(np.concatenate([[0.0], wait, wait + seconds]))
    done = np.clip(moments[:, None] - wait, 0.0, seconds) @ counts
    return moments, done
