import time
from typing import Any

import pytest

from study.cases.feasible import batch_bytes
from study.study_file import SpecError, Study
from tests.study.study_files import changed

BEYOND: dict[str, tuple[dict[str, Any], str]] = {
    "patch": ({"patch.size": [1_000_000] * 3}, "takes .* TiB as input alone: give smaller numbers"),
    "batch": ({"training.batch_size": 10**9}, "takes .* TiB as input alone: give smaller numbers"),
    "batches": ({"training.batch_size": [2, 10**9]}, "takes .* TiB as input alone: give smaller numbers"),
    "seeds": ({"budget.final_seeds": 10**8}, "the study would have .* trials, more than 1,000,000"),
    "trials": (
        {"budget.trials_per_arm": 6 * 10**7, "budget.halving": None},
        "the study would have .* trials, more than 1,000,000",
    ),
    "searches": ({"budget.searches": 10**8}, "the study would have .* trials, more than 1,000,000"),
    "iterations": ({"training.iterations": 9 * 10**18, "budget.halving": None}, "training.iterations"),
}


@pytest.mark.parametrize(("changes", "said"), BEYOND.values(), ids=BEYOND)
def test_what_no_machine_holds_is_refused_at_once(changes: dict[str, Any], said: str) -> None:
    began = time.process_time()
    with pytest.raises(SpecError, match=said):
        Study.from_plain(changed(changes))
    assert time.process_time() - began < 2


def test_the_estimate_by_hand() -> None:
    study = Study.from_plain(
        changed({"patch.size": [10, 20, 30], "training.batch_size": 3, "budget.final_seeds": 4, "budget.searches": 2})
    )
    assert batch_bytes(study) == 4 * 20 * 3 * 6000


def test_large_studies_of_real_machines_are_allowed() -> None:
    large = {
        "patch.size": [256, 512, 512],
        "training.batch_size": 64,
        "training.iterations": 5_000_000,
        "budget": {"trials_per_arm": 600, "cohort": 60, "searches": 5, "final_seeds": 10},
    }
    assert Study.from_plain(changed(large)).budget.searches == 5
