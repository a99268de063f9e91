"""The keys of `training` that all trials share: what reaches the trial, what is refused, what silence means."""

from typing import Any

import pytest

from study.design import PlannedTrial, TrialKey
from study.ledger.rows import Case
from study.study_file import SpecError, Study, trial_fields
from study.trial_specs import Data, trial_spec
from tests.study.study_files import changed, study
from trainables.trial import TrialSpec


def fields(changes: dict[str, Any]) -> dict[str, Any]:
    made = study(changes)
    return trial_fields(made, made.arms[0], made.arms[0].default)


def test_steps_reach_the_trial() -> None:
    found = fields({"training.schedule": "step", "training.step": {"at": [0.8, 90.0], "factor": 0.2}})
    assert (found["schedule"], found["step"]) == ("step", {"at": [0.8, 90], "every": None, "factor": 0.2})
    every = fields({"training.schedule": "step", "training.step": {"every": 25}})
    assert every["step"] == {"at": [], "every": 25, "factor": 0.1}


def test_a_plateau_has_miscnns_numbers_in_silence() -> None:
    found = fields({"training.schedule": "plateau", "training.epoch": 10})
    usual = {"factor": 0.1, "patience": 5, "min_rate": 1e-5, "min_delta": 1e-4, "cooldown": 1, "monitor": "loss"}
    assert (found["plateau"], found["epoch"], found["evaluate_every"]) == (usual, 10, 0)
    assert study({"training.schedule": "plateau", "training.epoch": 10}).plain()["training"]["plateau"] == usual


def test_stopping_and_the_best_checkpoint_reach_the_trial() -> None:
    found = fields(
        {
            "training.early_stopping": {"patience": 3, "monitor": "validation"},
            "training.checkpoint": "best",
            "training.evaluate_every": 25,
            "objective": {"metric": "hd95", "region": "tumor"},
        }
    )
    assert found["early_stopping"] == {"patience": 3, "min_delta": 0.0, "monitor": "validation"}
    assert (found["checkpoint"], found["evaluate_every"]) == ("best", 25)
    assert found["objective"] == {"metric": "hd95", "regions": ["tumor"], "maximize": False, "empty": "report"}
    assert fields({})["objective"] == {
        "metric": "dice",
        "regions": ["kidney", "tumor"],
        "maximize": True,
        "empty": "report",
    }


def test_kernels_and_compiler_reach_the_trial() -> None:
    assert (fields({})["deterministic"], fields({})["compile"]) == (False, "never")
    asked = fields({"training.deterministic": True, "training.compile": "auto"})
    assert (asked["deterministic"], asked["compile"]) == (True, "auto")
    for wrong in ({"training.compile": True}, {"training.deterministic": "perhaps"}):
        with pytest.raises(SpecError, match=next(iter(wrong))):
            study(wrong)


def test_in_silence_nothing_is_looked_at() -> None:
    plain = study().plain()["training"]
    quiet = {"step": None, "plateau": None, "early_stopping": None, "epoch": None, "evaluate_every": None}
    assert {name: plain[name] for name in quiet} == quiet
    assert plain["checkpoint"] == "last"
    assert study().plain()["budget"]["final_on"] == "train"


def test_a_schedule_can_be_searched() -> None:
    made = study({"training.schedule": ["polynomial", "plateau"], "training.epoch": 10})
    assert made.training.plateau is not None
    again = Study.from_plain(made.plain())
    assert again == made


