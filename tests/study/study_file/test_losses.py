"""Values that a study file may have under `losses` and `models`, from the file to a trial's computation."""

import json
import math
from typing import Any

import pytest
import torch

from search_spaces.defaults import LOSSES as TABLE
from search_spaces.grammar import Choice, Fixed, Range
from study.study_file import SpecError, Study, trial_fields
from tests.study.study_files import changed, study
from tests.trainables.losses import formulas, formulas_overlap
from trainables.losses import LOSSES
from trainables.losses.conformance import example
from trainables.losses.written import written_loss
from trainables.trial import TrialSpec

torch.set_num_threads(1)
WEIGHTS = {"background": 1, "kidney": {"low": 0.5, "high": 8, "log": True}, "tumor": [1, 3]}
MATRIX = [[0, 1, 1], [1, 0, 0.25], [1, 0.25, 0]]


def space(losses: Any, room: str = "loss.") -> dict[str, Any]:
    (arm,) = study({"losses": losses}).arms
    return {name.removeprefix(room): value for name, value in arm.space.items() if name.startswith(room)}


def value(losses: Any, **choices: Any) -> float:
    """The loss of the arm's first trial, through the trial's JSON as a worker reads it."""
    made = study({"losses": losses})
    (arm,) = made.arms
    fields = trial_fields(made, arm, {**arm.default, **choices})
    given = {"key": "t", "seed": 0, "data": "", "train": (), "evaluate": (), **fields}
    spec = TrialSpec.from_json(TrialSpec(**given).to_json())
    return written_loss(spec.loss, spec.loss_parameters, LOSSES)(*example(3)).item()


def arrays() -> list[Any]:
    return [tensor.numpy() for tensor in example(3)]


@pytest.mark.parametrize("name", ["weighted_dice", "log_cosh_weighted_dice"])
def test_a_weight_for_each_class_is_a_parameter_of_its_own(name: str) -> None:
    assert space({name: {"weights": WEIGHTS}}) == {
        "eps": Fixed(1e-5),
        "weights.background": Fixed(1.0),
        "weights.kidney": Range(0.5, 8.0, log=True),
        "weights.tumor": Choice((1.0, 3.0)),
    }


def test_weights_start_from_1_2_4_and_reach_the_loss_in_the_order_of_the_classes() -> None:
    losses = {"weighted_dice": {"weights": WEIGHTS}}
    assert value(losses) == pytest.approx(formulas_overlap.weighted_dice(*arrays(), weights=[1, 2, 3]), rel=1e-9)
    chosen = value(losses, **{"loss.weights.kidney": 7.5})
    assert chosen == pytest.approx(formulas_overlap.weighted_dice(*arrays(), weights=[1, 7.5, 3]), rel=1e-9)
    turned = {"weighted_dice": {"weights": dict(reversed(WEIGHTS.items()))}}
    assert value(turned) == pytest.approx(value(losses), rel=1e-12)


def test_without_weights_the_ratio_says_them() -> None:
    assert "ratio" in space({"weighted_dice": None})
    assert value({"weighted_dice": "default"}) == pytest.approx(formulas_overlap.weighted_dice(*arrays(), ratio=2.0))


def test_a_matrix_is_rows_of_numbers() -> None:
    losses = {"wasserstein_dice": {"matrix": MATRIX, "eps": 0.5}}
    expected = formulas_overlap.wasserstein_dice(*arrays(), matrix=MATRIX, eps=0.5)
    assert value(losses) == pytest.approx(expected, rel=1e-9)
    assert value({"wasserstein_dice": {"eps": 0.5}}) != pytest.approx(expected, rel=1e-3)


