"""`segstudy status`, `stop` and `list`: studies of a ledger, by name."""

import typer

from study.command.options import HOME, AsJson, ClusterAt, Home, LedgerAt, Name, Places
from study.command.output import console, print_json
from study.errors import FAILURES


def status(
    name: Name,
    home: Home = HOME,
    ledger: LedgerAt = None,
    cluster: ClusterAt = None,
    as_json: AsJson = False,
) -> None:
    """Show where a study stands, also while another process runs it. Ends with 1 where trials failed.

    With --cluster: how its job there stands, and the last that it said.
    Example: segstudy status demo
    """
    if cluster is not None:
        from study.command.jobs import status_there

        status_there(name, cluster, as_json)
        return
    from study.console.status_text import status_of, status_text

    found = status_of(Places.of(home, ledger).ledger, name)
    if as_json:
        print_json(found.plain())
    else:
        screen = console()
        screen.print(status_text(found, screen.width), soft_wrap=not screen.is_terminal)
    if found.progress.failed:
        raise typer.Exit(FAILURES)


def stop(name: Name, home: Home = HOME, ledger: LedgerAt = None, cluster: ClusterAt = None) -> None:
    """Ask whoever runs a study to stop where nothing is lost.

    Example: segstudy stop demo
    """
    if cluster is not None:
        from study.command.jobs import stop_there

        stop_there(name, cluster)
        return
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


def list_studies(home: Home = HOME, ledger: LedgerAt = None, as_json: AsJson = False) -> None:
    """List a ledger's studies.

    Example: segstudy list
    """
    from study.console.status_text import listing, studies

    found = studies(Places.of(home, ledger).ledger)
    if as_json:
        print_json([progress.plain() for progress in found])
    else:
        console().print(listing(found))
