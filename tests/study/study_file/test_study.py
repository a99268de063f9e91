import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from search_spaces.defaults import LOSSES, MODELS
from search_spaces.grammar import Choice, Fixed, Range
from study.study_file import SpecError, Study, builtin_studies, load, trial_fields
from tests.study.study_files import changed, study
from trainables.errors import InputError
from trainables.trial import TrialSpec

TWELVE_LINES = """\
name: twelve-lines
dataset:
  path: kits
  labels: {kidney: 1, tumor: 2}
patch: {size: [32, 32, 32]}
models: [unet3d, vnet]
losses:
  dice:
  tversky: {fn_weight: 0.7}
training:
  iterations: 3e4
budget: {trials_per_arm: 12, cohort: 6}
"""


@pytest.fixture
def twelve(tmp_path: Path) -> Path:
    file = tmp_path / "file.yaml"
    file.write_text(TWELVE_LINES)
    return file


def test_twelve_lines_are_a_study(twelve: Path) -> None:
    made = load(twelve)
    assert made.dim == 3
    assert made.training.iterations == 30_000
    assert made.marks == (30_000,)
    assert made.classes == ("background", "kidney", "tumor")
    assert made.regions == {"kidney": (1,), "tumor": (2,)}
    assert made.patch.overlap == (16, 16, 16)
    assert made.metrics == ("dice", "precision", "recall", "hd95")
    assert [arm.name for arm in made.arms] == ["unet3d+dice", "unet3d+tversky", "vnet+dice", "vnet+tversky"]
    assert made.baseline == "unet3d+dice"
    assert made.dataset.split.validation == made.dataset.split.test == 0.2


def test_silence_searches_a_scalar_fixes_and_default_fixes_all() -> None:
    made = study({"losses": {"focal": None, "tversky": {"fn_weight": 0.6}}, "models": ["unet3d"]})
    focal, tversky = made.arms
    assert focal.space["loss.gamma"] == LOSSES["focal"]["gamma"].search
    assert focal.space["loss.alpha"] == Fixed(None)
    assert tversky.space["loss.fn_weight"] == Fixed(0.6)
    fixed = study({"losses": {"focal": "default"}, "training.learning_rate": 1e-3}).arms[0]
    assert all(isinstance(parameter, Fixed) for parameter in fixed.space.values())
    assert fixed.space["loss.gamma"] == Fixed(2.0)


def test_an_arm_has_every_parameter_and_starts_from_the_defaults() -> None:
    made = study(
        {"models": {"unet3d": {"width": [8, 16]}}, "losses": {"tversky": {"fn_weight": {"low": 0.8, "high": 0.9}}}}
    )
    (arm,) = made.arms
    assert arm.space == {
        "model.width": Choice((8, 16)),
        "model.norm": Fixed("instance"),
        "loss.fn_weight": Range(0.8, 0.9),
        "loss.fp_weight": Fixed(0.3),
        "loss.reduction": Fixed("mean"),
        "loss.background": Fixed(False),
        "loss.eps": Fixed(1e-6),
        "training.optimizer": Fixed("adam"),
        "training.learning_rate": Range(1e-4, 1e-2, log=True),
        "training.weight_decay": Fixed(0.0),
        "training.eps": Fixed(1e-8),
        "training.schedule": Fixed("polynomial"),
        "training.batch_size": Fixed(2),
    }
    assert arm.default["loss.fn_weight"] == 0.8  # the nearest to 0.7
    assert arm.default["model.width"] == 16
    assert arm.default["training.learning_rate"] == 1e-3
    assert arm.default.keys() == arm.space.keys()
    assert (arm.model, arm.loss, arm.weighting, arm.index) == ("unet3d", "tversky", "none", 0)


def test_whole_bounds_of_a_real_parameter_are_a_real_range() -> None:
    made = study({"losses": {"focal": {"gamma": {"low": 0, "high": 5}, "alpha": [None, 1]}}})
    space = made.arms[0].space
    assert space["loss.gamma"] == Range(0.0, 5.0)
    assert not space["loss.gamma"].whole  # type: ignore[union-attr]
    assert repr(space["loss.alpha"]) == repr(Choice((None, 1.0)))
    stepped = study({"losses": {"focal": {"gamma": {"low": 1, "high": 5, "step": 1}}}}).arms[0].space["loss.gamma"]
    assert repr(stepped) == repr(Range(1.0, 5.0, step=1.0))


