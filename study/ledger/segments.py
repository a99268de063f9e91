"""A segment's end: its row, scores, curve, previews, its trial's status and checkpoints, in one transaction.

It may be reported any number of times: by Tune twice, by an attempt that was taken for lost. The first report counts.
The same again changes nothing. Another one (a GPU's kernels need not repeat to the bit) is not written, and a notice
says so: to fail would cost the study for numbers that are no worse than the first, to replace would leave decisions of
the planner that no longer follow from the values on record.
"""

import dataclasses
import time
from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Connection, Table, func, insert, select

from study.design import TrialKey
from study.ledger import schema
from study.ledger.attempts import end_attempt_in
from study.ledger.checkpoints import forget_all, forget_before, named
from study.ledger.find import cases_named, trial_named
from study.ledger.json import readable
from study.ledger.lease import Lease
from study.ledger.rows import Completion
from study.ledger.store import Store
from study.ledger.studies import insert_notice
from study.ledger.trials import set_status
from trainables.trial import Outcome

Rows = list[dict[str, Any]]


def complete_segment(
    store: Store,
    lease: Lease,
    key: TrialKey,
    stop: int,
    outcome: Outcome,
    objective: float | None,
    attempt: int | None = None,
    now: float | None = None,
) -> Completion:
    """Record that a trial reached a mark, or that its training failed on the way there.

    Args:
        store: The ledger.
        lease: The driver's.
        key: Which trial.
        stop: The mark. At the last one the trial is finished.
        outcome: As the worker reported it; with `failed`, the trial ends with that reason and keeps no checkpoint.
        objective: Mean over the cases; None where all values are missing, or where it failed.
        attempt: Whose result it is; it ends here.
        now: Seconds since 1970.

    Returns:
        What became of it, and the checkpoint folders that the ledger no longer names.

    Raises:
        ValueError: There is no such trial, mark or case; a number is not finite; the outcome does not stand at the
            mark; a trial of the search stage was scored on a test case.
        FencedOut: The lease is another driver's.
    """
    moment = time.time() if now is None else now

    def work(connection: Connection, revision: int) -> Completion:
        arrival = _arrival(connection, lease.study_id, key, stop, outcome, objective)
        rows = _rows(arrival, cases_named(store, connection, lease.study_id, (each.case for each in outcome.scores)))
        before = named(connection, arrival.trial_id)
        if arrival.status == "open" and stop not in arrival.done:
            _record(arrival, rows, revision, moment)
            result: Literal["recorded", "repeated", "ignored"] = "recorded"
        elif _known_already(arrival, rows):
            result = "repeated"
        else:
            insert_notice(connection, lease.study_id, _not_written(arrival), moment)
            result = "ignored"
        if attempt is not None:
            end_attempt_in(connection, attempt, "failed" if outcome.failed else "done", outcome.failed, moment)
        offered = {outcome.checkpoint} if outcome.checkpoint else set()
        return Completion(result, tuple(sorted((before | offered) - named(connection, arrival.trial_id))))

    return store.fenced(lease, work)


@dataclasses.dataclass(frozen=True)
class _Arrival:
    """An outcome, and what the ledger knows of its trial.

    Attributes:
        connection: Of the transaction.
        key: Which trial.
        trial_id: Its row.
        status: Its status before.
        reason: Why it ended, if it did.
        marks: The study's.
        done: Mark → (objective, digest of the weights), as recorded.
        stop: The mark that was to be reached.
        outcome: As reported.
        objective: As reported.
    """

    connection: Connection
    key: TrialKey
    trial_id: int
    status: str
    reason: str | None
    marks: list[int]
    done: Mapping[int, tuple[float | None, str]]
    stop: int
    outcome: Outcome
    objective: float | None

    @property
    def previous(self) -> int:
        """The mark that was done before; 0 where this is the first."""
        return max((mark for mark in self.done if mark < self.stop), default=0)


def _arrival(
    connection: Connection, study_id: int, key: TrialKey, stop: int, outcome: Outcome, objective: float | None
) -> _Arrival:
    trial = trial_named(connection, study_id, key)
    marks: list[int] = connection.scalars(select(schema.studies.c.marks).where(schema.studies.c.id == study_id)).one()
    row = schema.segments
    found = connection.execute(
        select(row.c.iteration, row.c.objective, row.c.weights).where(row.c.trial_id == trial.id)
    )
    done = {mark: (value, weights) for mark, value, weights in found}
    if stop not in marks:
        raise ValueError(f"trial {key}: {stop} is not among the study's marks {marks}")
    if outcome.failed is None and outcome.iteration != stop:
        raise ValueError(f"trial {key}: the outcome stands at iteration {outcome.iteration}, not at the mark {stop}")
    schema.finite(objective, f"trial {key}: the objective at {stop}")
    return _Arrival(connection, key, trial.id, trial.status, trial.reason, marks, done, stop, outcome, objective)


