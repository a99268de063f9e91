"""`segstudy run`: runs a study to its end."""

import shlex
import sys

import typer

from study.command.options import (
    HOME,
    AcceptChanges,
    AllowCode,
    Data,
    File,
    Home,
    LedgerAt,
    MlflowAt,
    Places,
    RayAt,
    Retry,
    Set,
    Smoke,
    StorageAt,
    Wait,
    retried,
)
from study.command.output import console
from study.command.report import write_report
from study.errors import FAILURES, STOPPED


def run(
    file: File,
    data: Data = None,
    settings: Set = None,
    smoke: Smoke = False,
    allow_code: AllowCode = False,
    home: Home = HOME,
    ledger: LedgerAt = None,
    mlflow: MlflowAt = None,
    storage: StorageAt = None,
    ray: RayAt = None,
    wait: Wait = 0.0,
    retry: Retry = None,
    accept_changes: AcceptChanges = False,
) -> None:
    """Run a study to its end, or go on with it. Ctrl-C stops where nothing is lost.

    Ends with 0, or with 1 where trials failed, 2 for bad input, 130 when stopped.

    Example: segstudy run demo --data phantoms
    """
    from study.addresses import shown
    from study.checking.own_code import try_code
    from study.command.watched_run import ended, lost_trials, run_study
    from study.study_file import load

    places = Places.of(home, ledger, mlflow, storage)
    study = load(file, settings or (), data=data, small=smoke, allow_code=allow_code)
    try_code(study)
    statuses = retried(retry or ())
    again = shlex.join(["segstudy", *map(shown, sys.argv[1:])])
    try:
        result = run_study(study, places, console(), ray, wait, statuses, accept_changes)
    except KeyboardInterrupt:  # pressed a second time
        typer.echo(f"{study.name}: stopped at once; segments under way go back to their last checkpoint. Go on with:")
        typer.echo(f"  {again}")
        raise typer.Exit(STOPPED) from None
    for line in ended(result, again):
        typer.echo(line)
    if result.complete:
        _report(places, study.name)
    if not result.complete:
        raise typer.Exit(STOPPED if result.stopped else FAILURES)
    if result.failed or result.lost:
        typer.echo(f"Trials that failed, with reasons: segstudy status {study.name}")
        if result.repeatable:
            typer.echo(f"{lost_trials(result.repeatable)} Run them again:\n  {again} --retry lost")
        raise typer.Exit(FAILURES)


def _report(places: Places, name: str) -> None:
    """Write the report, unless that is interrupted."""
    try:
        write_report(places, [name])
    except KeyboardInterrupt:
        typer.echo(f"{name}: its report was not written. Write it: segstudy report {name}")
        raise typer.Exit(STOPPED) from None
