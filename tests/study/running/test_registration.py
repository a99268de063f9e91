"""Registration: a new study enters the ledger with its notices, a known one continues, another is refused."""

import dataclasses
import pathlib

import pytest

from study.ledger import Ledger
from study.running.registration import bring_up_to_date, enter, versions
from study.study_file import Study
from study.study_file.errors import SpecError
from study.trial_specs import Data
from tests.study.numbers_study import NoData, numbers_study
from trainables.errors import InputError


def data() -> Data:
    return NoData().prepare(pathlib.Path(), print, lambda: None)


def test_notices_enter_with_the_study_and_once(tmp_path: pathlib.Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        row = enter(ledger, numbers_study(), data(), ("two images are equal", "a coarse grid"))
        assert [notice.text for notice in ledger.notices(row.id)] == ["two images are equal", "a coarse grid"]
        assert enter(ledger, numbers_study(), data(), ("two images are equal",)).id == row.id  # continued
        assert len(ledger.notices(row.id)) == 2


def test_a_study_whose_creation_fails_leaves_no_notice(tmp_path: pathlib.Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        twice = dataclasses.replace(data(), cases=(*data().cases, data().cases[0]))
        with pytest.raises(Exception, match="UNIQUE"):
            enter(ledger, numbers_study(), twice, ("a coarse grid",))
        assert not ledger.has_study("numbers")
        assert enter(ledger, numbers_study(), data()).name == "numbers"
        assert ledger.notices(ledger.study("numbers").id) == []


def test_other_data_are_refused(tmp_path: pathlib.Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        enter(ledger, numbers_study(), data())
        with pytest.raises(InputError, match=r"^study 'numbers' in .*ledger.db was begun with other data"):
            enter(ledger, numbers_study(), dataclasses.replace(data(), digest="1" * 64))


def test_a_change_that_only_adds_is_recorded(tmp_path: pathlib.Path) -> None:
    plain = numbers_study().plain()
    more = Study.from_plain({**plain, "budget": {**plain["budget"], "final_seeds": 3}})
    other = Study.from_plain({**plain, "seed": 4})
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        row = enter(ledger, numbers_study(), data())
        lease = ledger.acquire(row.id)
        bring_up_to_date(ledger, lease, more, data())
        assert ledger.study("numbers").file["budget"]["final_seeds"] == 3
        with pytest.raises(SpecError, match="with another file, under another name it is a new study"):
            bring_up_to_date(ledger, lease, other, data())


def test_versions_name_python_and_what_is_installed() -> None:
    assert {"python", "torch", "ray", "optuna"} <= versions().keys()
