"""`segstudy new`: looks at a folder of images and writes a commented study file."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from study.errors import unwritable
from study.events import Event, Step
from trainables.errors import InputError


def new(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The folder of images and masks.")],
    out: Annotated[Path, typer.Option(help="The study file to write; it must not be there yet.")] = Path("study.yaml"),
    hours: Annotated[float, typer.Option(help="Time for the whole study; it sets the length of a training.")] = 8.0,
    gpus: Annotated[int, typer.Option(min=0, help="Number of GPUs of this machine; 0: its cores.")] = 0,
    probe: Annotated[
        bool, typer.Option("--probe/--no-probe", help="Measure the network here, so that the study fits the time.")
    ] = True,
) -> None:
    """Look at a folder of images and masks, and write a commented study file that runs unedited.

    Every file is opened. Each key of the study stands below the rule that set it and its source. Where names do not
    tell patients, a terminal is asked; else the group is unknown, and reports make no tests until the file says it.

    Example: segstudy new scans --out study.yaml --hours 8
    """
    if not 0 < hours < float("inf"):
        raise InputError(f"--hours {hours:g}: expected a time above 0.")
    if out.exists() or out.is_symlink():
        raise InputError(f"--out {out}: is there already. Name another file, or take it away.")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: no folder {str(out.parent)!r}. Make it, or name another file.")
    from study.machines.nodes import this_machine
    from study.proposing.propose import propose

    machine = this_machine()
    if gpus > machine.gpu:
        raise InputError(f"--gpus {gpus}: this machine has {machine.gpu:g} that PyTorch can use. Give {machine.gpu:g}.")
    made = propose(data, out, machine, hours=hours, gpus=gpus, probe=probe, ask=_asked(), tell=_told)
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(made.text)
    except OSError as error:
        raise unwritable(f"--out {out}", error, "Name another file.") from error
    typer.echo(f"{out}: {made.facts.cases} cases, group {made.facts.group}, {made.facts.iterations} iterations")
    if made.facts.outlook is not None:
        typer.echo(f"time: {made.facts.outlook}")
    for warning in made.warnings:
        typer.echo(f"note: {warning}")
    typer.echo(f"next: segstudy check {out}")


def _asked() -> Callable[[int], bool] | None:
    """Return the question about patients; None where nobody sits at a terminal."""
    if not sys.stdin.isatty():
        return None
    return lambda cases: typer.confirm(
        f"Names do not tell which cases share a patient. Is each of the {cases} cases another patient?", default=False
    )


def _told(event: Event) -> None:
    if isinstance(event, Step):
        typer.echo(event.text)
