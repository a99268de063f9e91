"""Printing, shared by all subcommands."""

import json
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console


def console() -> "Console":
    """Return the console for tables: as wide as the terminal, without highlighting."""
    from rich.console import Console

    return Console(highlight=False)


def print_json(data: Any) -> None:
    """Print JSON for programs."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
