"""`segstudy check`: opens every file of a study and shows its data and plan."""

from pathlib import Path
from typing import Annotated

import typer

from study.command.options import HOME, AllowCode, AsJson, Data, File, Home, LedgerAt, Places, Set, Smoke, made
from study.command.output import console, print_json
from study.events import Event, Step, ignore


def check(
    file: File,
    data: Data = None,
    settings: Set = None,
    smoke: Smoke = False,
    allow_code: AllowCode = False,
    home: Home = HOME,
    html: Annotated[Path | None, typer.Option(help="Also write a page with a picture of every case.")] = None,
    slots: Annotated[int | None, typer.Option(min=1, help="Estimate with this number of segments at once.")] = None,
    gpus: Annotated[int | None, typer.Option(min=1, help="Estimate of time and cost on this number of GPUs.")] = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Measure its networks here, and keep it in the ledger.")
    ] = False,
    ledger: LedgerAt = None,
    as_json: AsJson = False,
) -> None:
    """Open every file of a study, and show its data and its plan. Nothing is started.

    What was seen of a file is kept in the home's cache, so that the next check opens only what has changed. A home that
    is not there yet is made when nothing is wrong.

    Example: segstudy check demo --data phantoms
    """
    from study.checking.check import check as look
    from study.checking.facts_memory import facts_memory
    from study.checking.own_code import try_code
    from study.machines.nodes import this_machine
    from study.study_file import load

    study = load(file, settings or (), data=data, small=smoke, allow_code=allow_code)
    try_code(study)
    with facts_memory(home) as memory:
        found = look(study, this_machine(), memory, ignore if as_json else _told)
        if html is not None:
            from study.checking.page import write_page

            write_page(found, html, memory)
    ahead = None
    if slots is not None or gpus is not None or probe:
        from study.checking.local_probe import ahead as look_ahead

        places = Places.of(made(home, "--home") if probe else home, ledger)
        tell = ignore if as_json else _told
        ahead = look_ahead(found, places.ledger, this_machine(), gpus=gpus, slots=slots, probe=probe, tell=tell)
    if as_json:
        from study.checking.detectable_difference import detectable

        smallest = detectable(found.study, found.facts, found.splits)
        plain = {**found.plain(), "detectable": smallest and smallest.plain()}
        print_json(plain if ahead is None else {**plain, "outlook": ahead.plain()})
        return
    from study.checking.text import text

    console().print(text(found))
    if ahead is not None:
        typer.echo("")
        for line in ahead.lines():
            console().print(f"Outlook: {line}")
    if html is not None:
        typer.echo(f"\n{html}")


def _told(event: Event) -> None:
    """Print the steps that take long."""
    if isinstance(event, Step):
        typer.echo(event.text)
