"""Values that no machine holds are refused by key, at once; values that large studies need are not."""

import time
from typing import Any

import pytest

from study.study_file import SpecError, Study
from study.study_file.errors import SHOWN
from study.study_file.yaml_subset import MOST_VALUES
from study.study_file.yaml_subset import read as read_yaml
from trainables.errors import InputError

FILE: dict[str, Any] = {
    "name": "t",
    "dataset": {"path": "data", "labels": {"organ": 1}},
    "patch": {"size": [16, 32, 32]},
    "models": ["unet3d"],
    "losses": ["dice"],
    "training": {"iterations": 100},
}


def _file(**changes: object) -> dict[str, Any]:
    file = {name: dict(part) if isinstance(part, dict) else part for name, part in FILE.items()}
    for key, value in changes.items():
        section, _, name = key.partition("__")
        if name:
            file[section] = {**file.get(section, {}), name: value}
        else:
            file[section] = value
    return file


def _refused(**changes: object) -> tuple[str, ...]:
    began = time.process_time()
    with pytest.raises(SpecError) as caught:
        Study.from_plain(_file(**changes))
    assert time.process_time() - began < 10.0
    return caught.value.lines


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"budget__final_seeds": 10**8},
            "budget.final_seeds: the study would have 100,000,018 trials, more than 1,",
        ),
        ({"budget__searches": 10**6}, "budget.trials_per_arm: the study would have 21,000,000 trials"),
        ({"budget__trials_per_arm": 6 * 10**9}, "budget.trials_per_arm: the study would have 6,000,000,003 trials"),
        ({"dataset__split": {"folds": 10**6}}, "budget.final_seeds: the study would have 3,000,018 trials"),
        ({"training__iterations": 9 * 10**18}, "training.iterations: expected at most 1,000,000,000, found 9e+18"),
        ({"patch__size": [10**6] * 3}, "patch.size: a batch of 2 patches 1000000x1000000x1000000 takes 7.28e+06 TiB"),
        ({"training__batch_size": 10**9}, "training.batch_size: a batch of 1,000,000,000 patches 16x32x32 takes 59.6 "),
        ({"training__batch_size": [2, 10**9]}, "training.batch_size: a batch of 1,000,000,000 patches"),
        ({"training__batch_size": {"low": 1, "high": 10**9}}, "training.batch_size: a batch of 1,000,000,000 patches"),
    ],
)
def test_what_no_machine_holds(changes: dict[str, object], said: str) -> None:
    (line,) = _refused(**changes)
    assert said in line


def test_too_many_marks_are_counted_and_not_multiplied() -> None:
    (line,) = _refused(budget__halving={"eta": 2, "marks": list(range(1, 20_000))}, training__iterations=19_999)
    assert line.startswith("budget.halving.marks: expected at most 100 in the list")


def test_large_studies_are_not_refused() -> None:
    Study.from_plain(_file(training__iterations=1_000_000, patch__size=[512, 512, 512]))
    Study.from_plain(_file(training__batch_size=4096))
    Study.from_plain(_file(budget__trials_per_arm=60_000, budget__final_seeds=1000))


@pytest.mark.parametrize(
    "changes",
    [
        {f"key{i}": 1 for i in range(5000)},
        {"dataset": {"path": "d", "labels": {"o": 1}, **{f"key{i}": 1 for i in range(5000)}}},
        {"models": {f"m{i}": None for i in range(5000)}},
        {"losses": {"dice": {f"p{i}": 1 for i in range(5000)}}},
    ],
    ids=["keys", "dataset", "models", "parameters"],
)
def test_of_thousands_of_mistakes_the_first_hundred_are_shown(changes: dict[str, object]) -> None:
    with pytest.raises(SpecError) as caught:
        Study.from_plain(_file(**changes))
    shown = str(caught.value).splitlines()
    assert len(shown) == 1 + SHOWN + 1
    assert shown[0].endswith(f"{len(caught.value.lines)} things to put right")
    assert shown[-1] == f"  and {len(caught.value.lines) - SHOWN} more"


def test_thousands_of_labels_are_counted_and_not_compared() -> None:
    (line,) = _refused(dataset__labels={f"l{i}": i + 1 for i in range(5000)})
    assert line.startswith("dataset.labels: expected 1 to 254 labels, found 5000.")


def test_a_file_that_is_far_too_long_is_not_read_to_its_end() -> None:
    began = time.process_time()
    with pytest.raises(InputError, match=rf"line \d+: too many values \(more than {MOST_VALUES}\)"):
        read_yaml("".join(f"k{i}: 1\n" for i in range(90_000)))
    assert time.process_time() - began < 20.0
