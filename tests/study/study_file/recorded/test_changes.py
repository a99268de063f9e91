import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.study_file.recorded.changes import Difference, difference
from tests.study.study_files import study


def compared(changes: dict[str, Any], before: dict[str, Any] | None = None) -> Difference:
    """From a file, as the ledger's JSON gives it back, to the same with changes."""
    old = json.loads(json.dumps(study(before).plain()))
    return difference(old, study({**(before or {}), **changes}).plain())


def test_no_change_is_no_difference() -> None:
    found = compared({})
    assert not found
    assert found == Difference([], [])


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset.path": "/elsewhere"},
        {"resources": {"cpu": 4, "gpu": 1}},
        {"report.metrics": ["recall", "dice"]},
        {"report.metrics": ["dice", "precision", "recall", "hd95", "pooled_dice", "group_f2"]},
        {"report.means": {"both": ["kidney", "tumor"]}},
    ],
)
def test_what_changes_no_number_is_free(changes: dict[str, Any]) -> None:
    assert not compared(changes)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"seed": 1}, "seed: 0 in the ledger, 1 in the file"),
        ({"name": "other"}, 'name: "small" in the ledger, "other" in the file'),
        ({"training.iterations": 200}, "training.iterations: 100 in the ledger, 200 in the file"),
        ({"training.batch_size": 4}, "training.batch_size: 2 in the ledger, 4 in the file"),
        (
            {"training.learning_rate": 1e-3},
            'training.learning_rate: {"low": 0.0001, "high": 0.01, "log": true, "step": null} in the ledger, '
            "0.001 in the file",
        ),
        (
            {"training.learning_rate": {"low": 1e-4, "high": 1e-3, "log": True}},
            'training.learning_rate: {"low": 0.0001, "high": 0.01, "log": true, "step": null} in the ledger, '
            '{"low": 0.0001, "high": 0.001, "log": true, "step": null} in the file',
        ),
        (
            {"losses.focal": {"gamma": 2}},
            'losses.focal.gamma: {"low": 0.5, "high": 5.0, "log": false, "step": null} in the ledger, 2.0 in the file',
        ),
        ({"models.unet3d": {"width": 8}}, "models.unet3d.width: 4 in the ledger, 8 in the file"),
        (
            {"dataset.labels": {"tumor": 2, "kidney": 1}},
            'dataset.labels: {"kidney": 1, "tumor": 2} in the ledger, {"tumor": 2, "kidney": 1} in the file',
        ),
        ({"dataset.exclude": ["a"]}, 'dataset.exclude: [] in the ledger, ["a"] in the file'),
        ({"budget.trials_per_arm": 8}, "budget.trials_per_arm: 12 in the ledger, 8 in the file"),
        ({"budget.cohort": 6}, "budget.cohort: 4 in the ledger, 6 in the file"),
        ({"budget.final_seeds": 1}, "budget.final_seeds: 3 in the ledger, 1 in the file"),
        ({"budget.sampler": "qmc"}, 'budget.sampler: "tpe" in the ledger, "qmc" in the file'),
        (
            {"budget.halving": {"marks": [50, 100]}},
            'budget.halving: nothing in the ledger, {"eta": 2, "marks": [50, 100]} in the file',
        ),
        ({"objective.region": "tumor"}, 'objective.region: "mean" in the ledger, "tumor" in the file'),
        ({"inference.mirror": True}, "inference.mirror: false in the ledger, true in the file"),
        ({"preprocess.clip": [0, 1]}, "preprocess.clip: nothing in the ledger, [0.0, 1.0] in the file"),
        ({"augment": ["noise"]}, 'augment: [] in the ledger, ["noise"] in the file'),
    ],
)
def test_what_makes_trials_incomparable_is_shown(changes: dict[str, Any], line: str) -> None:
    assert compared(changes) == Difference([line], [])


