"""The page of endings: complete, and as the command has it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from study import errors
from study.command import cli
from trainables.errors import InputError

ROOT = Path(errors.__file__).parent
LINE = re.compile(r"^[├└─ ]*((?:\w+, )*\w+) {2,}\S.* (\d+|-)$", re.MULTILINE)


def _page() -> dict[str, str]:
    """Exception → exit code, as the page says."""
    assert errors.__doc__ is not None
    return {name: code for names, code in LINE.findall(errors.__doc__) for name in names.split(", ")}


def _defined() -> Iterator[str]:
    """Every exception class of the package that leaves its module."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            bases = [ast.unparse(base) for base in getattr(node, "bases", ())]
            public = isinstance(node, ast.ClassDef) and not node.name.startswith("_")
            if public and any(re.search(r"(Error|Exception)$", base) for base in bases):
                yield node.name


def test_the_page_names_every_exception_of_the_package() -> None:
    assert {"FencedOut", "SpecError", "StoppedError"} < set(_defined())
    assert set(_defined()) - set(_page()) == set()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("no"), 2),
        (errors.LeaseHeld("no", owner="process 7", until=1.0), 2),
        (errors.LedgerNotMadeError("no"), 2),
        (errors.LedgerAwayError("no"), 2),
        (errors.RunEndedError("no"), 1),
        (errors.Stopped("no"), 130),
        (errors.FencedOut("no"), 1),
        (errors.MachineTroubleError("no"), 1),
        (errors.TuneCrashError("no"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_command_ends_with_the_code_of_the_page(
    error: InputError | errors.RunEndedError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", broken)
    assert cli.run_command(["run"]) == code == int(_page()[type(error).__name__])
    assert capsys.readouterr().err == "Error: no\n"


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **options: object) -> None:
        raise KeyError("key")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(KeyError):
        cli.run_command(["run"])
