"""`segstudy ui`: serves MLflow's page."""

from typing import Annotated

import typer

from study.command.options import HOME, Home, MlflowAt


def ui(
    home: Home = HOME,
    mlflow: MlflowAt = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port to listen on; a free one by default.")] = None,
) -> None:
    """Open MLflow's page over the home's database, until Ctrl-C.

    Example: segstudy ui
    """
    from study.tracking.ui import open_ui

    open_ui(home, mlflow, host=host, port=port, say=typer.echo)
