"""docs/ARCHITECTURE.md matches the folders and files, and the code's terms match the page's."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
PACKAGES = ("search_spaces", "trainables", "study", "reports", "segstudy")
DATA = {"templates"}
"""Folders of package data, which are no packages."""

MOST_LINES = 300
MOST_MODULES = 20
LARGE = {"trainables/losses"}
"""Folders that may hold more modules: one for each loss."""

RETIRED = {
    "desk": "dispatcher",
    "enrolment": "registration",
    "solitude": "out of memory",
    "stagger": "lead",
    "wishes": "autoscaler requests",
    "sweeping": "leftover checkpoints",
}
"""Retired terms of the project, with the field's term for each."""


def _drawn() -> set[str]:
    """Paths of the folders in the page's drawing, by indentation."""
    block = re.search(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert block is not None
    paths, above = set(), []
    for line in block[1].splitlines():
        depth = (len(line) - len(line.lstrip())) // 4
        above = [*above[:depth], line.split()[0].rstrip("/")]
        paths.add("/".join(above))
    return paths


def _folders() -> set[str]:
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    studies = {ROOT / "search_spaces" / "studies"}
    return {folder.relative_to(ROOT).as_posix() for folder in folders | studies}


def _modules() -> list[pathlib.Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def test_the_drawing_shows_every_folder_and_no_other() -> None:
    assert _drawn() == _folders()


def test_every_file_that_the_page_names_is_there() -> None:
    named = re.findall(r"`((?:study|trainables|reports|search_spaces|segstudy|tests)/[\w/.]+)`", PAGE)
    assert len(named) > 40
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_files_and_folders_stay_small() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in _modules() if (lines := _lines(path)) > MOST_LINES}
    assert long == {}
    full = {folder: count for folder in _folders() - LARGE if (count := _count(ROOT / folder)) > MOST_MODULES}
    assert full == {}


def _lines(path: pathlib.Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def _count(folder: pathlib.Path) -> int:
    return sum(path.name != "__init__.py" for path in folder.glob("*.py"))


@pytest.mark.parametrize("word", RETIRED)
def test_retired_words_stay_out_of_the_code(word: str) -> None:
    pattern = re.compile(rf"(?<![a-z]){word}(?![a-z])", re.IGNORECASE)
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "docs" / "ARCHITECTURE.md",
        ROOT / "docs" / "FAULTS.md",
    ]
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in [*_modules(), *pages]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == [], f"say {RETIRED[word]!r}"


def test_only_tune_imports_ray_tune() -> None:
    importing = re.compile(
        r"^\s*(from ray import .*\btune\b|from ray\.tune(?!\.execution\.class_cache)|import ray\.tune)", re.MULTILINE
    )
    files = {path.relative_to(ROOT).as_posix() for path in _modules() if importing.search(path.read_text("utf-8"))}
    outside = {name for name in files if not name.startswith("study/tune/")}
    assert outside == {"trainables/segmenter.py"}