def test_whole_parameters_stay_whole() -> None:
    made = study({"models": {"unet3d": {"width": {"low": 8.0, "high": 32.0, "step": 8.0}}}})
    assert repr(made.arms[0].space["model.width"]) == repr(Range(8, 32, step=8))
    assert repr(study({"models.unet3d.width": 1e1}).arms[0].space["model.width"]) == "Fixed(value=10)"


def test_only_sgd_has_momentum_and_a_step_size_by_the_losss_gradient() -> None:
    assert "training.momentum" not in study().arms[0].space
    losses = {"dice": None, "focal": None, "near": {"dice": 1, "hausdorff": 0.1}}
    made = study({"training.optimizer": "sgd", "training.momentum": 0.99, "losses": losses})
    dice, focal, near = made.arms
    assert dice.space["training.momentum"] == Fixed(0.99)
    assert dice.space["training.learning_rate"] == Range(3.3e-3, 3.3e-1, log=True)
    assert dice.default["training.learning_rate"] == 3.3e-2
    assert focal.space["training.learning_rate"] == Range(1e-3, 1e-1, log=True)
    assert near.space["training.learning_rate"] == Range(3.3e-4, 3.3e-2, log=True)
    assert made.plain()["training"]["learning_rate"] == "auto"
    assert Study.from_plain(made.plain()).arms == made.arms
    said = study({"training.optimizer": "sgd", "training.learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}})
    assert {arm.space["training.learning_rate"] for arm in said.arms} == {Range(1e-3, 1e-1, log=True)}
    assert {arm.space["training.learning_rate"] for arm in study().arms} == {Range(1e-4, 1e-2, log=True)}  # adam
    both = study({"training.optimizer": ["adam", "sgd"], "training.learning_rate": 1e-3}).arms[0]
    assert both.space["training.momentum"] == Fixed(0.9)


def test_the_design_follows_the_budget() -> None:
    made = study(
        {
            "seed": 7,
            "budget.halving": {"eta": 2, "marks": [25, 50, 100]},
            "budget.searches": 2,
            "budget.sampler": "qmc",
            "dataset.split": {"folds": 5},
            "budget.search_in": "each_fold",
            "objective": {"metric": "hd95", "region": "tumor"},
        }
    )
    design = made.design()
    assert design.marks == (25, 50, 100)
    assert (design.eta, design.trials_per_arm, design.cohort, design.sampler) == (2, 12, 4, "qmc")
    assert (design.seed, design.searches, design.final_seeds, design.folds) == (7, 2, 3, 5)
    assert design.search_in == "each_fold"
    assert design.maximize is False
    assert design.arms == made.arms
    assert study().design().eta == 1
    assert study().design().maximize is True


def test_arms_of_the_ledger_keep_their_numbers() -> None:
    bigger = study(
        {
            "models": {"vnet": None, "unet3d": {"width": 4}},
            "losses": {"cross_entropy": None, "dice": None, "focal": None},
        }
    )
    known = ["unet3d+dice", "unet3d+focal"]
    design = bigger.design(known)
    assert [arm.name for arm in design.arms[:2]] == known
    assert len(design.arms) == 6
    assert [arm.index for arm in design.arms] == list(range(6))
    assert design.arms[0].space == study().arms[0].space
    with pytest.raises(ValueError, match=r"vnet\+dice"):
        study().design(["vnet+dice"])


def test_a_trial_spec_is_what_the_study_and_the_configuration_say() -> None:
    made = study(
        {
            "augment": ["mirror", "noise"],
            "patch.overlap": [8, 8, 8],
            "resources.cpu": 2,
            "inference": {"mirror": True, "blend": "constant", "average": "probabilities"},
            "training.precision": "bfloat16",
            "report.metrics": ["recall"],
            "dataset.regions": {"both": ["kidney", "tumor"]},
        }
    )
    arm = made.arms[1]
    chosen = {**arm.default, "loss.gamma": 3.5, "training.learning_rate": 0.002, "training.batch_size": 4}
    spec = TrialSpec(key="k", seed=1, data="d", train=("a",), evaluate=("b",), **trial_fields(made, arm, chosen))
    assert spec.model == "unet3d"
    assert spec.model_parameters == {"width": 4, "norm": "instance"}
    assert spec.loss == "focal"
    assert spec.loss_parameters == {"alpha": None, "gamma": 3.5}
    assert (spec.optimizer, spec.learning_rate, spec.batch_size, spec.schedule) == ("adam", 0.002, 4, "polynomial")
    assert (spec.iterations, spec.marks, spec.precision) == (100, (100,), "bfloat16")
    assert (spec.patch_size, spec.patch_overlap, spec.foreground) == ((32, 32, 32), (8, 8, 8), 0.33)
    assert (spec.augment, spec.threads) == (("mirror", "noise"), 2)
    assert (spec.mirror, spec.blend, spec.average) == (True, "constant", "probabilities")
    assert (spec.classes, spec.regions) == (("background", "kidney", "tumor"), {"both": (1, 2)})
    assert spec.metrics == ("recall", "dice")
    assert TrialSpec.from_json(spec.to_json()) == spec


def test_how_cases_without_a_region_and_lesions_count_reaches_the_trial() -> None:
    made = [study({"report": report}) for report in ({}, {"empty": "one", "lesions": {"strata": [8, 12]}})]
    fields = [trial_fields(each, each.arms[0], each.arms[0].default) for each in made]
    assert [(found["empty"], found["lesions"]) for found in fields] == [("missing", False), ("one", True)]
    assert made[1].report.lesions is not None
    assert made[1].report.lesions.strata == (8.0, 12.0)
    assert made[1].plain()["report"]["lesions"] == {"protocol": "corrected", "strata": [8.0, 12.0]}


def test_metrics_of_a_whole_split_ask_trials_for_what_they_are_made_of() -> None:
    names = ["hd95", "pooled_dice", "group_f2", "pooled_average_precision"]
    made = study({"report.metrics": names})
    assert made.metrics == ("hd95", "average_precision", "dice")
    assert not trial_fields(made, made.arms[0], made.arms[0].default)["lesions"]
    made = study({"report.metrics": ["dice", "average_recall"]})
    assert made.metrics == ("dice",)
    assert trial_fields(made, made.arms[0], made.arms[0].default)["lesions"]


def test_dotted_parameters_become_nested_arguments() -> None:
    made = study({"losses": {"mine": {"code": "package:loss"}}})
    given = {"loss.code": "package:loss", "loss.inner.kidney": 2.0, "loss.inner.tumor": 4.0, "loss.eps": 1e-5}
    fields = trial_fields(made, made.arms[0], given)
    assert fields["loss_parameters"] == {
        "code": "package:loss",
        "inner": {"kidney": 2.0, "tumor": 4.0},
        "eps": 1e-5,
    }


def test_the_plain_form_is_a_study_file_with_all_written_out() -> None:
    made = study(
        {
            "dataset.labels": {"liver": "> 127", "spot": 3.0},
            "losses": {"focal": {"gamma": [1, 2]}, "cross_entropy": None},
        }
    )
    plain = json.loads(json.dumps(made.plain(), allow_nan=False))
    assert plain["dataset"]["labels"] == {"liver": ">127", "spot": 3}
    assert plain["dataset"]["regions"] == {"liver": ["liver"], "spot": ["spot"]}
    assert plain["patch"]["overlap"] == [16, 16, 16]
    assert plain["losses"] == {"focal": {"alpha": None, "gamma": [1.0, 2.0]}, "cross_entropy": {}}
    assert plain["training"]["learning_rate"] == {"low": 1e-4, "high": 1e-2, "log": True, "step": None}
    again = Study.from_plain(plain)
    assert again == made
    assert again.plain() == plain
    assert again.arms == made.arms


def test_what_holds_when_the_file_is_silent() -> None:
    plain = study().plain()
    assert plain["seed"] == 0
    assert plain["dataset"] == {
        "path": "data",
        "images": None,
        "masks": None,
        "labels": {"kidney": 1, "tumor": 2},
        "other_labels": "refuse",
        "ignore": [],
        "colour": "grey",
        "roi": None,
        "regions": {"kidney": ["kidney"], "tumor": ["tumor"]},
        "train_on": "labels",
        "exclude": [],
        "limit": None,
        "group": "case",
        "split": {
            "validation": 0.2,
            "test": 0.2,
            "folds": None,
            "by": None,
            "file": None,
            "stratify": "none",
            "seed": None,
        },
    }
    assert plain["preprocess"] == {
        "crop": None,
        "spacing": "native",
        "outside_roi": "keep",
        "clip": None,
        "window": None,
        "percentiles": None,
        "normalize": "zscore",
        "pad": "background",
        "unshear": False,
    }
    assert plain["patch"] == {
        "size": [32, 32, 32],
        "overlap": [16, 16, 16],
        "sampling": "foreground",
        "foreground": 0.33,
        "context": 0,
    }
    assert plain["weighting"] == ["none"]
    assert plain["augment"] == []
    assert plain["budget"] == {
        "trials_per_arm": 12,
        "cohort": 4,
        "sampler": "tpe",
        "halving": None,
        "searches": 1,
        "final_seeds": 3,
        "search_in": "first_fold",
        "marks": "shared",
        "final_on": "train",
        "defaults": False,
    }
    assert plain["objective"] == {"metric": "dice", "region": "mean", "empty": "auto"}
    assert plain["inference"] == {"mirror": False, "blend": "gaussian", "average": "logits"}
    assert plain["report"] == {
        "baseline": None,
        "metrics": ["dice", "precision", "recall", "hd95"],
        "empty": "missing",
        "means": {},
        "lesions": None,
        "tables": [],
        "published": [],
        "equivalence": None,
    }
    assert plain["resources"] == {"cpu": 1, "gpu": "auto", "same_kind": False, "price_per_gpu_hour": None}
    halved = study({"budget": {"halving": {"marks": [50, 100]}}}).plain()["budget"]
    assert (halved["trials_per_arm"], halved["cohort"], halved["halving"]["eta"]) == (18, 6, 2)


# --- files, overrides, paths ---


def test_the_order_of_the_file_is_the_order_of_classes_and_arms() -> None:
    made = study({"dataset.labels": {"tumor": 2, "kidney": 1}, "losses": {"focal": None, "dice": None}})
    assert made.classes == ("background", "tumor", "kidney")
    assert [arm.loss for arm in made.arms] == ["focal", "dice"]


@pytest.mark.parametrize(
    ("override", "get", "value"),
    [
        ("budget.trials_per_arm=18", lambda made: made.budget.trials_per_arm, 18),
        ("patch.size=[16, 32, 48]", lambda made: made.patch.size, (16, 32, 48)),
        ("losses.dice.eps=1e-3", lambda made: made.arms[0].space["loss.eps"], Fixed(1e-3)),
        ("models.unet3d.width={low: 4, high: 8}", lambda made: made.arms[0].space["model.width"], Range(4, 8)),
        ("inference.mirror=true", lambda made: made.inference.mirror, True),
        ("budget.halving.marks=[10, 30000]", lambda made: made.marks, (10, 30_000)),
        (" seed = 5", lambda made: made.seed, 5),
        ("dataset.group=^(a+)=", lambda made: made.dataset.group, "^(a+)="),
        ("losses={cross_entropy: }", lambda made: [arm.loss for arm in made.arms], ["cross_entropy"] * 2),
    ],
)
def test_a_setting_of_the_command_replaces_the_file(twelve: Path, override: str, get: Any, value: object) -> None:
    assert get(load(twelve, [override])) == value


def test_the_last_setting_counts(twelve: Path) -> None:
    assert load(twelve, ["seed=1", "seed=2"]).seed == 2


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("budgt.trials_per_arm=6", r"budgt \(--set\): unknown key. Did you mean 'budget'\?"),
        ("budget.trials=6", r"budget.trials \(--set\): unknown key in `budget`. Did you mean 'trials_per_arm'\?"),
        ("budget.cohort=five", r"budget.cohort \(--set\): expected a whole number, found 'five'"),
        ("budget.cohort", "expected key=value"),
        ("=3", "expected key=value"),
        ("budget..cohort=3", "expected key=value"),
        ("patch.size.0=3", r"patch.size is \[32, 32, 32\] and has no keys; set patch.size as a whole"),
        ("name.x=3", "name is 'twelve-lines' and has no keys"),
        ("seed=[1", "--set seed=.*not readable as YAML"),
        ("seed=!!python/name:os.system 1", "tags"),
        ("models.unet3.width=8", r"models.unet3 \(--set\): there is no model 'unet3'. Did you mean 'unet3d'\?"),
    ],
)
def test_a_setting_that_is_none_is_refused(twelve: Path, override: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        load(twelve, [override])


def test_the_files_path_is_relative_to_the_file_and_the_commands_to_where_one_stands(
    twelve: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert load(twelve).dataset.path == str(tmp_path / "kits")
    assert load(twelve, data="there").dataset.path == str(elsewhere / "there")
    assert load(twelve, ["dataset.path=../x"]).dataset.path == str(tmp_path / "x")
    assert load(twelve, data="/a/b").dataset.path == "/a/b"
    assert load(twelve, ["dataset.path=x"], data="y").dataset.path == str(elsewhere / "y")
    assert load(Path("..") / "file.yaml").dataset.path == str(tmp_path / "kits")


def test_a_study_without_data_says_how_to_give_it(twelve: Path) -> None:
    with pytest.raises(SpecError, match=r"dataset.path \(--set\).*add --data DIR"):
        load(twelve, ["dataset.path=null"])
    with pytest.raises(SpecError, match="this study comes without data: add --data DIR"):
        load("hippocampus")


def test_a_study_that_does_not_exist_gets_a_suggestion(twelve: Path) -> None:
    with pytest.raises(InputError, match=r"no such study file. Did you mean 'hippocampus'"):
        load("hipocampus")
    with pytest.raises(InputError, match=r"Did you mean '.*/file.yaml'"):
        load(twelve.with_name("fil.yaml"))
    with pytest.raises(InputError, match=r"Studies that come with segstudy: .*hippocampus"):
        load("zzz")
    with pytest.raises(InputError, match="is a folder"):
        load(twelve.parent)


@pytest.mark.parametrize("name", builtin_studies())
def test_their_smoke_version_loads_and_is_smaller(name: str, tmp_path: Path) -> None:
    whole = load(name, data=tmp_path)
    if "\nsmoke:" not in builtin_studies()[name].read_text(encoding="utf-8"):
        assert whole.training.iterations <= 600, "a long study has a small version"
        return
    small = load(name, data=tmp_path, small=True)
    assert small.name == f"{name}-smoke"
    assert small.training.iterations <= 60
    assert small.losses.keys() == whole.losses.keys()


@pytest.mark.parametrize("name", builtin_studies())
def test_studies_that_come_with_segstudy_load(name: str, tmp_path: Path) -> None:
    made = load(name, data=tmp_path)
    assert made.name == name
    assert made.dataset.path == str(tmp_path)
    if made.budget.sampler == "tpe":
        assert made.design().trials_per_arm >= 2 * made.budget.cohort, "its first cohort is drawn without a model"
    assert Study.from_plain(made.plain()) == made


def test_a_file_goes_before_a_study_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hippocampus").write_text(TWELVE_LINES)
    assert load("hippocampus").name == "twelve-lines"


def test_models_and_losses_may_be_a_name_or_a_list() -> None:
    assert [arm.name for arm in study({"models": "vnet", "losses": ["dice"]}).arms] == ["vnet+dice"]
    assert set(MODELS) >= {"unet", "unet3d", "vnet"}


def test_a_study_cannot_be_changed() -> None:
    made = study()
    with pytest.raises(ValidationError, match="frozen"):
        made.budget.cohort = 3  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        made.seed = 3  # type: ignore[misc]


def test_a_changed_tree_leaves_the_original_alone() -> None:
    tree = changed()
    before = json.dumps(tree)
    Study.from_plain(tree)
    assert json.dumps(tree) == before


def test_an_arm_begins_where_its_range_says() -> None:
    rate = {"low": 1e-5, "high": 1e-3, "log": True, "first": 1e-4}
    (arm,) = study({"losses": "dice", "training.learning_rate": rate}).arms
    assert arm.default["training.learning_rate"] == 1e-4
    (arm,) = study({"losses": "dice", "training.learning_rate": {**rate, "first": None}}).arms
    assert arm.default["training.learning_rate"] == 1e-3


@pytest.mark.parametrize(
    ("trials", "sampler", "cohort"),
    [(2, "tpe", 1), (4, "tpe", 2), (5, "tpe", 1), (1, "random", 1), (4, "random", 4), (6, "random", 6), (12, "tpe", 6)],
)
def test_few_trials_need_no_cohort(trials: int, sampler: str, cohort: int) -> None:
    made = study({"budget": {"trials_per_arm": trials, "sampler": sampler}})
    assert (made.budget.trials_per_arm, made.budget.cohort) == (trials, cohort)


def test_a_cohort_that_is_given_is_not_changed() -> None:
    with pytest.raises(SpecError, match=r"budget.trials_per_arm: 2 is no multiple of cohort \(6\)"):
        study({"budget": {"trials_per_arm": 2, "cohort": 6}})
