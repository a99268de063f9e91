"""The ledger, the one record of studies, arms, trials, segments, curves, scores, lesions. This is its contents page.

    with Ledger.open("runs/ledger.db") as ledger:
        study = ledger.study("kits19-losses")
        lease = ledger.acquire(study.id)
        ledger.insert_trials(lease, decision.insert, "tpe, optuna 5.0.0", halved=decision.halved)

Every method is a function of the file named beside it, and is one transaction. Those that take a `Lease` write nothing
and raise `FencedOut` when another driver has it. What writes, and questions marked `patient`, wait for a database
that is away (study/ledger/database/outage.py). Times are seconds since 1970; `now` is for tests.
"""

from study.ledger.database.location import LedgerNotMadeError
from study.ledger.database.outage import LedgerAwayError, Patience
from study.ledger.database.owner import FencedOut, Lease, LeaseHeld, Owner
from study.ledger.database.store import Store, patient
from study.ledger.reading import archive, counts_and_lesions, digest
from study.ledger.reading import scores as ledger_scores
from study.ledger.reading import status as ledger_status
from study.ledger.reading import trials_and_curves as ledger_reading
from study.ledger.reading import view_positions as ledger_views
from study.ledger.writing import attempts as ledger_attempts
from study.ledger.writing import checkpoints as ledger_checkpoints
from study.ledger.writing import footprints as ledger_footprints
from study.ledger.writing import lease, slices
from study.ledger.writing import segments as ledger_segments
from study.ledger.writing import studies as ledger_studies
from study.ledger.writing import trials as ledger_trials

__all__ = ["FencedOut", "Lease", "LeaseHeld", "Ledger", "LedgerAwayError", "LedgerNotMadeError", "Owner", "Patience"]


class Ledger(Store):
    """One ledger, open: `Ledger.open(path or URL, read_only=False)`. Threads may share it; processes open their own."""

    # study/ledger/writing/lease.py: who may write
    acquire = lease.acquire
    renew = lease.renew
    release = lease.release

    # study/ledger/writing/studies.py: studies, arms, cases
    create_study = ledger_studies.create_study
    study = patient(ledger_studies.study)
    has_study = patient(ledger_studies.has_study)
    studies = patient(ledger_studies.studies)
    arms = patient(ledger_studies.arms)
    cases = patient(ledger_studies.cases)
    set_cases = ledger_studies.set_cases
    update_file = ledger_studies.update_file
    request_stop = ledger_studies.request_stop
    stop_requested = ledger_studies.stop_requested
    count_report_read = ledger_studies.count_report_read
    add_notice = ledger_studies.add_notice
    notices = patient(ledger_studies.notices)

    # study/ledger/writing/trials.py: what the planner decides, and what it needs to know
    insert_trials = ledger_trials.insert_trials
    halve = ledger_trials.halve
    lose = ledger_trials.lose
    known = patient(ledger_trials.known)
    speeds = patient(ledger_trials.speeds)

    # study/ledger/writing/attempts.py: segments at work
    start_attempt = ledger_attempts.start_attempt
    end_attempt = ledger_attempts.end_attempt
    losses = patient(ledger_attempts.losses)
    attempts = patient(ledger_attempts.attempts)

    # study/ledger/writing/segments.py: a segment's end
    complete_segment = ledger_segments.complete_segment

    # study/ledger/writing/checkpoints.py: which folders count
    record_checkpoint = ledger_checkpoints.record_checkpoint
    resume_point = patient(ledger_checkpoints.resume_point)
    forget_checkpoint = ledger_checkpoints.forget_checkpoint
    forget_checkpoints = ledger_checkpoints.forget_checkpoints
    folders = patient(ledger_checkpoints.folders)

    # study/ledger/reading/trials_and_curves.py: in bulk, for reports
    trials = patient(ledger_reading.trials)
    segments = patient(ledger_reading.segments)
    curves = patient(ledger_reading.curves)
    previews = patient(ledger_reading.previews)
    kept_previews = patient(ledger_reading.kept_previews)

    # study/ledger/reading/scores.py: case scores by columns
    scores = patient(ledger_scores.scores)

    # study/ledger/writing/slices.py: more slices of what previews show
    sliced = patient(slices.sliced)

    # study/ledger/reading/counts_and_lesions.py: voxel counts, scores pooled over cases, lesions
    counts = patient(counts_and_lesions.counts)
    pooled = patient(counts_and_lesions.pooled)
    lesions = patient(counts_and_lesions.lesions)

    # study/ledger/writing/footprints.py: what probes measured, for all studies
    footprints = patient(ledger_footprints.footprints)
    add_footprint = ledger_footprints.add_footprint

    # study/ledger/reading/: status.py, digest.py, archive.py, view_positions.py
    status = patient(ledger_status.status)
    digest = patient(digest.digest)
    export = archive.export
    changes_since = patient(ledger_views.changes_since)
    view_position = patient(ledger_views.view_position)
    set_view_position = ledger_views.set_view_position
