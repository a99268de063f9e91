"""The ledger, the one record of studies, arms, trials, segments, curves, scores, lesions. This is its contents page.

    with Ledger.open("runs/ledger.db") as ledger:
        study = ledger.study("kits19-losses")
        lease = ledger.acquire(study.id)
        ledger.insert_trials(lease, decision.insert, "tpe, optuna 5.0.0", halved=decision.halved)

Every method is a function of the file named beside it, and is one transaction. Those that take a `Lease` write nothing
and raise `FencedOut` when another driver has it. What writes, and questions marked `patient`, wait for a database
that is away (study/ledger/outage.py). Times are seconds since 1970; `now` is for tests.
"""

from study.ledger import archive, digest, lease, measured, slices
from study.ledger import attempts as ledger_attempts
from study.ledger import checkpoints as ledger_checkpoints
from study.ledger import footprints as ledger_footprints
from study.ledger import reading as ledger_reading
from study.ledger import scores as ledger_scores
from study.ledger import segments as ledger_segments
from study.ledger import status as ledger_status
from study.ledger import studies as ledger_studies
from study.ledger import trials as ledger_trials
from study.ledger import views as ledger_views
from study.ledger.lease import FencedOut, Lease, LeaseHeld, Owner
from study.ledger.location import LedgerNotMadeError
from study.ledger.outage import LedgerAwayError, Patience
from study.ledger.store import Store, patient

__all__ = ["FencedOut", "Lease", "LeaseHeld", "Ledger", "LedgerAwayError", "LedgerNotMadeError", "Owner", "Patience"]


class Ledger(Store):
    """One ledger, open: `Ledger.open(path or URL, read_only=False)`. Threads may share it; processes open their own."""

    # study/ledger/lease.py: who may write
    acquire = lease.acquire
    renew = lease.renew
    release = lease.release

    # study/ledger/studies.py: studies, arms, cases
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

    # study/ledger/trials.py: what the planner decides, and what it needs to know
    insert_trials = ledger_trials.insert_trials
    halve = ledger_trials.halve
    lose = ledger_trials.lose
    known = patient(ledger_trials.known)
    speeds = patient(ledger_trials.speeds)

    # study/ledger/attempts.py: segments at work
    start_attempt = ledger_attempts.start_attempt
    end_attempt = ledger_attempts.end_attempt
    losses = patient(ledger_attempts.losses)
    attempts = patient(ledger_attempts.attempts)

    # study/ledger/segments.py: a segment's end
    complete_segment = ledger_segments.complete_segment

    # study/ledger/checkpoints.py: which folders count
    record_checkpoint = ledger_checkpoints.record_checkpoint
    resume_point = patient(ledger_checkpoints.resume_point)
    forget_checkpoint = ledger_checkpoints.forget_checkpoint
    forget_checkpoints = ledger_checkpoints.forget_checkpoints
    folders = patient(ledger_checkpoints.folders)

    # study/ledger/reading.py: in bulk, for reports
    trials = patient(ledger_reading.trials)
    segments = patient(ledger_reading.segments)
    curves = patient(ledger_reading.curves)
    previews = patient(ledger_reading.previews)
    kept_previews = patient(ledger_reading.kept_previews)

    # study/ledger/scores.py: case scores by columns
    scores = patient(ledger_scores.scores)

    # study/ledger/slices.py: more slices of what previews show
    sliced = patient(slices.sliced)

    # study/ledger/measured.py: voxel counts, scores pooled over cases, lesions
    counts = patient(measured.counts)
    pooled = patient(measured.pooled)
    lesions = patient(measured.lesions)

    # study/ledger/footprints.py: what probes measured, for all studies
    footprints = patient(ledger_footprints.footprints)
    add_footprint = ledger_footprints.add_footprint

    # study/ledger/status.py, study/ledger/digest.py, study/ledger/archive.py, study/ledger/views.py
    status = patient(ledger_status.status)
    digest = patient(digest.digest)
    export = archive.export
    changes_since = patient(ledger_views.changes_since)
    view_position = patient(ledger_views.view_position)
    set_view_position = ledger_views.set_view_position
