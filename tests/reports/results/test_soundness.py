"""A ledger that is damaged, or that somebody else wrote: one line that names the place, and no traceback."""

import sqlite3
from pathlib import Path

import pytest

from reports.build import text, write
from tests.reports.ledgers import Fake, build
from trainables.errors import InputError

DAMAGES = {
    "broken JSON": ("update studies set file='{broken'", "where JSON is expected"),
    "a file that is no mapping": ("update studies set file='[1, 2]'", "expected a mapping"),
    "a file without a section": (
        """update studies set file=json_remove(file, '$.preprocess')""",
        "study 'fake': its file lacks `preprocess`",
    ),
    "marks": ("""update studies set marks='["x"]'""", "the marks of study 'fake'"),
    "versions": ("update studies set versions='[1]'", "the versions of study 'fake'"),
    "a trial's key": ("update trials set key='nonsense' where id=1", "found 'nonsense'"),
    "a trial's source": ("update trials set source='nonsense'", "found 'nonsense'"),
    "a trial's parameters": ("update trials set parameters='{}'", "has no training.learning_rate"),
    "a trial's status": ("update trials set status='what'", "its status is 'what'"),
    "an arm's space": ("""update arms set space='{"a": 1}'""", "arm 'unet+dice': its space of 'a' is 1"),
    "a case's parts": ("""update cases set splits='["exam"]'""", "its parts are ['exam']"),
    "parts for other folds": (
        """update cases set splits='["test", "train"]' where name='p00_0'""",
        "parts for 1 and for 2 folds",
    ),
    "a case's facts": ("update cases set facts='[]'", "the facts of case 'p00_0'"),
    "a case's shape": ("""update cases set facts='{"shape": [3, -4], "spacing": [1, 1]}'""", "its shape is [3, -4]"),
    "a picture": ("update previews set image=x'00'", "cut short"),
    "a picture's size": ("update previews set height=7", "has other bytes than 1 x 7 x 120"),
    "slices": ("update case_slices set height=7", "has other bytes than 2 x 7 x 120"),
    "a curve": ("update curves set value='x'", "cannot be decoded"),
}


@pytest.mark.parametrize(("sql", "words"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_one_line(tmp_path: Path, sql: str, words: str) -> None:
    path = build(tmp_path / "ledger.db", Fake(losses=("dice", "focal"), patients=(1,) * 3, slices=2))
    with sqlite3.connect(path) as connection:
        connection.execute(sql)
    with pytest.raises(InputError) as caught:
        write(path, "fake", tmp_path / "out", ("md", "html"))
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    assert words in message
    assert not (tmp_path / "out").exists()


def test_control_characters_in_names_are_shown_and_never_obeyed(tmp_path: Path) -> None:
    path = build(tmp_path / "ledger.db", Fake(losses=("dice", "focal"), patients=(1,) * 3, previews=False))
    with sqlite3.connect(path) as connection:
        connection.execute("update arms set name='evil'||char(27)||'[31m'||char(8238) where number=1")
    shown = text(path, "fake")
    assert "evil\\x1b[31m\\u202e" in shown
    files = write(path, "fake", tmp_path / "out", ("md", "csv"))
    for content in (shown, *(file.read_text("utf-8") for file in files.values())):
        assert not {"\x1b", "\u202e"} & set(content)


@pytest.mark.parametrize("name", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1"])
def test_names_that_spreadsheets_would_run_are_quoted_in_csv(tmp_path: Path, name: str) -> None:
    path = build(tmp_path / "ledger.db", Fake(losses=("dice", "focal"), patients=(1,) * 3, previews=False))
    with sqlite3.connect(path) as connection:
        connection.execute("update arms set name=? where number=1", (name,))
    lines = write(path, "fake", tmp_path / "out", ("csv",))["results.csv"].read_text("utf-8").splitlines()
    assert any(f"'{name}" in line for line in lines)
    assert not any(f",{name}," in line for line in lines)


def test_negative_numbers_stay_numbers_in_csv(tmp_path: Path) -> None:
    path = build(tmp_path / "ledger.db", Fake(losses=("dice", "focal"), patients=(1,) * 3, previews=False))
    with sqlite3.connect(path) as connection:
        connection.execute("update case_scores set value=-0.25 where metric='recall'")
    assert ",-0.25," in write(path, "fake", tmp_path / "out", ("csv",))["results.csv"].read_text("utf-8")
