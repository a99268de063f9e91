"""`segstudy space`: the search space of an arm for other programs, and theirs for a study file."""

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from study.command.options import AllowCode, Data, Set
from study.errors import unwritable
from trainables.errors import InputError

if TYPE_CHECKING:
    from search_spaces.grammar import Parameter, Space
    from study.design import Arm

Program = Literal["ray", "optuna", "configspace", "synetune"]
LARGEST = 10_000_000
"""Bytes of a file with a search space at most."""


def space(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A study file or a shipped study; with --from: the file.")
    ],
    arm: Annotated[str | None, typer.Option(help="The arm, such as unet3d+dice; needed where spaces differ.")] = None,
    to: Annotated[Program | None, typer.Option(help="Write the arm's space for this program.")] = None,
    origin: Annotated[Program | None, typer.Option("--from", help="Read FILE as this program's search space.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write it to this file instead of the terminal.")] = None,
    settings: Set = None,
    data: Data = None,
    allow_code: AllowCode = False,
) -> None:
    """Write an arm's search space for Ray Tune, Optuna, ConfigSpace or Syne Tune, or read theirs for a study file.

    Both ends, steps and logarithms stay what they are, though the programs differ in them; where one draws values more
    or less often than segstudy, a note says so. ray: a Python file, which is read and never run. optuna: its JSON of
    distributions. configspace: its to_json. synetune: its config_space_to_json_dict as JSON.

    Example: segstudy space demo --arm unet+dice --to optuna

    Example: segstudy space space.py --from ray
    """
    if (to is None) == (origin is None):
        raise InputError("segstudy space: give either --to or --from ray, optuna, configspace or synetune.")
    if origin is not None:
        text, notes = _read(Path(file), origin)
    else:
        assert to is not None
        text, notes = _written(file, arm, to, settings or [], data, allow_code)
    if output is None:
        typer.echo(text, nl=False)
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise unwritable(f"--output {output}", error, "Name another file.") from error
    for note in notes:
        typer.echo(f"note: {note}", err=True)


def _read(file: Path, origin: Program) -> tuple[str, tuple[str, ...]]:
    """Return a search space of another program as lines of a study file, and notes."""
    from search_spaces.exchange.programs import READERS
    from search_spaces.grammar import GrammarError

    try:
        with file.open("rb") as opened:
            found = opened.read(LARGEST + 1)
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from error
    if len(found) > LARGEST:
        raise InputError(f"{file}: has more than {LARGEST // 1_000_000} MB, so it is no search space")
    try:
        read = READERS[origin](found.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is no text") from error
    except GrammarError as error:
        raise InputError("\n".join(f"{file}: {key}: {text}" for key, text in error.problems)) from error
    return _study_lines(read.space), read.notes


def _study_lines(space: "Space") -> str:
    import yaml

    from search_spaces.grammar import nested

    names = sorted(space)
    for before, after in itertools.pairwise(names):
        if after.startswith(f"{before}."):
            raise InputError(f"{after}: a study file cannot have a value for {before} and one inside it; rename one")
    lines: str = yaml.safe_dump(
        nested({name: _short(parameter) for name, parameter in space.items()}),
        sort_keys=False,
        default_flow_style=None,
        allow_unicode=True,
        width=120,
    )
    return lines


def _short(parameter: "Parameter") -> Any:
    """Return a parameter as a study file says it, without keys that have their defaults."""
    from search_spaces.grammar import Range, written

    if not isinstance(parameter, Range):
        return written(parameter)
    return {key: value for key, value in written(parameter).items() if value is not None and value is not False}


def _written(
    file: str, arm: str | None, to: Program, settings: list[str], data: str | None, allow_code: bool
) -> tuple[str, tuple[str, ...]]:
    from search_spaces.exchange.programs import WRITERS
    from search_spaces.grammar import GrammarError
    from study.study_file import load

    study = load(file, settings, data=data or ".", allow_code=allow_code)
    chosen = _chosen(study.arms, arm)
    try:
        made = WRITERS[to](chosen.space, chosen.default)
    except GrammarError as error:
        raise InputError("\n".join(f"{chosen.name}: {key}: {text}" for key, text in error.problems)) from error
    return made.text, made.notes


def _chosen(arms: "tuple[Arm, ...]", name: str | None) -> "Arm":
    """Return the named arm; without a name the only one, or the first where all have one space."""
    names = ", ".join(arm.name for arm in arms)
    if name is not None:
        found = next((arm for arm in arms if arm.name == name), None)
        if found is None:
            raise InputError(f"--arm {name}: the study has {names}.")
        return found
    if any(_plain(arm) != _plain(arms[0]) for arm in arms[1:]):
        raise InputError(f"--arm: spaces differ; name one of {names}.")
    return arms[0]


def _plain(arm: "Arm") -> str:
    from search_spaces.grammar import to_plain

    return json.dumps([[name, to_plain(parameter), arm.default[name]] for name, parameter in arm.space.items()])
