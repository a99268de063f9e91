"""`segstudy schema`: the study file's JSON Schema, for editors and other programs."""

from pathlib import Path
from typing import Annotated

import typer

from study.command.output import print_json
from trainables.errors import InputError


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
        output.write_text(written(), encoding="utf-8")
    except OSError as error:
        raise InputError(f"--output {output}: cannot be written ({error.strerror}).") from error
