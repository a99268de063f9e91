"""The study file that is meant, and the changes of the command line: `--set`, `--data`, `--smoke`."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from study.study_file.errors import Path as KeyPath
from study.study_file.errors import SpecError, dotted, shown
from study.study_file.yaml_subset import LONGEST, Document, read, read_value
from trainables.errors import InputError

SMOKE = "smoke"
SMOKE_SUFFIX = "-smoke"
"""Added to the study's name, so that a smoke run and the study itself never meet in a ledger."""


def builtin_studies() -> dict[str, Traversable]:
    """Return name → study file that comes with segstudy (`search_spaces/studies/NAME.yaml`)."""
    folder = files("search_spaces") / "studies"
    found = sorted(folder.iterdir(), key=lambda file: file.name) if folder.is_dir() else []
    return {file.name.removesuffix(".yaml"): file for file in found if file.name.endswith(".yaml")}


def locate(source: str | Path) -> tuple[Traversable, Path | None]:
    """Return the study file that a name or path means; a file goes before a study that comes with segstudy.

    Returns:
        The file, and the folder that it lies in; None for a study that comes with segstudy.

    Raises:
        InputError: There is none, or it is a folder.
    """
    path, ours = Path(source).expanduser(), builtin_studies()
    if path.is_file():
        return path, path.resolve().parent
    if str(source) in ours:
        return ours[str(source)], None
    if path.is_dir():
        raise InputError(
            f"{source}: is a folder; give a study file, or write one for its images with `segstudy new {source}`."
        )
    beside = [str(path.parent / file.name) for file in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    near = difflib.get_close_matches(str(source), [*beside, *ours], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" Studies that come with segstudy: {', '.join(ours) or 'none'}."
    raise InputError(f"{source}: no such study file.{hint}")


def read_document(source: str | Path, file: Traversable) -> Document:
    """Return the file's tree.

    Raises:
        SpecError: It cannot be read, or is no mapping.
    """
    try:
        content = file.read_bytes()
        if len(content) > LONGEST:
            raise InputError(f"is {len(content):,} bytes long; a study file has {LONGEST:,} at most.")
        document = read(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SpecError(str(source), [f"is no UTF-8 text (byte {error.start})."]) from None
    except (OSError, InputError) as error:
        raise SpecError(str(source), [str(error)]) from None
    if not isinstance(document.value, dict):
        found = "nothing" if document.value is None else shown(document.value)
        raise SpecError(str(source), [f"expected a study file (`name: …` and further keys), found {found}."])
    return document


def override(document: Document, overrides: Sequence[str]) -> None:
    """Apply `key.sub=value` settings to a document's tree, in order.

    A value is YAML: `6`, `[10, 20]`, `{low: 1, high: 5}`. Keys that the file lacks are made; whether there is such a
    key is checked with the rest of the file.

    Raises:
        InputError: One is no such setting, or leads into a value that has no keys.
    """
    for setting in overrides:
        key, equals, text = setting.partition("=")
        path: KeyPath = tuple(key.strip().split("."))
        if not equals or not all(path):
            raise InputError(f"--set {setting}: expected key=value, such as budget.trials_per_arm=6.")
        try:
            value = read_value(text)
        except InputError as error:
            raise InputError(f"--set {setting}: {error}") from None
        put(document, path, value, option="--set")


def put(document: Document, path: KeyPath, value: object, *, option: str) -> None:
    """Set one value; errors about it will name the option of the command line.

    Raises:
        InputError: The path leads into a value that has no keys.
    """
    _put(document.value, path, value, option)
    for written in [other for other in document.lines if other[: len(path)] == path]:
        del document.lines[written]
    document.lines[path] = option
    for end in range(1, len(path)):
        document.lines.setdefault(path[:end], option)


def _put(tree: dict[str, Any], path: KeyPath, value: object, option: str) -> None:
    for depth, part in enumerate(path[:-1], start=1):
        inside = tree.get(str(part))
        if depth == 1 and part in ("models", "losses") and isinstance(inside, list | str):
            inside = dict.fromkeys([inside] if isinstance(inside, str) else map(str, inside))
        inside = {} if inside is None else inside
        if not isinstance(inside, dict):
            where = dotted(path[:depth])
            raise InputError(
                f"{option} {dotted(path)}: {where} is {shown(inside)} and has no keys; set {where} as a whole."
            )
        tree[str(part)] = inside
        tree = inside
    tree[str(path[-1])] = value


def apply_smoke(document: Document, source: str, *, wanted: bool) -> None:
    """Remove the `smoke` section from a study file; where it is wanted, its values replace the file's.

    Mappings in it are followed inwards; scalars and lists replace what the file says. What the command line sets comes
    later and wins.

    Args:
        document: The file's tree; changed in place.
        source: Name of the file in errors.
        wanted: Whether `--smoke` was given.

    Raises:
        SpecError: It is no mapping, or is wanted and not there.
    """
    lines = {path: line for path, line in document.lines.items() if path[:1] == (SMOKE,)}
    given = document.value.pop(SMOKE, None)
    for path in lines:
        del document.lines[path]
    if given is not None and not isinstance(given, Mapping):
        raise SpecError(source, [f"smoke: expected keys of the study file with other values, found {shown(given)}."])
    if not wanted:
        return
    if not given:
        text = (
            "--smoke: the file has no `smoke` section. Write one: what it says replaces the file's own lines, such as"
        )
        raise SpecError(source, [f"{text} `smoke: {{training: {{iterations: 40}}, budget: {{final_seeds: 1}}}}`."])
    for path, value in _smoke_leaves(given, ()):
        put(document, path, value, option=lines.get((SMOKE, *path), SMOKE))
    document.value["name"] = f"{document.value.get('name')}{SMOKE_SUFFIX}"


def _smoke_leaves(tree: Mapping[str, object], path: KeyPath) -> Iterator[tuple[KeyPath, object]]:
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _smoke_leaves(value, (*path, key))
        else:
            yield (*path, key), value
