"""Runs of arms in MLflow: parameter space, ends of the trials, and means over the final trials."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from study.design import Design, Status, TrialKey
from study.ledger.rows import ArmRow, StudyRow, TrialRow
from study.planning.sampling import search_length
from study.tracking.naming import KEY_TAG, milliseconds, parameters, space_text, tags
from study.tracking.runs import TEST, MetricPoint, Run, RunStatus, arm_key, common_tags

_ENDS: tuple[Status, ...] = ("finished", "halved", "failed", "lost")


def arm(study: StudyRow, row: ArmRow, trials: Sequence[TrialRow], finals: Mapping[TrialKey, Run], done: bool) -> Run:
    """Return an arm's run: its description and, once it is done, the means over its final trials.

    Means are given only if every final trial finished: the report decides how lost ones count.

    Args:
        study: The study.
        row: The arm.
        trials: All its trials, at least one.
        finals: Runs of its final-stage trials; used only if `done`.
        done: Whether the arm is complete (`arm_done`).
    """
    first = min(trials, key=lambda each: (each.key.stage == "final", each.key))
    last = [each for each in trials if each.key.stage == "final"]
    finished = [each for each in last if each.status == "finished"]
    status: RunStatus = ("FINISHED" if finished else "FAILED") if done else "RUNNING"
    ends = [each.ended for each in trials if each.ended is not None]
    end = milliseconds(max(ends)) if done and ends else None
    words = {**common_tags(study, row, "arm"), KEY_TAG: arm_key(row.number), "status": "done" if done else "open"}
    metrics: tuple[MetricPoint, ...] = ()
    if done and end is not None:
        counts = {status: sum(each.status == status for each in trials) for status in _ENDS}
        metrics = tuple(MetricPoint(f"trials/{status}", float(count), end, 0) for status, count in counts.items())
        if finished and len(finished) == len(last):
            words["test"] = f"mean over {len(finished)} final trials"
            metrics += tuple(_over([finals[each.key] for each in finished], end))
    return Run(
        key=arm_key(row.number),
        parent=None,
        name=row.name,
        start=milliseconds(first.created),
        end=end,
        status=status,
        parameters=parameters(
            {
                "model": row.model,
                "loss": row.loss,
                "weighting": row.weighting,
                **{f"space.{name}": space_text(value) for name, value in row.space.items()},
            }
        ),
        tags=tags(words),
        metrics=metrics,
    )


def arm_done(design: Design, number: int, trials: Iterable[TrialRow]) -> bool:
    """Whether all trials of an arm exist and have ended; a search without finished trials has no final stage."""
    length = search_length(design, design.arms[number])
    each_fold = design.search_in == "each_fold"
    searched: dict[tuple[int, int], list[Status]] = {
        (search, fold): []
        for search in range(design.searches)
        for fold in (range(design.folds) if each_fold else range(1))
    }
    final: dict[tuple[int, int], int] = dict.fromkeys(searched, 0)
    for each in trials:
        group = each.key.search, each.key.fold if each_fold else 0
        if each.status == "open" or group not in searched:
            return False
        if each.key.stage == "final":
            final[group] += 1
        else:
            searched[group].append(each.status)
    wanted = design.final_seeds * (1 if each_fold else design.folds)
    return all(
        final[group] == wanted or (0 < len(ended) == length and "finished" not in ended)
        for group, ended in searched.items()
    )


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
