"""Completion of a segment: its row, scores, curve, previews, trial status and checkpoints, in one transaction.

It may be reported any number of times: by Tune twice, by an attempt that was taken for lost. The first report counts.
The same again changes nothing. Another one (a GPU's kernels need not repeat to the bit) is not written, and a notice
says so: to fail would cost the study for numbers that are no worse than the first, to replace would leave decisions of
the planner that no longer follow from the values on record.
"""

import time
from typing import Any, Literal

from sqlalchemy import Connection, Select, Table, bindparam, func, insert, select

from study.design import TrialKey
from study.ledger.database import schema
from study.ledger.database.column_types import finite
from study.ledger.database.find import cases_named
from study.ledger.database.json import readable
from study.ledger.database.owner import Lease
from study.ledger.database.store import Store
from study.ledger.rows import Completion
from study.ledger.writing.attempts import end_attempt_in
from study.ledger.writing.checkpoints import forget_all, forget_before, named
from study.ledger.writing.notices import insert_notice
from study.ledger.writing.segment_rows import Arrival, Rows, insert_rows, rows_of
from study.ledger.writing.trials import set_status
from trainables.trial import Outcome


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
        attempt: The attempt that reported; it ends here.
        now: Seconds since 1970.

    Returns:
        What became of it, and the checkpoint folders that the ledger no longer names.

    Raises:
        ValueError: There is no such trial, mark or case; a number is not finite; the outcome does not stand at the
            mark; a trial of the search stage was scored on a test case.
        FencedOut: The lease is another driver's.
    """
    at = time.time() if now is None else now

    def work(connection: Connection, revision: int) -> Completion:
        arrival = _arrival(connection, lease.study_id, key, stop, outcome, objective)
        scored = [each.case for part in (outcome.scores, outcome.counts, outcome.lesions) for each in part]
        rows = rows_of(arrival, cases_named(store, connection, lease.study_id, scored))
        before = named(connection, arrival.trial_id) if arrival.names_folders else set()
        if arrival.status == "open" and stop not in arrival.done:
            _record(arrival, rows, before, revision, at)
            result: Literal["recorded", "repeated", "ignored"] = "recorded"
        elif _known_already(arrival, rows):
            result = "repeated"
        else:
            insert_notice(connection, lease.study_id, _not_written(arrival), at)
            result = "ignored"
        if attempt is not None:
            end_attempt_in(connection, attempt, "failed" if outcome.failed else "done", outcome.failed, at)
        offered = {outcome.checkpoint} if outcome.checkpoint else set()
        if result == "recorded" and outcome.failed is None and not before:
            return Completion(result, ())  # it named none, and now names the one that was offered
        return Completion(result, tuple(sorted((before | offered) - named(connection, arrival.trial_id))))

    return store.fenced(lease, work)


def _arrival(
    connection: Connection, study_id: int, key: TrialKey, stop: int, outcome: Outcome, objective: float | None
) -> Arrival:
    found = connection.execute(_STANDING, {"study": study_id, "trial": str(key), "mark": stop}).all()
    if not found:
        raise ValueError(f"there is no trial {key} in this study")
    trial, marks = found[0], found[0].marks
    done = {row.iteration: (row.objective, row.weights) for row in found if row.iteration is not None}
    if stop not in marks:
        raise ValueError(f"trial {key}: {stop} is not among the study's marks {marks}")
    if outcome.failed is None and outcome.iteration != stop:
        raise ValueError(f"trial {key}: the outcome stands at iteration {outcome.iteration}, not at the mark {stop}")
    finite(objective, f"trial {key}: the objective at {stop}")
    return Arrival(
        connection=connection,
        study_id=study_id,
        key=key,
        trial_id=trial.id,
        status=trial.status,
        reason=trial.reason,
        attempts=max(1, trial.attempts),
        names_folders=trial.between > 0 or any(row.checkpoint is not None for row in found),
        marks=marks,
        done=done,
        stop=stop,
        outcome=outcome,
        objective=objective,
    )


def _standing() -> Select[Any]:
    """Return the query of a trial, its study's marks, its attempts, and a row for each mark that is done."""
    trial, segment, attempt, between = schema.trials, schema.segments, schema.attempts, schema.checkpoints
    handed_out = select(func.count()).where(attempt.c.trial_id == trial.c.id, attempt.c.stop == bindparam("mark"))
    return (
        select(
            *(trial.c.id, trial.c.status, trial.c.reason, schema.studies.c.marks),
            handed_out.scalar_subquery().label("attempts"),
            select(func.count()).where(between.c.trial_id == trial.c.id).scalar_subquery().label("between"),
            *(segment.c.iteration, segment.c.objective, segment.c.weights, segment.c.checkpoint),
        )
        .join_from(trial, schema.studies)
        .join(segment, isouter=True)
        .where(trial.c.study_id == bindparam("study"), trial.c.key == bindparam("trial"))
    )


_STANDING = _standing()  # made once: to put a statement together takes SQLAlchemy longer than a database to answer it


def _record(arrival: Arrival, rows: dict[Table, Rows], before: set[str], revision: int, now: float) -> None:
    connection, outcome = arrival.connection, arrival.outcome
    for table, new in rows.items():
        insert_rows(connection, table, new)
    if outcome.failed is not None:
        set_status(connection, arrival.trial_id, "failed", readable(outcome.failed), revision, now)
        forget_all(connection, arrival.trial_id)
        return
    row = {
        "trial_id": arrival.trial_id,
        "iteration": arrival.stop,
        "objective": arrival.objective,
        "revision": revision,
        "attempts": arrival.attempts,
        "ended": now,
        **{
            name: getattr(outcome, name)
            for name in (
                "weights", "checkpoint", "seconds", "evaluate_seconds", "trained", "host", "device", "peak_bytes"
            )
        },
    }  # fmt: skip
    connection.execute(insert(schema.segments), row)
    if before:
        forget_before(connection, arrival.trial_id, arrival.stop)
    last = arrival.stop == arrival.marks[-1]
    set_status(connection, arrival.trial_id, "finished" if last else "open", None, revision, now if last else None)


def _known_already(arrival: Arrival, rows: dict[Table, Rows]) -> bool:
    """Return whether the ledger has exactly this result."""
    if arrival.outcome.failed is not None:
        return arrival.status == "failed" and arrival.reason == readable(arrival.outcome.failed)
    if arrival.done.get(arrival.stop) != (arrival.objective, arrival.outcome.weights):
        return False
    at_the_mark = (schema.case_scores, schema.case_counts, schema.pooled_scores, schema.lesion_scores)
    spans = {table: table.c.iteration == arrival.stop for table in at_the_mark}
    spans[schema.curves] = schema.curves.c.iteration.between(arrival.previous + 1, arrival.stop)
    for table, span in spans.items():
        found = arrival.connection.execute(select(table).where(table.c.trial_id == arrival.trial_id, span))
        if {tuple(row) for row in found} != {tuple(row.values()) for row in rows[table]}:
            return False
    return True


def _not_written(arrival: Arrival) -> str:
    said = f"failed: {arrival.outcome.failed}" if arrival.outcome.failed else f"objective {arrival.objective}"
    has = f"objective {arrival.done[arrival.stop][0]}" if arrival.stop in arrival.done else f"it is {arrival.status}"
    return (
        f"trial {arrival.key} reported its segment up to {arrival.stop} again, with another result ({said}); "
        f"the first stays ({has})"
    )
