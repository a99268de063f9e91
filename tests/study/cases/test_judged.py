import dataclasses
from typing import Any

import pytest

from study.cases.judged import not_judged
from study.study_file import Study
from tests.study.study_files import changed
from trainables.data.inspecting.inspect import CaseFacts

ROLES: list[dict[str, Any]] = [{"a": "train", "b": "validation", "c": "validation", "d": "test"}]
TUNED = {"gamma": {"low": 0.5, "high": 4}}


def study(**more: Any) -> Study:
    dotted = {key.replace("__", "."): value for key, value in more.items()}
    given = {"dataset.labels": {"organ": 1, "lesion": 2}, "losses": {"dice": None, "focal": TUNED}}
    return Study.from_plain(changed({**given, **dotted}))


def facts(name: str, organ: int, lesion: int, scored: int = 10) -> CaseFacts:
    sizes = {"organ": (organ,) if organ else (), "lesion": (lesion,) if lesion else ()}
    empty = {field.name: () for field in dataclasses.fields(CaseFacts)}
    return CaseFacts(**{**empty, "name": name, "lesions": sizes, "scored_voxels": scored})


CASES = [facts("a", 5, 3), facts("b", 5, 0), facts("c", 4, 0), facts("d", 5, 3)]


def test_a_region_of_the_objective_that_no_validation_case_has_is_refused() -> None:
    (problem,) = not_judged(study(objective__region="lesion"), CASES, ROLES)
    assert problem.startswith("objective.region: lesion is not in any validation case, so there is nothing to choose")
    assert not_judged(study(objective__region="organ"), CASES, ROLES) == []
    assert not_judged(study(objective__region="lesion"), [*CASES[:2], facts("c", 0, 1), CASES[3]], ROLES) == []


def test_of_a_mean_one_region_is_enough() -> None:
    assert not_judged(study(), CASES, ROLES) == []
    empty = [CASES[0], facts("b", 0, 0), facts("c", 0, 0), CASES[3]]
    (problem,) = not_judged(study(), empty, ROLES)
    assert problem.startswith("objective.region: none of the regions is in any validation case")


def test_each_fold_is_looked_at() -> None:
    second = [{**ROLES[0], "a": "validation", "b": "train", "c": "train"}]
    (problem,) = not_judged(study(objective__region="lesion"), CASES, [*second, *ROLES])
    assert "lesion is not in any validation case of fold 2" in problem


@pytest.mark.parametrize(
    "more",
    [
        {"report__empty": "one"},
        {"objective__empty": "one"},
        {"objective__metric": "lesion_false_positives"},
        {"losses": {"dice": None}, "training": {"iterations": 100, "learning_rate": 0.01}},
    ],
)
def test_where_cases_without_it_have_a_value_or_nothing_is_searched_it_is_allowed(more: dict[str, Any]) -> None:
    assert not_judged(study(objective__region="lesion", **more), CASES, ROLES) == []


def test_a_case_of_which_nothing_is_scored_is_refused() -> None:
    (problem,) = not_judged(study(), [*CASES[:3], facts("d", 0, 0, scored=0)], ROLES)
    assert problem.startswith("d: every voxel is ignored or outside `dataset.roi`")
