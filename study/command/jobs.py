"""`segstudy submit` and `logs`, and `status` and `stop` with `--cluster`: studies as jobs of a cluster."""

import time
from typing import Annotated

import typer

from study.command.options import (
    AcceptChanges,
    AllowCode,
    Cluster,
    File,
    LedgerAt,
    MlflowAt,
    Name,
    Retry,
    Set,
    Smoke,
    StorageAt,
    Wait,
    retried,
)
from study.command.output import print_json
from study.errors import FAILURES

LAST_LINES = 8  # lines of a job's log that `status` shows


def submit(
    file: File,
    cluster: Cluster,
    home: Annotated[str, typer.Option(help="The home there: a folder that all its nodes see.")],
    data: Annotated[
        str | None, typer.Option(help="The dataset's folder there, or s3://BUCKET/…, in place of `dataset.path`.")
    ] = None,
    settings: Set = None,
    smoke: Smoke = False,
    allow_code: AllowCode = False,
    ledger: LedgerAt = None,
    mlflow: MlflowAt = None,
    storage: StorageAt = None,
    wait: Wait = 0.0,
    retry: Retry = None,
    accept_changes: AcceptChanges = False,
    python: Annotated[str, typer.Option(help="The interpreter that Ray has there.")] = "python",
) -> None:
    """Run a study on a Ray cluster, as a job that goes on without this machine.

    The file is checked here, the data there. The code of this installation goes with the job.
    Example: segstudy submit demo --cluster http://head:8265 --home /shared/runs --data /shared/phantoms
    """
    from study.addresses import shown
    from study.machines.job_server import Jobs, without_password
    from study.study_file import load

    study = load(file, settings or (), data=data, small=smoke, allow_code=allow_code)
    places = {"--home": home, "--ledger": ledger, "--mlflow": mlflow, "--storage": storage}
    for option, place in places.items():
        without_password(option, place)
    arguments = [part for option, place in places.items() if place is not None for part in (option, place)]
    arguments += ["--wait", f"{wait:g}"] if wait else []
    arguments += [part for status in retried(retry or ()) for part in ("--retry", status)]
    arguments += ["--accept-changes"] if accept_changes else []
    arguments += ["--allow-code"] if allow_code else []
    jobs = Jobs(cluster)
    job = jobs.submit(study, arguments, python=python)
    typer.echo(f"{study.name}: sent as {job.id}. See it, or stop it where nothing is lost:")
    for command in ("status", "logs", "stop"):
        typer.echo(f"  segstudy {command} {study.name} --cluster {shown(jobs.url)}")


def logs(
    name: Name,
    cluster: Cluster,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the job ends.")] = False,
) -> None:
    """Show what a study's job on a cluster says.

    Example: segstudy logs demo --cluster http://head:8265 --follow
    """
    from study.machines.job_server import Jobs

    jobs = Jobs(cluster)
    job = jobs.find(name)
    for piece in jobs.follow(job) if follow else (jobs.log(job),):
        typer.echo(piece, nl=not piece.endswith("\n"))


def status_there(name: str, cluster: str, as_json: bool) -> None:
    """Print the status of a study's newest job and its last output; exit code 1 if it failed."""
    from study.in_words import duration
    from study.machines.job_server import WORDS, Jobs

    jobs = Jobs(cluster)
    job = jobs.find(name)
    if as_json:
        print_json({**job.plain(), "log": jobs.log(job).splitlines()[-LAST_LINES:]})
    else:
        took = duration((time.time() if job.ended is None else job.ended) - job.began)
        typer.echo(f"{name}: {WORDS.get(job.status, job.status)} as {job.id}, {took}")
        for line in jobs.log(job).splitlines()[-LAST_LINES:]:
            typer.echo(f"  {line}")
        if job.status == "FAILED" and job.message:
            typer.echo(f"Ray says: {job.message}")
    if job.status == "FAILED":
        raise typer.Exit(FAILURES)


def stop_there(name: str, cluster: str) -> None:
    """Request a study's job to stop."""
    from study.machines.job_server import Jobs

    jobs = Jobs(cluster)
    job = jobs.find(name)
    if not job.lives:
        typer.echo(f"{name}: {job.id} has ended; nothing to stop")
        return
    jobs.stop(job)
    typer.echo(f"{name}: asked {job.id} to stop; it saves what is under way first")
