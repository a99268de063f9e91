"""`objective.empty: auto`: decided by the validation cases, kept in the ledger, unchanged for studies begun before."""

import pytest

from study.study_file import Study
from study.study_file.recorded.changes import difference
from study.study_file.recorded.later_keys import as_recorded
from study.study_file.recorded.objective_empty import counting, decided, lacking
from tests.study.study_files import changed

BOTH, ORGAN, NONE = {"organ": 9, "lesion": 2}, {"organ": 9, "lesion": 0}, {"organ": 0, "lesion": 0}


def study(region: str, empty: str = "auto") -> Study:
    dataset = {
        "dataset.labels": {"organ": 1, "lesion": 2},
        "dataset.regions": {"whole": ["organ", "lesion"], "lesion": ["lesion"]},
    }
    return Study.from_plain(changed({**dataset, "objective": {"region": region, "empty": empty}}))


def test_cases_that_lack_a_region_of_the_objective() -> None:
    cases = [BOTH, ORGAN, NONE, {"organ": 0, "lesion": 3}]
    assert lacking(study("lesion"), cases) == 2
    assert lacking(study("whole"), cases) == 1
    assert lacking(study("mean"), cases) == 2


@pytest.mark.parametrize(("without", "expected"), [(0, "report"), (1, "report"), (2, "one"), (19, "one")])
def test_a_tenth_of_the_validation_cases_decides(without: int, expected: str) -> None:
    cases = [ORGAN] * without + [BOTH] * (19 - without)  # 1 of 19 is under a tenth, 2 are above
    assert counting(decided(study("lesion"), cases)) == expected
    assert counting(decided(study("lesion", "missing"), cases)) == "missing"  # who says it means it


def test_without_facts_nothing_is_decided_to_count() -> None:
    assert counting(decided(study("lesion"), [])) == "report"


def test_the_ledgers_decision_stays_and_older_studies_keep_what_they_had() -> None:
    begun = decided(study("lesion"), [ORGAN])
    assert as_recorded(study("lesion"), begun.plain()) == begun
    older = begun.plain()
    del older["objective"]["empty"]
    going_on = as_recorded(study("lesion"), older)
    assert counting(going_on) == "report"
    assert not difference(older, going_on.plain())
    assert difference(older, study("lesion", "one").plain()).incompatible
