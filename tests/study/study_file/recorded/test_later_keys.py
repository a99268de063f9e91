"""Studies begun before a key existed go on with the numbers they had."""

from typing import Any

from search_spaces.grammar import Range
from study.study_file.recorded.changes import difference
from study.study_file.recorded.later_keys import as_recorded
from tests.study.study_files import study


def before(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """A file as an older version wrote it into the ledger."""
    plain = study(changes).plain()
    del plain["training"]["clip"], plain["objective"]["empty"]
    return plain


def test_a_default_that_came_later_does_not_reach_trials_of_an_older_study() -> None:
    older = before()
    going_on = as_recorded(study(), older)
    assert going_on.training.clip is None
    assert going_on.objective.empty == "report"
    assert not difference(older, going_on.plain())
    assert difference(older, study({"training.clip": 3.0}).plain()).incompatible  # who says it means it
    assert as_recorded(study({"training.clip": 3.0}), older).training.clip == 3.0


def test_a_range_that_an_older_study_searched_stays() -> None:
    sgd = {"training.optimizer": "sgd"}
    older = before({**sgd, "training.learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}})
    going_on = as_recorded(study(sgd), older)
    assert {arm.space["training.learning_rate"] for arm in going_on.arms} == {Range(1e-3, 1e-1, log=True)}
    assert not difference(older, going_on.plain())


def test_a_study_of_today_is_as_it_is() -> None:
    made = study({"training.clip": 5.0})
    assert as_recorded(made, made.plain()) is made
