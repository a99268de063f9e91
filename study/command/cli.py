"""The command, `segstudy`: its subcommands, in the order in which --help shows them, and its exit codes."""

import os
import sys
import threading
from collections.abc import Callable
from typing import Annotated

import typer

from study.command import cards, check, jobs, new, phantom, predict, report, run, schema, score, space, status, ui
from study.command.audience import READER_GONE, ReaderGoneError, audience
from study.command.loopback import ask_loopback_directly
from study.errors import BAD_INPUT, DONE, FAILURES, STOPPED, RunEndedError, exit_code
from study.signals import as_ctrl_c
from trainables.errors import InputError

COMMANDS: dict[str, Callable[..., None]] = {
    "new": new.new,
    "check": check.check,
    "run": run.run,
    "status": status.status,
    "stop": status.stop,
    "submit": jobs.submit,
    "logs": jobs.logs,
    "report": report.report,
    "export": report.export,
    "predict": predict.predict,
    "score": score.score,
    "list": status.list_studies,
    "losses": cards.losses,
    "models": cards.models,
    "metrics": cards.metrics,
    "schema": schema.schema,
    "space": space.space,
    "phantom": phantom.phantom,
    "ui": ui.ui,
}

app = typer.Typer(
    help="Fair, reproducible studies of losses and networks for medical image segmentation.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    arguments = sys.argv[1:]
    ask_loopback_directly()
    as_ctrl_c()
    try:
        with audience(goes_on=arguments[:1] == ["run"]):
            code = run_command(arguments)
    except ReaderGoneError:
        code = READER_GONE
    except InputError as error:
        typer.echo(f"Error: {error}", err=True)
        code = BAD_INPUT
    if code == STOPPED and len(threading.enumerate()) > 1:
        os._exit(code)  # nothing is left to do but to wait for threads, such as one that opens a large case
    sys.exit(code)


def run_command(arguments: list[str]) -> int:
    """Run one command line.

    Args:
        arguments: Without the program's name.

    Returns:
        The exit code (`study.errors`). An error of the input or the machines is one line on stderr; a bug keeps its
        traceback.
    """
    try:
        return app(arguments, prog_name="segstudy", standalone_mode=False) or DONE
    except (InputError, RunEndedError) as error:
        typer.echo(f"Error: {error}", err=True)
        return exit_code(error)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("stopped", err=True)
        return STOPPED
    except OSError as error:
        from study.machines.storage_trouble import trouble

        if (line := trouble(error)) is None:
            raise
        typer.echo(f"Error: {line}", err=True)
        return FAILURES
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


for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


if __name__ == "__main__":
    main()
