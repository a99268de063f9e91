"""`segstudy report` and `export`: writes a study's results as tables, and its ledger as one file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from study.command.options import HOME, Home, LedgerAt, Name, Places
from study.command.output import console
from study.errors import unwritable


def report(
    names: Annotated[list[str], typer.Argument(metavar="STUDY...", help="A study; or several, in one table.")],
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", help="md, csv, tex, html, bib: all by default; xlsx; figures: SVG, PDF, PNG. Repeatable."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the report.", show_default="HOME/reports/STUDY")] = None,
    cross_check: Annotated[
        bool, typer.Option("--cross-check", help="Print its p-values beside SciPy's and statsmodels' instead.")
    ] = False,
    home: Home = HOME,
    ledger: LedgerAt = None,
) -> None:
    """Write a study's tables, statistics and pictures from the ledger, at any time.

    Several studies stand side by side, each by its own objective.
    Example: segstudy report demo --format html --out report
    """
    places = Places.of(home, ledger)
    if cross_check:
        from reports.build import cross_check as checked

        for name in names:
            typer.echo(checked(places.ledger, name), nl=False)
        return
    write_report(places, names, out, formats or ())


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
    from study.in_words import counted
    from study.ledger import Ledger

    with Ledger.open(Places.of(home, ledger).ledger, read_only=True) as opened:
        archived = opened.export(opened.study(name).id, file)
    typer.echo(f"{name}: {counted(archived.trials, 'trial')}, digest {archived.digest}, in {file}")


def write_report(places: Places, names: Sequence[str], folder: Path | None = None, formats: Sequence[str] = ()) -> None:
    """Write a report, print its table and the paths of its files."""
    from reports.build import FORMATS, text, write

    target = folder or places.reports("+".join(names))
    shown = text(places.ledger, names, width=min(console().width, 100))
    try:
        paths = write(places.ledger, names, target, formats or tuple(FORMATS))
    except OSError as error:
        raise unwritable(str(target), error, "Name another folder by --out.") from error
    typer.echo(shown, nl=False)
    typer.echo("")
    for path in dict.fromkeys(path if path.parent == target else path.parent for path in paths.values()):
        typer.echo(f"{' '.join(names)}: {path}")
    for name in names:
        _count_reading(places.ledger, name)


def _count_reading(ledger: str, name: str) -> None:
    """Count in the ledger that test results were read, if it can be written (a published archive cannot)."""
    from contextlib import suppress

    from sqlalchemy.exc import DBAPIError

    from study.ledger import Ledger

    with Ledger.open(ledger, read_only=True) as reading:
        if reading.is_archive:  # it stays as it was published
            return
    with suppress(DBAPIError), Ledger.open(ledger) as opened:
        opened.count_report_read(opened.study(name).id)
