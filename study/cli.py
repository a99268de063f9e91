"""The command: `segstudy check | run | status | stop | report | export | list | losses | models | phantom | ui`.

It imports what a subcommand needs when the subcommand runs: `segstudy --help` and `status` answer at once.
"""

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from study.options import HOME, AllowCode, AsJson, Data, Home, LedgerAt, MlflowAt, Places, Set, Smoke, StorageAt
from trainables.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

File = Annotated[str, typer.Argument(metavar="FILE", help="A study file, or the name of one that comes along.")]
Name = Annotated[str, typer.Argument(metavar="STUDY", help="The study's name.")]

DONE, FAILURES, BAD_INPUT, STOPPED = 0, 1, 2, 130
"""Exit codes: done; the study has failures to look at; bad input; stopped."""

app = typer.Typer(
    help="Fair, reproducible studies of losses and networks for medical image segmentation.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Runs one command line.

    Args:
        arguments: Without the program's name.

    Returns:
        The exit code; 130 after Ctrl-C. What the user gave and is wrong is said in a line on stderr; bugs keep their
        traceback.
    """
    try:
        return app(arguments, prog_name="segstudy", standalone_mode=False) or DONE
    except InputError as error:
        typer.echo(f"Error: {error}", err=True)
        return BAD_INPUT
    except typer.TyperException as error:
        typer.echo(f"Error: {error.format_message()}", err=True)
        return BAD_INPUT


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Options before the command."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"segstudy {version_of('segstudy')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def phantom(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    cases: Annotated[int, typer.Option(help="How many cases.")] = 24,
    dim: Annotated[int, typer.Option(help="3: volumes (NIfTI, nnU-Net's layout); 2: slices (PNG).")] = 3,
    seed: Annotated[int, typer.Option(help="Another seed, other patients.")] = 0,
) -> None:
    """Write made-up CT-like images with an organ and lesions, to try segstudy out.

    Example: segstudy phantom phantoms --cases 24 --dim 2 --seed 1
    """
    from trainables.data.phantom import LABELS, generate

    try:
        generate(folder, cases, dim, seed)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}). Name another folder.") from error
    labels = ", ".join(f"{name} {value}" for name, value in LABELS.items())
    typer.echo(f"{cases} cases in {folder}; labels: {labels}; group: '^(phantom_p[0-9]+)'")


@app.command()
def check(
    file: File,
    data: Data = None,
    settings: Set = None,
    smoke: Smoke = False,
    allow_code: AllowCode = False,
    home: Home = HOME,
    html: Annotated[Path | None, typer.Option(help="Also write a page with a picture of every case.")] = None,
    slots: Annotated[int | None, typer.Option(min=1, help="How it would go with so many segments at once.")] = None,
    as_json: AsJson = False,
) -> None:
    """Open every file of a study, and show its data and its plan. Nothing is started.

    What was seen of a file is kept in the home's cache, so that the next check opens only what has changed. A home that
    is not there yet is made when nothing is wrong.

    Example: segstudy check demo --data phantoms
    """
    from study.checks import check as look
    from study.memory import facts_memory
    from study.nodes import this_machine
    from study.spec import load
    from study.user_code import try_code

    study = load(file, settings or (), data=data, small=smoke, allow_code=allow_code)
    try_code(study)
    with facts_memory(home) as memory:
        found = look(study, this_machine(), memory)
        if html is not None:
            from study.check_page import write_page

            write_page(found, html, memory)
    from study.outlook import outlook

    ahead = None if slots is None else outlook(found.study.design(), slots)
    if as_json:
        from study.detectable import detectable

        smallest = detectable(found.study, found.facts, found.splits)
        plain = {**found.plain(), "detectable": smallest and smallest.plain()}
        _print_json(plain if ahead is None else {**plain, "outlook": ahead.plain()})
        return
    from study.check_text import text

    _console().print(text(found))
    for line in ahead.lines() if ahead is not None else ():
        _console().print(f"\nOutlook: {line}" if line.startswith("on ") else f"Outlook: {line}")
    if html is not None:
        typer.echo(f"\n{html}")


@app.command()
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
) -> None:
    """Run a study to its end, or go on with it. Ctrl-C stops where nothing is lost.

    Ends with 0, or with 1 where trials failed, 2 for bad input, 130 when stopped.

    Example: segstudy run demo --data phantoms
    """
    from study.running import ended, run_study
    from study.spec import load
    from study.user_code import try_code

    places = Places.of(home, ledger, mlflow, storage)
    study = load(file, settings or (), data=data, small=smoke, allow_code=allow_code)
    try_code(study)
    again = shlex.join(["segstudy", *sys.argv[1:]])
    try:
        result = run_study(study, places, _console())
    except KeyboardInterrupt:  # the second one: it could not wait
        typer.echo(f"{study.name}: stopped at once; segments under way go back to their last checkpoint. Go on with:")
        typer.echo(f"  {again}")
        raise typer.Exit(STOPPED) from None
    for line in ended(result, again):
        typer.echo(line)
    if result.complete:
        _write_report(places, [study.name])
    if not result.complete:
        raise typer.Exit(STOPPED if result.stopped else FAILURES)
    if result.failed or result.lost:
        typer.echo(f"Trials that failed, with reasons: segstudy status {study.name}")
        raise typer.Exit(FAILURES)


@app.command()
def status(
    name: Name,
    home: Home = HOME,
    ledger: LedgerAt = None,
    as_json: AsJson = False,
) -> None:
    """Show where a study stands, also while another process runs it. Ends with 1 where trials failed.

    Example: segstudy status demo
    """
    from study.status_text import status_of, status_text

    found = status_of(Places.of(home, ledger).ledger, name)
    if as_json:
        _print_json(found.plain())
    else:
        console = _console()
        console.print(status_text(found, console.width), soft_wrap=not console.is_terminal)
    if found.progress.failed:
        raise typer.Exit(FAILURES)


@app.command()
def stop(name: Name, home: Home = HOME, ledger: LedgerAt = None) -> None:
    """Ask whoever runs a study to stop where nothing is lost.

    Example: segstudy stop demo
    """
    from study.ledger import Ledger

    where = Places.of(home, ledger).ledger
    with Ledger.open(where, read_only=True) as reading:
        study = reading.study(name)
        driver = reading.status(study.id).driver
    if driver is None:
        typer.echo(f"{name}: nobody runs it; nothing to stop")
        return
    with Ledger.open(where) as writing:
        writing.request_stop(study.id)
    typer.echo(f"{name}: asked {driver} to stop; it saves what is under way first")


@app.command()
def report(
    names: Annotated[list[str], typer.Argument(metavar="STUDY...", help="A study; or several, in one table.")],
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", help="md, csv, tex, html, bib: all by default; xlsx; figures: SVG, PDF, PNG. Repeatable."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the report.", show_default="HOME/reports/STUDY")] = None,
    home: Home = HOME,
    ledger: LedgerAt = None,
) -> None:
    """Write a study's tables, statistics and pictures from the ledger, at any time.

    Several studies stand side by side, each by its own objective.
    Example: segstudy report demo --format html --out report
    """
    _write_report(Places.of(home, ledger), names, out, formats or ())


@app.command()
def export(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, such as study.sqlite.")],
    home: Home = HOME,
    ledger: LedgerAt = None,
) -> None:
    """Write one study's ledger into a file of its own, for a paper to publish with its tables.

    Whoever has the file gets the same tables: segstudy report STUDY --ledger FILE
    Example: segstudy export demo demo.sqlite
    """
    from study.ledger import Ledger
    from study.words import counted

    with Ledger.open(Places.of(home, ledger).ledger, read_only=True) as opened:
        archived = opened.export(opened.study(name).id, file)
    typer.echo(f"{name}: {counted(archived.trials, 'trial')}, digest {archived.digest}, in {file}")


@app.command("list")
def list_studies(home: Home = HOME, ledger: LedgerAt = None, as_json: AsJson = False) -> None:
    """List a ledger's studies.

    Example: segstudy list
    """
    from study.status_text import listing, studies

    found = studies(Places.of(home, ledger).ledger)
    if as_json:
        _print_json([progress.plain() for progress in found])
    else:
        _console().print(listing(found))


@app.command()
def losses(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A loss, for its card; or check.")] = None,
    own: Annotated[str | None, typer.Argument(metavar="[PATH]", help="After check: package.module:loss.")] = None,
    settings: Set = None,
    formula: Annotated[str | None, typer.Option(help="With check: the same in NumPy, package.module:formula.")] = None,
    oracle: Annotated[str | None, typer.Option(help="With check: the same from elsewhere, on tensors.")] = None,
    classes: Annotated[int, typer.Option(help="With check: classes that it is tried with.")] = 3,
    allow_code: AllowCode = False,
    as_json: AsJson = False,
) -> None:
    """List the losses; with a name, show its card; with check, try a loss of your own by the conformance kit.

    check imports and runs your code, so it needs --allow-code. It ends with 1 where the loss does not keep something.

    Example: segstudy losses focal_tversky

    Example: segstudy losses check my_package.losses:mine --set gamma=2 --allow-code
    """
    if name != "check":
        if own is not None or settings or formula or oracle:
            raise InputError("only `segstudy losses check package.module:loss` takes a path and its options")
        _show_card("losses", name, as_json)
        return
    if own is None:
        raise InputError("segstudy losses check: which? Give the import path of your loss, package.module:loss")
    if not allow_code:
        raise InputError(f"{own} is code of your own: allow it to run by --allow-code")
    from study.own_loss import failures

    found = failures(own, settings or (), formula=formula, oracle=oracle, classes=classes)
    if as_json:
        _print_json({"loss": own, "failures": found})
    else:
        typer.echo("\n".join([f"{own}: keeps all"] if not found else [f"{own}: {line}" for line in found]))
    if found:
        raise typer.Exit(FAILURES)


@app.command()
def models(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A network, for its card.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the networks; with a name, show its card: structure, parameters, sizes of patches, traps.

    Example: segstudy models unet3d
    """
    _show_card("models", name, as_json)


@app.command()
def ui(
    home: Home = HOME,
    mlflow: MlflowAt = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port to listen on; a free one by default.")] = None,
) -> None:
    """Open MLflow's page over the home's database, until Ctrl-C.

    Example: segstudy ui
    """
    from study.ui import open_ui

    open_ui(home, mlflow, host=host, port=port, say=typer.echo)


def _show_card(kind: str, name: str | None, as_json: bool) -> None:
    from study.cards import card, lines_of, list_text, text_of

    if name is None:
        _print_json(lines_of(kind)) if as_json else typer.echo(list_text(kind))
        return
    shown = card(kind, name)
    _print_json(shown.plain()) if as_json else typer.echo(text_of(shown))


def _write_report(
    places: Places, names: Sequence[str], folder: Path | None = None, formats: Sequence[str] = ()
) -> None:
    """Writes a report, shows its table, and says where it is."""
    from reports.build import FORMATS, text, write

    console = _console()
    target = folder or places.reports("+".join(names))
    shown = text(places.ledger, names, width=min(console.width, 100))
    try:
        paths = write(places.ledger, names, target, formats or tuple(FORMATS))
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror}). Name another folder by --out.") from error
    typer.echo(shown, nl=False)
    typer.echo("")
    for path in dict.fromkeys(path if path.parent == target else path.parent for path in paths.values()):
        typer.echo(f"{' '.join(names)}: {path}")
    for name in names:
        _count_reading(places.ledger, name)


def _count_reading(ledger: str, name: str) -> None:
    """Test cases were looked at: the ledger counts it, where it can be written (an archive cannot grow any more)."""
    from contextlib import suppress

    from sqlalchemy.exc import DBAPIError

    from study.ledger import Ledger

    with suppress(DBAPIError), Ledger.open(ledger) as opened:
        opened.count_report_read(opened.study(name).id)


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False)


def _print_json(data: Any) -> None:
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
