"""The class `Ledger`: the record of studies, arms, trials, segments, curves, scores and lesions.

    with Ledger.open("runs/ledger.db") as ledger:
        study = ledger.study("kits19-losses")
        lease = ledger.acquire(study.id)
        ledger.insert_trials(lease, decision.insert, "tpe, optuna 5.0.0", halved=decision.halved)

Every method is a function of the file named above it, and is one transaction. Methods that take a `Lease` write nothing
and raise `FencedOut` when another driver holds it. Methods that write, and functions decorated with `patient`, wait for
a database that is away (study/ledger/database/outage.py). Times are seconds since 1970; `now` is for tests.
"""

from study.ledger.database.store import Store
from study.ledger.reading import archive, counts_and_lesions, digest, machines
from study.ledger.reading import scores as ledger_scores
from study.ledger.reading import status as ledger_status
from study.ledger.reading import trials_and_curves as ledger_reading
from study.ledger.reading import view_positions as ledger_views
from study.ledger.writing import attempts as ledger_attempts
from study.ledger.writing import checkpoints as ledger_checkpoints
from study.ledger.writing import declarations, earlier_looks, lease, retries, slices
from study.ledger.writing import footprints as ledger_footprints
from study.ledger.writing import notices as ledger_notices
from study.ledger.writing import segments as ledger_segments
from study.ledger.writing import studies as ledger_studies
from study.ledger.writing import trials as ledger_trials


class Ledger(Store):
    """One ledger, open: `Ledger.open(path or URL, read_only=False)`. Threads may share it; processes open their own."""

    # study/ledger/writing/lease.py: who may write
    acquire = lease.acquire
    renew = lease.renew
    release = lease.release

    # study/ledger/writing/studies.py: studies, arms, cases
    create_study = ledger_studies.create_study
    study = ledger_studies.study
    has_study = ledger_studies.has_study
    studies = ledger_studies.studies
    arms = ledger_studies.arms
    cases = ledger_studies.cases
    set_cases = ledger_studies.set_cases
    update_file = ledger_studies.update_file
    request_stop = ledger_studies.request_stop
    stop_requested = ledger_studies.stop_requested
    count_report_read = ledger_studies.count_report_read

    # study/ledger/writing/notices.py, declarations.py, earlier_looks.py: for readers of the report
    add_notice = ledger_notices.add_notice
    notices = ledger_notices.notices
    declarations = declarations.declarations
    earlier_looks = earlier_looks.earlier_looks

    # study/ledger/writing/trials.py: what the planner decides, and what it needs to know
    insert_trials = ledger_trials.insert_trials
    halve = ledger_trials.halve
    lose = ledger_trials.lose
    known = ledger_trials.known
    speeds = ledger_trials.speeds

    # study/ledger/writing/attempts.py: segments at work
    start_attempt = ledger_attempts.start_attempt
    end_attempt = ledger_attempts.end_attempt
    losses = ledger_attempts.losses
    attempts = ledger_attempts.attempts

    # study/ledger/writing/retries.py: trials that run again
    reopen = retries.reopen
    retries = retries.retries

    # study/ledger/writing/segments.py: a segment's end
    complete_segment = ledger_segments.complete_segment

    # study/ledger/writing/checkpoints.py: which folders count
    record_checkpoint = ledger_checkpoints.record_checkpoint
    resume_point = ledger_checkpoints.resume_point
    forget_checkpoint = ledger_checkpoints.forget_checkpoint
    forget_checkpoints = ledger_checkpoints.forget_checkpoints
    folders = ledger_checkpoints.folders

    # study/ledger/reading/trials_and_curves.py: in bulk, for reports
    trials = ledger_reading.trials
    segments = ledger_reading.segments
    curves = ledger_reading.curves
    previews = ledger_reading.previews
    kept_previews = ledger_reading.kept_previews

    # study/ledger/reading/machines.py: what trained it
    machines = machines.machines

    # study/ledger/reading/scores.py: case scores by columns
    scores = ledger_scores.scores

    # study/ledger/writing/slices.py: more slices of what previews show
    sliced = slices.sliced

    # study/ledger/reading/counts_and_lesions.py: voxel counts, scores pooled over cases, lesions
    counts = counts_and_lesions.counts
    pooled = counts_and_lesions.pooled
    lesions = counts_and_lesions.lesions

    # study/ledger/writing/footprints.py: what probes measured, for all studies
    footprints = ledger_footprints.footprints
    add_footprint = ledger_footprints.add_footprint

    # study/ledger/reading/: status.py, digest.py, archive.py, view_positions.py
    status = ledger_status.status
    digest = digest.digest
    export = archive.export
    changes_since = ledger_views.changes_since
    view_position = ledger_views.view_position
    set_view_position = ledger_views.set_view_position
