"""`--smoke`: the `smoke` section of a study file, which makes the same study small enough to see it run in minutes."""

from collections.abc import Iterator, Mapping

from study.study_file.errors import Path, SpecError, shown
from study.study_file.overrides import put
from study.study_file.yaml_subset import Document

SECTION = "smoke"
SUFFIX = "-smoke"
"""Added to the study's name, so that a smoke run and the study itself never meet in a ledger."""


def apply(document: Document, source: str, *, wanted: bool) -> None:
    """Takes the `smoke` section out of a study file and, where it is wanted, lets it replace the file's lines.

    Mappings in it are followed inwards; scalars and lists replace what the file says. What the command line sets comes
    later and wins.

    Args:
        document: The file's tree; changed in place.
        source: What errors call the file.
        wanted: Whether `--smoke` was given.

    Raises:
        SpecError: It is no mapping, or is wanted and not there.
    """
    lines = {path: line for path, line in document.lines.items() if path[:1] == (SECTION,)}
    given = document.value.pop(SECTION, None)
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
    for path, value in _leaves(given, ()):
        put(document, path, value, option=lines.get((SECTION, *path), SECTION))
    document.value["name"] = f"{document.value.get('name')}{SUFFIX}"


def _leaves(tree: Mapping[str, object], path: Path) -> Iterator[tuple[Path, object]]:
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value
