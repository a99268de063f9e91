"""A ledger of somebody else: what is damaged or made up in it is refused in one line, and its names obey nobody."""

import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from study.command.cli import run_command
from study.ledger import Ledger
from tests.study import small
from trainables.errors import InputError


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        lease = small.fill(ledger)
        ledger.add_notice(lease.study_id, "a notice")
        ledger.export(lease.study_id, tmp_path / "study.sqlite")
    return tmp_path / "study.sqlite"


def _change(path: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement, values)
    connection.close()


BROKEN: list[tuple[str, object, Callable[[Ledger], object], str]] = [
    ("UPDATE studies SET file = ?", "{", lambda ledger: ledger.study("small"), "where JSON is expected"),
    ("UPDATE studies SET file = ?", "[1]", lambda ledger: ledger.studies(), "the file of study 'small' is '[1]'"),
    ("UPDATE studies SET marks = ?", '["a"]', lambda ledger: ledger.studies(), "the marks of study 'small'"),
    ("UPDATE studies SET marks = ?", "3", lambda ledger: ledger.studies(), "the marks of study 'small'"),
    ("UPDATE studies SET file = ?", "[" * 100_000, lambda ledger: ledger.studies(), "where JSON is expected"),
    ("UPDATE arms SET space = ?", "null", lambda ledger: ledger.arms(1), "the space of arm 0 is 'None'"),
    ("UPDATE cases SET splits = ?", '"test"', lambda ledger: ledger.cases(1), "the split of case 'case_1'"),
    ("UPDATE cases SET facts = ?", "{'a': 1}", lambda ledger: ledger.scores(1), "where JSON is expected"),
    ("UPDATE trials SET key = 'x' || id || ?", "", lambda ledger: ledger.trials(1), "a trial's key such as search-"),
    ("UPDATE trials SET key = key || ?", "/../..", lambda ledger: ledger.segments(1), "n000/../..'"),
    ("UPDATE trials SET key = key || ?", "\n", lambda ledger: ledger.scores(1), "a row's trial"),
    ("UPDATE trials SET source = ?", "me", lambda ledger: ledger.known(1), "found 'me'"),
    ("UPDATE trials SET parameters = ?", "7", lambda ledger: ledger.trials(1), "expected a mapping"),
    ("UPDATE previews SET image = ?", b"no", lambda ledger: ledger.previews(1), "cannot be inflated"),
    ("UPDATE previews SET image = ?", zlib.compress(b"abc"), lambda ledger: ledger.previews(1), "than 1 x 1 x 2"),
    ("UPDATE previews SET image = ?", zlib.compress(b"ab")[:-5], lambda ledger: ledger.previews(1), "is cut short"),
    ("UPDATE previews SET height = ?", 2**40, lambda ledger: ledger.previews(1), "has other bytes than"),
    ("UPDATE previews SET height = ?", -1, lambda ledger: ledger.previews(1), "has other bytes than"),
    ("UPDATE lesion_scores SET records = ?", zlib.compress(b"r"), lambda ledger: ledger.lesions(1), "the lesions of"),
]


@pytest.mark.parametrize(("statement", "value", "read", "said"), BROKEN)
def test_a_broken_row_is_one_line(
    archive: Path, statement: str, value: object, read: Callable[[Ledger], object], said: str
) -> None:
    _change(archive, statement, value)
    with Ledger.open(archive, read_only=True) as ledger, pytest.raises(InputError) as caught:
        read(ledger)
    text = str(caught.value)
    assert said in text
    assert text.startswith(f"{archive}: ")
    assert text.endswith("bring back a copy of it, or name another ledger by `--ledger`")
    assert len(text) < 400
    assert "\n" not in text


def test_a_picture_that_inflates_to_gigabytes_is_not_inflated(archive: Path) -> None:
    bomb = zlib.compressobj(9)
    packed = b"".join(bomb.compress(bytes(2**24)) for _ in range(17)) + bomb.flush()  # 272 MiB in 280 KB
    _change(archive, "UPDATE previews SET image = ?", packed)
    with Ledger.open(archive, read_only=True) as ledger, pytest.raises(InputError, match="more than 256 MiB"):
        ledger.previews(1)


ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m"


def test_names_show_their_control_characters(archive: Path) -> None:
    for table, column in (("studies", "name"), ("arms", "name"), ("arms", "model"), ("cases", "name"),
                          ("cases", "group_name"), ("trials", "reason"), ("trials", "sampled_by"), ("notices", "text"),
                          ("attempts", "reason")):  # fmt: skip
        _change(archive, f"UPDATE {table} SET {column} = coalesce({column}, '') || ?", ESCAPE)
    _change(archive, "UPDATE case_scores SET region = region || ?, note = ?", ESCAPE, ESCAPE)
    with Ledger.open(archive, read_only=True) as ledger:
        (study,) = ledger.studies()
        assert study.name == "small\\x1b]0;owned\\x07\\x1b[2J\\u202e\\x9b31m"
        scores = ledger.scores(1)
        shown = [
            *(text for arm in ledger.arms(1) for text in (arm.name, arm.model)),
            *(text for case in ledger.cases(1) for text in (case.name, case.group)),
            *(str(text) for trial in ledger.trials(1) for text in (trial.arm, trial.reason, trial.sampled_by)),
            *(notice.text for notice in ledger.notices(1)),
            *scores.regions, *scores.notes, *(case.name for case in scores.cases),
            *(arm.name for arm in ledger.status(1).arms),
        ]  # fmt: skip
        assert len(shown) > 20
        assert [text for text in shown if not text.isprintable()] == []


def test_what_the_command_prints_of_them(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _change(archive, "UPDATE studies SET name = name || ?", "\x1b]0;o\x07")
    assert run_command(["report", "small]0;o", "--ledger", str(archive)]) == 2
    said = capsys.readouterr()
    assert "Did you mean 'small\\x1b]0;o\\x07'?" in said.err
    assert not {"\x1b", "\x07"} & set(said.out + said.err)


def test_a_text_of_several_lines_keeps_them(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        lease = small.begin(ledger)
        ledger.add_notice(lease.study_id, "first\n\tsecond µm → end")
        assert ledger.notices(lease.study_id)[0].text == "first\n\tsecond µm → end"
