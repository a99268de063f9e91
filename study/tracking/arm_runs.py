"""Runs of arms in MLflow: parameter space, ends of the trials, and means over the final trials."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from study.design import Design, Status, TrialKey
from study.ledger.rows import ArmRow, StudyRow, TrialRow
from study.planning.cohort_sampling import search_length
from study.planning.searches import SearchKey, final_folds, search_of, searches_of
from study.tracking.naming import KEY_TAG, milliseconds, parameters, space_text, tags
from study.tracking.training_runs import (
    TEST,
    MetricPoint,
    Reached,
    Run,
    RunStatus,
    StudyData,
    arm_key,
    common_tags,
    setup,
)

_ENDS: tuple[Status, ...] = ("finished", "halved", "failed", "lost")


def arm(
    study: StudyRow,
    row: ArmRow,
    trials: Sequence[TrialRow],
    finals: Mapping[TrialKey, Run],
    done: bool,
    searched: Mapping[TrialKey, Reached] = MappingProxyType({}),
    label: str | None = None,
) -> Run:
    """Return an arm's run: its description and, once it is done, the means over its final trials.

    Means are given only if every final trial finished: the report decides how lost ones count.

    Args:
        study: The study.
        row: The arm.
        trials: All its trials, at least one.
        finals: Runs of its final-stage trials; used only if `done`.
        done: Whether the arm is complete (`arm_done`).
        searched: Objectives of its search trials at the last mark, from which the best so far is shown.
        label: Its name in narrow columns; None takes its whole name.
    """
    first = min(trials, key=lambda each: (each.key.stage == "final", each.key))
    last = [each for each in trials if each.key.stage == "final"]
    finished = [each for each in last if each.status == "finished"]
    status: RunStatus = ("FINISHED" if finished else "FAILED") if done else "RUNNING"
    ends = [each.ended for each in trials if each.ended is not None]
    end = milliseconds(max(ends)) if done and ends else None
    words = {**common_tags(study, row, "arm"), KEY_TAG: arm_key(row.number), "status": "done" if done else "open"}
    metrics = tuple(_best_so_far(searched, maximize=study.maximize))
    if done and end is not None:
        counts = {status: sum(each.status == status for each in trials) for status in _ENDS}
        metrics += tuple(MetricPoint(f"trials/{status}", float(count), end, 0) for status, count in counts.items())
        if finished and len(finished) == len(last):
            words["test"] = f"mean over {len(finished)} final trials"
            metrics += tuple(_over([finals[each.key] for each in finished], end))
    return Run(
        key=arm_key(row.number),
        parent=None,
        name=label or row.name,
        start=milliseconds(first.created),
        end=end,
        status=status,
        parameters=parameters(
            {
                **setup(study, row),
                **{f"space.{name}": space_text(value) for name, value in row.space.items()},
            }
        ),
        tags=tags(words),
        metrics=metrics,
        data=StudyData(study.name, study.data_digest, "arm"),
    )


def arm_done(design: Design, number: int, trials: Iterable[TrialRow]) -> bool:
    """Whether all trials of an arm exist and have ended; a search without finished trials has no final stage."""
    length = search_length(design, design.arms[number])
    searched: dict[SearchKey, list[Status]] = {key: [] for key in searches_of(design, number)}
    final = dict.fromkeys(searched, 0)
    for each in trials:
        search = search_of(design, each.key)
        if each.status == "open" or search not in searched:
            return False
        if each.key.stage == "final":
            final[search] += 1
        else:
            searched[search].append(each.status)
    return all(
        final[search] == design.final_seeds * len(final_folds(design, search))
        or (0 < len(ended) == length and "finished" not in ended)
        for search, ended in searched.items()
    )


def _best_so_far(searched: Mapping[TrialKey, Reached], *, maximize: bool) -> Iterator[MetricPoint]:
    """Yield the best objective after each trial that reached the last mark; each search and fold by itself.

    The step is the number of trials that had reached it.
    """
    by_search: dict[tuple[int, int], list[tuple[float, TrialKey, float]]] = defaultdict(list)
    for key, reached in searched.items():
        by_search[key.search, key.fold].append((reached.ended, key, reached.objective))
    for (search, fold), found in sorted(by_search.items()):
        name = "validation/best objective" + (f" r{search}" if search else "") + (f" f{fold}" if fold else "")
        best: float | None = None
        for step, (ended, _, value) in enumerate(sorted(found), start=1):
            best = value if best is None else (max if maximize else min)(best, value)
            yield MetricPoint(name, best, milliseconds(ended), step)


def _over(runs: Sequence[Run], end: int) -> Iterator[MetricPoint]:
    """Return means over runs of the metrics that all of them have."""
    found: dict[tuple[str, int], list[float]] = {}
    for run in runs:
        for point in run.metrics:
            if point.name.startswith(f"{TEST}/"):
                found.setdefault((point.name, point.step), []).append(point.value)
    for (name, step), values in found.items():
        if len(values) == len(runs):
            yield MetricPoint(name, math.fsum(values) / len(values), end, step)