def _rows(arrival: _Arrival, cases: Mapping[str, tuple[int, tuple[str, ...]]]) -> dict[Table, Rows]:
    return {
        schema.case_scores: _scores(arrival, cases),
        schema.curves: _curve(arrival),
        schema.previews: _previews(arrival, cases),
    }


def _scores(arrival: _Arrival, cases: Mapping[str, tuple[int, tuple[str, ...]]]) -> Rows:
    key, rows = arrival.key, []
    for score in arrival.outcome.scores:
        case_id, splits = cases[score.case]
        if key.stage == "search" and splits[key.fold] == "test":
            raise ValueError(f"trial {key} was scored on the test case {score.case}, before every choice was made")
        schema.finite(score.value, f"trial {key}: {score.metric} of {score.region} of {score.case}")
        rows.append(
            {
                "trial_id": arrival.trial_id,
                "iteration": arrival.stop,
                "region": score.region,
                "metric": score.metric,
                "case_id": case_id,
                "value": score.value,
                "note": score.note,
            }
        )
    return rows


def _curve(arrival: _Arrival) -> Rows:
    """Points up to the mark before are on record already: a training that had to start again brings them once more."""
    rows = []
    for point in arrival.outcome.curve:
        if point.iteration > arrival.stop:
            raise ValueError(
                f"trial {arrival.key}: a curve's point at {point.iteration}, beyond the mark {arrival.stop}"
            )
        schema.finite(point.value, f"trial {arrival.key}: {point.name} at iteration {point.iteration}")
        if point.iteration > arrival.previous:
            rows.append(
                {
                    "trial_id": arrival.trial_id,
                    "name": point.name,
                    "iteration": point.iteration,
                    "value": point.value,
                }
            )
    return rows


def _previews(arrival: _Arrival, cases: Mapping[str, tuple[int, tuple[str, ...]]]) -> Rows:
    return [
        {
            "trial_id": arrival.trial_id,
            "case_id": cases[preview.case][0],
            "slice_index": preview.slice_index,
            "height": preview.shape[0],
            "width": preview.shape[1],
            "image": preview.image,
            "reference": preview.reference,
            "prediction": preview.prediction,
        }
        for preview in arrival.outcome.previews
    ]


def _record(arrival: _Arrival, rows: dict[Table, Rows], revision: int, now: float) -> None:
    connection, outcome = arrival.connection, arrival.outcome
    for table, new in rows.items():
        if new:
            connection.execute(insert(table), new)
    if outcome.failed is not None:
        set_status(connection, arrival.trial_id, "failed", readable(outcome.failed), revision, now)
        forget_all(connection, arrival.trial_id)
        return
    attempt = schema.attempts
    handed_out = select(func.count()).where(attempt.c.trial_id == arrival.trial_id, attempt.c.stop == arrival.stop)
    row = {
        "trial_id": arrival.trial_id,
        "iteration": arrival.stop,
        "objective": arrival.objective,
        "revision": revision,
        "attempts": max(1, connection.scalar(handed_out) or 0),
        "ended": now,
        **{
            name: getattr(outcome, name)
            for name in (
                "weights", "checkpoint", "seconds", "evaluate_seconds", "trained", "host", "device", "peak_bytes"
            )
        },
    }  # fmt: skip
    connection.execute(insert(schema.segments), row)
    forget_before(connection, arrival.trial_id, arrival.stop)
    last = arrival.stop == arrival.marks[-1]
    set_status(connection, arrival.trial_id, "finished" if last else "open", None, revision, now if last else None)


def _known_already(arrival: _Arrival, rows: dict[Table, Rows]) -> bool:
    """Whether the ledger says just this."""
    if arrival.outcome.failed is not None:
        return arrival.status == "failed" and arrival.reason == readable(arrival.outcome.failed)
    if arrival.done.get(arrival.stop) != (arrival.objective, arrival.outcome.weights):
        return False
    scores, curves = schema.case_scores.c, schema.curves.c
    spans = {
        schema.case_scores: scores.iteration == arrival.stop,
        schema.curves: curves.iteration.between(arrival.previous + 1, arrival.stop),
    }
    for table, span in spans.items():
        found = arrival.connection.execute(select(table).where(table.c.trial_id == arrival.trial_id, span))
        if {tuple(row) for row in found} != {tuple(row.values()) for row in rows[table]}:
            return False
    return True


def _not_written(arrival: _Arrival) -> str:
    said = f"failed: {arrival.outcome.failed}" if arrival.outcome.failed else f"objective {arrival.objective}"
    has = f"objective {arrival.done[arrival.stop][0]}" if arrival.stop in arrival.done else f"it is {arrival.status}"
    return (
        f"trial {arrival.key} reported its segment up to {arrival.stop} again, with another result ({said}); "
        f"the first stays ({has})"
    )