@pytest.mark.parametrize(
    ("changes", "key", "text"),
    [
        ({"schedule": "step"}, "training.step", "missing"),
        ({"schedule": "step", "step": {}}, "training.step", "found neither"),
        ({"schedule": "step", "step": {"at": 0.5, "every": 5}}, "training.step", "found both"),
        ({"schedule": "step", "step": {"at": [0.5, 0.5]}}, "training.step.at", "names one twice"),
        ({"schedule": "step", "step": {"at": [1.5]}}, "training.step.at", "expected shares of the training"),
        ({"schedule": "step", "step": {"at": [True]}}, "training.step.at", "expected shares of the training"),
        ({"schedule": "step", "step": {"at": [0.5], "factor": 1.0}}, "training.step.factor", "expected less than 1"),
        ({"step": {"at": [0.5]}}, "training.step", "`schedule` is polynomial and does not use this"),
        ({"plateau": {}}, "training.plateau", "does not use this"),
        ({"schedule": "plateau"}, "training.epoch", "missing"),
        ({"schedule": "plateau", "plateau": {"monitor": "validation"}}, "training.evaluate_every", "missing"),
        ({"schedule": "plateau", "epoch": 5, "plateau": {"patience": 0}}, "training.plateau.patience", "at least 1"),
        ({"epoch": 5}, "training.epoch", "nothing looks at loss"),
        ({"evaluate_every": 5}, "training.evaluate_every", "nothing looks at validation"),
        ({"checkpoint": "best"}, "training.evaluate_every", "missing"),
        ({"checkpoint": "best", "evaluate_every": 101}, "training.evaluate_every", "at most the 100 iterations"),
        ({"early_stopping": {"patence": 3}, "epoch": 5}, "training.early_stopping.patence", "unknown key"),
        ({"eps": 0}, "training.eps", "above 0"),
        ({"optimizer": "sgd", "eps": 1e-7}, "training.eps", "only adam and adamw have an eps, and `optimizer` is sgd"),
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict[str, Any], key: str, text: str) -> None:
    with pytest.raises(SpecError) as caught:
        Study.from_plain(changed({f"training.{name}": value for name, value in changes.items()}))
    (line,) = caught.value.lines
    assert line.startswith(f"{key}: ")
    assert text in line


BEST = {"training.checkpoint": "best", "training.evaluate_every": 25}


def specs_of(changes: dict[str, Any]) -> tuple[TrialSpec, TrialSpec]:
    made = study(changes)
    cases = [Case(name, name, (role,), {}) for name, role in (("a", "train"), ("b", "validation"), ("c", "test"))]
    data = Data("index", "digest", tuple(cases))
    keys = (TrialKey("search", 0, 0, 0, 0), TrialKey("final", 0, 0, 0, 0))
    plans = [PlannedTrial(key, 0, 1, made.arms[0].default) for key in keys]
    search, final = (trial_spec(made, made.arms[0], plan, data, gpu=0) for plan in plans)
    return search, final


def test_only_the_final_stage_trains_on_validation_cases_and_only_if_told() -> None:
    search, final = specs_of({})
    assert (search.train, search.evaluate, search.validate) == (("a",), ("b",), ())
    assert (final.train, final.evaluate, final.validate) == (("a",), ("c",), ())
    search, final = specs_of({"budget.final_on": "train+validation"})
    assert (search.train, search.evaluate) == (("a",), ("b",))
    assert (final.train, final.evaluate) == (("a", "b"), ("c",))


def test_both_stages_choose_by_validation_cases() -> None:
    search, final = specs_of(BEST)
    assert search.validate == final.validate == ("b",)


@pytest.mark.parametrize(
    "changes",
    [
        BEST,
        {"training.early_stopping": {"monitor": "validation"}, "training.evaluate_every": 5},
        {"training.schedule": "plateau", "training.plateau": {"monitor": "validation"}, "training.evaluate_every": 5},
    ],
)
def test_nothing_is_chosen_by_cases_that_were_trained_on(changes: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=r"budget\.final_on: the final stage would choose by validation cases"):
        study({**changes, "budget.final_on": "train+validation"})


def test_gradients_are_clipped_at_12_unless_the_file_says_otherwise() -> None:
    assert fields({})["clip"] == 12.0
    assert fields({"training.clip": None})["clip"] is None
    assert fields({"training.clip": 1})["clip"] == 1.0
    with pytest.raises(SpecError, match=r"training\.clip"):
        study({"training.clip": 0})
