"""README, CONTRIBUTING and CHANGELOG match the repository: commands, study file, links, make targets."""

import pathlib
import re
import shlex

import pytest

from study.command.cli import run_command
from study.study_file import Study
from study.study_file.yaml_subset import read

ROOT = pathlib.Path(__file__).parents[1]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
GUIDE = tuple(f"docs/guide/{path.name}" for path in sorted((ROOT / "docs" / "guide").glob("*.md")))


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", _text(name), re.MULTILINE | re.DOTALL)


def _commands() -> list[list[str]]:
    lines = [line for name in (*DOCUMENTS, *GUIDE) for block in _blocks(name, "bash") for line in block.splitlines()]
    inline = [
        found for name in (*DOCUMENTS, *GUIDE) for found in re.findall(r"`((?:segstudy|make) [^`]+)`", _text(name))
    ]
    return [shlex.split(line, comments=True) for line in [*lines, *inline] if shlex.split(line, comments=True)]


SEGSTUDY = [words[1:] for words in _commands() if words[0] == "segstudy"]
MAKE = [words[1] for words in _commands() if words[0] == "make"]


@pytest.mark.parametrize("arguments", SEGSTUDY, ids=" ".join)
def test_commands_exist_with_their_options(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([*arguments, "--help"]) == 0, capsys.readouterr().err


def test_there_are_commands_to_hold() -> None:
    assert {words[0] for words in SEGSTUDY} >= {"phantom", "check", "run", "status", "report", "ui"}
    assert {"demo", "test", "install", "lint"} <= set(MAKE)


@pytest.mark.parametrize("target", sorted(set(MAKE)))
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", _text("Makefile"), re.MULTILINE)


def test_the_small_study_file_of_the_readme_is_right() -> None:
    (block,) = _blocks("README.md", "yaml")
    study = Study.from_plain(read(block).value)
    assert [arm.name for arm in study.arms] == ["unet3d+dice", "unet3d+focal", "unet3d+dice_cross_entropy"]


def test_the_study_file_is_right() -> None:
    (block,) = _blocks("docs/guide/study-file.md", "yaml")
    study = Study.from_plain(read(block).value)
    ours = ["dice", "focal", "tversky", "cross_entropy", "weighted_dice"]
    assert [arm.loss for arm in study.arms] == [*ours, "dice_and_focal", "smooth_tversky"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", _text(name))
    missing = [target for target in targets if "://" not in target and not (ROOT / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", ["docs/FAULTS.md", "docs/BEHAVIOURS.md"])
def test_every_row_names_tests_that_are_there(page: str) -> None:
    """Hold that no row lacks a test, and that no test is gone."""
    lines = [line for line in _text(page).splitlines() if line.startswith("| ")]
    rows = [line for line in lines if not re.match(r"\| (---|fault|one expects) ", line)]
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`(tests/[^`]+)`", re.split(r"(?<!\\)\|", row)[-2])
        assert named, row
        for name in named:
            path, *within = name.split("::")
            text = _text(path)  # a script is a test as a whole
            assert not within or re.search(rf"^ *def {within[-1]}\(", text, re.MULTILINE), name
