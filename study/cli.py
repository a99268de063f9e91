"""The command: `segstudy check | run | status | stop | report | list | phantom | ui`.

It imports what a subcommand needs when the subcommand runs: `segstudy --help` and `status` answer at once.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from study.options import AsJson, Data, Set
from trainables.errors import InputError

DONE, FAILURES, BAD_INPUT, STOPPED = 0, 1, 2, 130
"""Exit codes: done; the study has failures to look at; bad input; stopped."""

app = typer.Typer(
    help="Fair, reproducible studies of losses and networks for medical image segmentation.",
    add_completion=False,
    no_args_is_help=True,
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
        The exit code. What the user gave and is wrong is said in a line on stderr; bugs keep their traceback.
    """
    try:
        return app(arguments, prog_name="segstudy", standalone_mode=False) or DONE
    except InputError as error:
        typer.echo(f"Error: {error}", err=True)
        return BAD_INPUT
    except typer.TyperException as error:
        typer.echo(f"Error: {error.format_message()}", err=True)
        return BAD_INPUT
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("Stopped.", err=True)
        return STOPPED


@app.callback(invoke_without_command=True)
def options(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Options before the command."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"segstudy {version_of('segstudy')}")
        raise typer.Exit


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

    generate(folder, cases, dim, seed)
    labels = ", ".join(f"{name} {value}" for name, value in LABELS.items())
    typer.echo(f"{cases} cases in {folder}; labels: {labels}; group: '^(phantom_p[0-9]+)'")


@app.command()
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A study file, or the name of one that comes along.")],
    data: Data = None,
    settings: Set = None,
    as_json: AsJson = False,
) -> None:
    """Open every file of a study, and show its data and its plan. Nothing is written and nothing is started.

    Example: segstudy check demo --data phantoms
    """
    from study.checks import check as look
    from study.nodes import this_machine
    from study.spec import load

    found = look(load(file, settings or (), data=data), this_machine())
    if as_json:
        _print_json(found.plain())
    else:
        from rich.console import Console

        from study.check_text import text

        Console(highlight=False).print(text(found))


def _print_json(data: Any) -> None:
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