def test_a_sum_of_losses_with_factors_ranges_and_parameters() -> None:
    losses = {"both": {"dice": 0.5, "focal": {"factor": {"low": 0.1, "high": 4}, "gamma": 3}, "tversky": None}}
    found = space(losses)
    assert found["dice.factor"] == Fixed(0.5)
    assert found["focal.factor"] == Range(0.1, 4.0)
    assert found["focal.gamma"] == Fixed(3.0)
    assert found["tversky.factor"] == Fixed(1.0)
    assert found["tversky.fn_weight"] == TABLE["tversky"]["fn_weight"].search
    parts = [formulas.dice(*arrays()), formulas.focal(*arrays(), gamma=3.0), formulas.tversky(*arrays())]
    assert value(losses) == pytest.approx(0.5 * parts[0] + parts[1] + parts[2], rel=1e-9)
    more = value(losses, **{"loss.focal.factor": 4.0, "loss.dice.factor": 0.0})
    assert more == pytest.approx(4 * parts[1] + parts[2], rel=1e-9)


def test_a_range_alone_is_a_parts_factor() -> None:
    found = space({"both": {"dice": {"low": 0.1, "high": 1}, "bce": [0.5, 1]}})
    assert found["dice.factor"] == Range(0.1, 1.0)
    assert found["bce.factor"] == Choice((0.5, 1.0))


def test_parts_take_weights_and_matrices_too() -> None:
    losses = {"both": {"weighted_dice": {"factor": 2, "weights": WEIGHTS}, "wasserstein_dice": {"matrix": MATRIX}}}
    expected = 2 * formulas_overlap.weighted_dice(*arrays(), weights=[1, 2, 3])
    expected += formulas_overlap.wasserstein_dice(*arrays(), matrix=MATRIX)
    assert value(losses) == pytest.approx(expected, rel=1e-9)


def test_log_cosh_of_any_loss() -> None:
    plain = value({"tversky": {"fn_weight": 0.7}})
    assert value({"tversky": {"fn_weight": 0.7, "log_cosh": True}}) == pytest.approx(math.log(math.cosh(plain)))
    total = value({"both": {"dice": 1, "bce": 1}})
    assert value({"both": {"dice": 1, "bce": 1, "log_cosh": True}}) == pytest.approx(math.log(math.cosh(total)))
    assert space({"bce": {"log_cosh": [True, False]}}) == {"log_cosh": Choice((True, False))}
    assert "log_cosh" not in space({"bce": None})  # nothing new where it is not asked for


@pytest.mark.parametrize(
    "losses",
    [
        {"weighted_dice": {"weights": WEIGHTS, "log_cosh": True}},
        {"wasserstein_dice": {"matrix": MATRIX}},
        {"both": {"dice": 0.5, "focal": {"factor": {"low": 0.1, "high": 4}}, "log_cosh": [True, False]}},
        {"mine": "package.module:loss"},
        {
            "mine": {
                "code": "package:Loss.build",
                "gamma": {"low": 1, "high": 2},
                "inner": {"a": [1, 2]},
                "log_cosh": True,
            }
        },
    ],
)
def test_the_plain_form_is_the_same_study(losses: Any) -> None:
    made = study({"losses": losses, "models": {"net": {"code": "package:net", "width": [1, 2]}}})
    again = Study.from_plain(json.loads(json.dumps(made.plain())))
    assert again == made
    assert again.plain() == made.plain()
    assert [list(arm.space) for arm in again.arms] == [list(arm.space) for arm in made.arms]


def test_the_users_own_has_the_parameters_that_the_file_gives_and_no_others() -> None:
    losses = {"mine": {"code": "package:loss", "gamma": {"low": 1, "high": 3}, "word": ["a", "b"], "log_cosh": False}}
    assert space(losses) == {
        "code": Fixed("package:loss"),
        "gamma": Range(1, 3),
        "word": Choice(("a", "b")),
        "log_cosh": Fixed(False),
    }
    (arm,) = study({"losses": losses, "models": {"net": "package.net:build"}}).arms
    assert arm.name == "net+mine"
    assert arm.default["loss.gamma"] == 2
    assert arm.default["loss.word"] == "a"
    assert arm.default["model.code"] == "package.net:build"