@pytest.mark.parametrize(
    "changes",
    [
        {"report.equivalence": 0.01},
        {"report.empty": "one"},
        {"objective.metric": "hd95"},
        {"objective.region": "tumor"},
        {"objective.empty": "one"},
        {"dataset.regions": {"kidney": ["kidney", "tumor"], "tumor": ["tumor"]}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_decides_a_test_and_could_be_chosen_by_its_p_is_refused(changes: dict[str, Any]) -> None:
    (key,) = changes
    found = compared(changes)
    assert [line.split(":")[0] for line in found.incompatible if line.startswith(key)], found
    assert not found.additions


def test_all_that_changed_is_shown() -> None:
    found = compared({"dataset.split": {"folds": 5}, "patch.size": [32, 32, 48], "seed": 1})
    assert [line.split(":")[0] for line in found.incompatible] == [
        "seed",
        "dataset.split.validation",
        "dataset.split.test",
        "dataset.split.folds",
        "patch.size",
        "patch.overlap",
    ]


def test_a_loss_that_is_gone_is_shown() -> None:
    found = compared({"losses": {"dice": None}}, before={"losses": {"dice": None, "focal": "default"}})
    assert found.incompatible == ['losses.focal: {"alpha": null, "gamma": 2.0} in the ledger, nothing in the file']


def test_a_new_metric_was_not_computed_for_old_trials() -> None:
    found = compared({"report.metrics": ["dice", "recall"]}, before={"report.metrics": ["dice"]})
    assert found.incompatible == ['report.metrics: ["dice"] in the ledger, ["dice", "recall"] in the file']


def test_how_kept_lesions_are_counted_is_free_and_whether_they_are_kept_is_not() -> None:
    kept = {"report.lesions": {"strata": [8]}}
    assert not compared({"report.lesions": {"protocol": "iw2020", "strata": [5, 12]}}, before=kept)
    [line] = compared(kept).incompatible
    assert line.startswith("report.lesions: nothing in the ledger")
    [line] = compared({"report.metrics": ["dice", "cpm"]}, before={"report.metrics": ["dice"]}).incompatible
    assert line.startswith("report.metrics")
    [line] = compared({"report.empty": "one"}).incompatible
    assert line == 'report.empty: "missing" in the ledger, "one" in the file'


def test_trials_searches_and_seeds_may_grow() -> None:
    found = compared({"budget.trials_per_arm": 16, "budget.searches": 2, "budget.final_seeds": 5})
    assert found.incompatible == []
    assert found.additions == [
        "budget.trials_per_arm: 12 → 16: more trials for each search",
        "budget.searches: 1 → 2: more searches for each arm",
        "budget.final_seeds: 3 → 5: more final seeds for each winner",
    ]
    assert found.more_trials
    assert not compared({"budget.final_seeds": 5}).more_trials


def test_new_models_and_losses_are_new_arms_wherever_they_stand() -> None:
    found = compared(
        {
            "models": {"vnet": None, "unet3d": {"width": 4}},
            "losses": {"cross_entropy": None, "focal": None, "dice": None},
        }
    )
    assert found.incompatible == []
    assert found.new_arms == ("vnet+cross_entropy", "vnet+focal", "vnet+dice", "unet3d+cross_entropy")
    assert found.additions == [f"arm {name}" for name in found.new_arms]
    assert not found.more_trials


def test_a_ledger_of_an_older_version_lacks_keys_that_are_at_their_defaults_now() -> None:
    old = study().plain()
    del old["inference"]["average"]
    assert not difference(old, study().plain())
    assert difference(old, study({"inference.average": "probabilities"}).plain()).incompatible == [
        'inference.average: "logits" in the ledger, "probabilities" in the file'
    ]


def test_a_ledgers_file_that_can_no_longer_be_read_is_compared_as_it_is() -> None:
    old = study().plain()
    old["losses"]["forgotten"] = {"x": 1}
    assert difference(old, study().plain()).incompatible == [
        'losses.forgotten: {"x": 1} in the ledger, nothing in the file'
    ]


def test_true_is_not_one() -> None:
    old, new = study().plain(), study().plain()
    old["budget"]["search_in"], new["budget"]["search_in"] = 1, True
    assert difference(old, new).incompatible == ["budget.search_in: 1 in the ledger, true in the file"]


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(1, 4))
def test_growing_one_way_is_shrinking_the_other(cohorts: int, more: int, seeds: int, more_seeds: int) -> None:
    small = study({"budget.trials_per_arm": 4 * (cohorts + 1), "budget.final_seeds": seeds}).plain()
    large = study({"budget.trials_per_arm": 4 * (cohorts + 1 + more), "budget.final_seeds": seeds + more_seeds}).plain()
    assert difference(small, large).incompatible == []
    assert len(difference(large, small).incompatible) == 2
