"""What all subcommands share: how they print."""

import json
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console


def console() -> "Console":
    """Where tables go: as wide as the terminal, without colours of its own."""
    from rich.console import Console

    return Console(highlight=False)


def print_json(data: Any) -> None:
    """Prints for programs."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