def test_of_the_users_own_network_any_patch_is_taken() -> None:
    assert study({"models": {"net": "package:net"}, "patch.size": [4, 4]}).dim == 2


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"losses": {"weighted_dice": {"weights": {"background": 1, "kidney": 2}}}},
            "losses.weighted_dice.weights: expected a weight for each of background, kidney, tumor, found background, ",
        ),
        (
            {"losses": {"weighted_dice": {"weights": [1, 2, 4]}}},
            "losses.weighted_dice.weights: expected a weight for each ",
        ),
        (
            {"losses": {"weighted_dice": {"weights": {**WEIGHTS, "kidney": -1}}}},
            "losses.weighted_dice.weights.kidney: ",
        ),
        (
            {"losses": {"weighted_dice": {"weights": WEIGHTS, "ratio": 2}}},
            "losses.weighted_dice.ratio: weights say it ",
        ),
        ({"losses": {"dice": {"weights": WEIGHTS}}}, "losses.dice.weights: dice has no such parameter."),
        (
            {"losses": {"wasserstein_dice": {"matrix": "brats5"}}},
            "losses.wasserstein_dice.matrix: expected 3 rows of 3 distances for 3 classes, found brats5, which",
        ),
        (
            {"losses": {"wasserstein_dice": {"matrix": ["uniform", "brats4"]}}},
            "losses.wasserstein_dice.matrix: expected 3 rows of 3 distances for 3 classes, found brats4, which",
        ),
        (
            {"losses": {"wasserstein_dice": {"matrix": [[0, 1], [1, 0]]}}},
            "losses.wasserstein_dice.matrix: expected 3 rows",
        ),
        (
            {"losses": {"both": {"dice": 1, "wasserstein_dice": {"matrix": [[0, 1, 1], [1, 0, 2], [1, 2, 0]]}}}},
            "losses.both.wasserstein_dice.matrix: expected distances in [0, 1], symmetric",
        ),
        (
            {"losses": {"wasserstein_dice": {"matrix": [[0, "a"], [1, 0]]}}},
            "losses.wasserstein_dice.matrix: expected a ",
        ),
        ({"losses": {"both": {"dice": 0.5, "dise": 0.5}}}, "losses.both.dise: there is no loss 'dise'. Did you mean "),
        ({"losses": {"both": {"dice": -0.5}}}, "losses.both.dice.factor: expected a number of at least 0, found -0.5."),
        (
            {"losses": {"both": {"dice": "half"}}},
            "losses.both.dice.factor: expected a number of at least 0, found 'half'",
        ),
        ({"losses": {"both": {"focal": {"gama": 2}}}}, "losses.both.focal.gama: focal has no such parameter. Did you"),
        ({"losses": {"Both parts": {"dice": 0.5}}}, "losses.Both parts: expected a name of small letters, digits"),
        ({"losses": {"dice": {"log_cosh": "yes"}}}, "losses.dice.log_cosh: expected true or false, found 'yes'."),
        ({"losses": {"mine": "package:"}}, "losses.mine.code: expected package.module:name, found 'package:'."),
        ({"losses": {"mine": {"code": 3}}}, "losses.mine.code: expected package.module:name, found 3."),
        ({"losses": {"mine+": "a:b"}}, "losses.mine+: expected a name of small letters"),
        ({"losses": {"mine": {"code": "a:b", "gamma": []}}}, "losses.mine.gamma: the list is empty"),
        ({"models": {"mine": {"code": "a:b:c"}}}, "models.mine.code: expected package.module:name, found 'a:b:c'."),
        ({"models": {"mine": {"width": 2}}}, "models.mine: there is no model 'mine'."),
    ],
)
def test_what_is_wrong_is_one_line_at_its_key(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(SpecError) as caught:
        Study.from_plain(changed(changes))
    assert [found for found in caught.value.lines if found.startswith(line)], caught.value.lines
    assert all("\n" not in found for found in caught.value.lines)
