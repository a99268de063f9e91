"""`segstudy phantom`: writes synthetic images to try segstudy out."""

from pathlib import Path
from typing import Annotated

import typer

from study.errors import unwritable


def phantom(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    cases: Annotated[int, typer.Option(help="How many cases.")] = 24,
    dim: Annotated[int, typer.Option(help="3: volumes (NIfTI, nnU-Net's layout); 2: slices (PNG).")] = 3,
    seed: Annotated[int, typer.Option(help="Another seed, other patients.")] = 0,
) -> None:
    """Write made-up CT-like images with an organ and lesions, to try segstudy out.

    Example: segstudy phantom phantoms --cases 24 --dim 2 --seed 1
    """
    from trainables.data.phantom.phantom import LABELS, generate

    try:
        generate(folder, cases, dim, seed)
    except OSError as error:
        raise unwritable(str(folder), error, "Name another folder.") from error
    labels = ", ".join(f"{name} {value}" for name, value in LABELS.items())
    typer.echo(f"{cases} cases in {folder}; labels: {labels}; group: '^(phantom_p[0-9]+)'")
