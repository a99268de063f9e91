"""Invalid ledgers and addresses: one line, exit code 2, nothing started or changed, no password shown."""

import pathlib
import re
import tempfile

import pytest
import ray
import yaml

from study.command.cli import run_command
from tests.study.bad_places import ADDRESSES, LEDGERS, SECRET, TO_BE_READ, Make, on_server
from tests.study.bad_studies import CASES, SMALL
from tests.study.ledger.database.test_location import _as_nobody
from tests.trainables.data.files import pair

READING = (["status", "small"], ["list"], ["stop", "small"], ["report", "small"], ["export", "small", "out.sqlite"])


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEGSTUDY_HOME", raising=False)
    return tmp_path


@pytest.fixture
def study(folder: pathlib.Path) -> list[str]:
    """A valid study, and the command that would run it."""
    for number, name in enumerate(CASES):
        pair(folder / "data", name, seed=number)
    (folder / "study.yaml").write_text(yaml.safe_dump(SMALL, sort_keys=False))
    return ["run", "study.yaml"]


def refused(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str], folder: pathlib.Path) -> None:
    before = _listing(folder)
    code = run_command(arguments)
    said = capsys.readouterr()
    assert code == 2, said
    assert said.out == ""
    assert re.fullmatch(r"Error: [^\n]*\n", said.err), said.err
    assert re.search(expected, said.err), said.err
    assert SECRET not in said.err
    assert "Traceback" not in said.err
    assert not ray.is_initialized()
    assert _listing(folder) == before


def _listing(folder: pathlib.Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize("name", [*LEDGERS, *TO_BE_READ])
def test_a_ledger_to_be_read(name: str, folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, expected = (LEDGERS | TO_BE_READ)[name]
    where = make(folder)
    for command in READING:
        refused([*command, "--ledger", where], expected, capsys, folder)


@pytest.mark.parametrize("name", LEDGERS)
def test_a_ledger_to_be_written(
    name: str, study: list[str], folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, expected = LEDGERS[name]
    refused([*study, "--ledger", make(folder)], expected, capsys, folder)


def test_ledgers_on_a_server(
    postgres: str, study: list[str], folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for where, expected in on_server(postgres).values():
        for command in (*READING, study):
            refused([*command, "--ledger", where], expected, capsys, folder)


@pytest.mark.parametrize("name", ADDRESSES)
def test_addresses(name: str, study: list[str], folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, expected = ADDRESSES[name]
    refused([*study, *arguments], expected, capsys, folder)


@pytest.mark.parametrize("command", [["status", "small"], ["list"]])
def test_a_ledger_in_a_folder_that_is_closed_to_us(command: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        closed = pathlib.Path(name)
        make: Make = TO_BE_READ["an empty file"][0]
        where = make(closed)
        closed.chmod(0o000)
        try:
            code = _as_nobody(lambda: str(run_command([*command, "--ledger", where])))
        finally:
            closed.chmod(0o700)
        assert code == "2"
    said = capfd.readouterr().err
    assert re.fullmatch(r"Error: ledger '[^\n]*' cannot be opened: Permission denied; [^\n]*\n", said), said


def test_there_are_sixty_kinds_and_more() -> None:
    from tests.study.command.test_cli_bad_input import COMMAND_LINES, TABLE

    """Beside those of checkpoints, which end no command: tests/trainables/training/test_checkpoint.py."""
    assert sum(map(len, (TABLE, COMMAND_LINES, LEDGERS, TO_BE_READ, ADDRESSES))) > 155
