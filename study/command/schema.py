"""`segstudy schema`: the study file's JSON Schema, for editors and other programs."""

from pathlib import Path
from typing import Annotated

import typer

from study.command.output import print_json
from study.errors import unwritable
from trainables.storage.requested_files import replace_files


def schema(
    output: Annotated[Path | None, typer.Option(help="Write it to this file instead of the terminal.")] = None,
) -> None:
    """Print the JSON Schema (2020-12) of the study file: every key with its description, default and range.

    An editor with YAML support completes keys by it when the study file begins with
    `# yaml-language-server: $schema=study.schema.json`.

    Example: segstudy schema --output study.schema.json
    """
    from study.study_file.schema.document import schema as made
    from study.study_file.schema.document import written

    if output is None:
        print_json(made())
        return
    try:
        replace_files({output: written().encode()})
    except OSError as error:
        raise unwritable(f"--output {output}", error, "Name another file.") from error
