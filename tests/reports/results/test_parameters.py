"""The printed parameters of an arm: of sums of losses, and of the user's own, all that defines them."""

from types import SimpleNamespace
from typing import Any, cast

from reports.prose.bibliography import bibliography
from reports.results.parameters import configurations
from reports.results.results import ArmResult, Results
from search_spaces.grammar import to_plain
from study.ledger.rows import ArmRow
from tests.study.study_files import study


def arm(losses: Any, **chosen: Any) -> ArmResult:
    """The first arm of a study with these losses, and one winner's choice of what is tuned."""
    made = study({"losses": losses, "training": {"iterations": 100, "learning_rate": 1e-3}}).arms[0]
    space = {name: to_plain(parameter) for name, parameter in made.space.items()}
    row = ArmRow(0, made.name, made.model, made.loss, made.weighting, space)
    parameters = {name: value for name, value in {**made.default, **chosen}.items() if "fixed" not in space[name]}
    progress = SimpleNamespace(winners=[SimpleNamespace(parameters=parameters)], tuned=list(parameters))
    return cast(ArmResult, SimpleNamespace(row=row, progress=progress))


def test_of_a_sum_every_factor_is_named_and_what_is_not_usual() -> None:
    losses = {"both": {"dice": 0.5, "focal": {"factor": {"low": 0.1, "high": 4}, "gamma": 3, "alpha": None}}}
    assert configurations(arm(losses, **{"loss.focal.factor": 2.5})) == [
        "loss.dice.factor 0.5, loss.focal.factor 2.5, gamma 3"
    ]


def test_weights_by_class_and_log_cosh_are_named() -> None:
    losses = {"weighted_dice": {"weights": {"background": 1, "kidney": 2, "tumor": 4}, "log_cosh": True}}
    assert configurations(arm(losses)) == ["background 1, kidney 2, tumor 4, log_cosh yes"]


def test_of_the_users_own_loss_all_is_named() -> None:
    losses = {"mine": {"code": "package:loss", "gamma": [1, 2], "delta": 0.5}}
    assert configurations(arm(losses, **{"loss.gamma": 2})) == ["code package:loss, gamma 2, delta 0.5"]


def test_of_ours_at_its_defaults_nothing_is_named() -> None:
    assert configurations(arm({"focal_tversky": "default"})) == []
    assert configurations(arm({"focal_tversky": "default"}), also=["exponent"]) == ["exponent 0.75"]


def test_the_parts_of_a_sum_are_cited() -> None:
    results = SimpleNamespace(
        protocol=SimpleNamespace(sampler="grid"),
        records=SimpleNamespace(
            study=SimpleNamespace(file={"training": {"optimizer": "sgd"}, "budget": {"halving": None}}, versions={})
        ),
        arms=[arm({"both": {"tversky": 0.5, "cl_dice": 1}})],
        comparisons=(),
    )
    results.arms[0].progress.search = SimpleNamespace(planned=0)
    cited = bibliography(cast(Results, results))
    assert "salehi2017" in cited
    assert "shit2021" in cited
    assert "fidon2018" not in cited
