"""Bad study files: each is refused with the key, what was found and what is allowed."""

from pathlib import Path
from typing import Any

import pytest

from study.study_file import SpecError, Study, load
from study.study_file.errors import Problem, dotted, shown, suggestion
from tests.study.study_files import SMALL, changed

BAD: list[tuple[dict[str, Any], str, str]] = [
    # keys and names
    ({"sede": 1}, "sede", "unknown key. Did you mean 'seed'?"),
    ({"a\nb": 1}, "'a\\nb'", "unknown key."),
    ({"dataset.splt": 1}, "dataset.splt", "unknown key in `dataset`. Did you mean 'split'?"),
    ({"dataset.split": {"validation": 0.2, "test": 0.2, "sed": 1}}, "dataset.split.sed", "Did you mean 'seed'?"),
    (
        {"dataset.split": {"train": 0.6, "validation": 0.2, "test": 0.2}},
        "dataset.split.train",
        "There are: by, file, folds, seed, stratify, test, validation.",
    ),
    ({"budget.halving": {"mark": [100], "marks": [100]}}, "budget.halving.mark", "Did you mean 'marks'?"),
    ({"preprocess.roi": "lungs"}, "preprocess.roi", "unknown key in `preprocess`"),
    ({"dataset.train_onn": "regions"}, "dataset.train_onn", "unknown key in `dataset`"),
    ({"models": {"unet4d": None}}, "models.unet4d", "there is no model 'unet4d'. Did you mean 'unet3d'?"),
    ({"losses": {"dise": None}}, "losses.dise", "there is no loss 'dise'. Did you mean 'dice'?"),
    ({"losses": {"xyz": None}}, "losses.xyz", "There are: asl_lin, asl_sq, balanced, bce, cl_dice, cross_entropy,"),
    ({"losses": ["dice", "dice"]}, "losses", "expected a list of different names"),
    ({"losses": ["dice", 3]}, "losses", "expected a list of different names"),
    ({"models": None}, "models", "expected at least one model, found nothing. There are: unet, unet3d, vnet, "),
    ({"losses": []}, "losses", "expected at least one loss"),
    ({"losses": {}}, "losses", "expected at least one loss"),
    ({"losses": 3}, "losses", "expected at least one loss, found 3"),
    ({"losses": {"focal": {"gama": 2}}}, "losses.focal.gama", "focal has no such parameter. Did you mean 'gamma'?"),
    (
        {"losses": {"cross_entropy": {"eps": 1}}},
        "losses.cross_entropy.eps",
        "cross_entropy has no such parameter. It has none.",
    ),
    ({"losses": {"focal": "defalt"}}, "losses.focal", "expected nothing, `default` or parameters (alpha, gamma)"),
    ({"losses": {"focal": [1]}}, "losses.focal", "expected nothing, `default` or parameters"),
    ({"name": "Big Study"}, "name", "expected small letters, digits"),
    ({"name": "../x"}, "name", "expected small letters"),
    ({"name": ".x"}, "name", "expected small letters"),
    ({"name": "x" * 101}, "name", "expected small letters"),
    ({"name": 3}, "name", "expected text (put quotes around it), found 3"),
    ({"name": ...}, "name", "missing"),
    # numbers
    ({"seed": -1}, "seed", "expected at least 0, found -1"),
    ({"seed": 1.5}, "seed", "expected a whole number, found 1.5"),
    ({"seed": True}, "seed", "expected a whole number, found True"),
    ({"seed": "1"}, "seed", "expected a whole number, found '1'"),
    ({"training.iterations": 0}, "training.iterations", "expected at least 1, found 0"),
    ({"training.iterations": True}, "training.iterations", "expected a whole number"),
    ({"training.iterations": ...}, "training.iterations", "missing"),
    ({"training": None}, "training.iterations", "missing"),
    ({"training": 100}, "training", "expected keys with values"),
    ({"training.batch_size": 0}, "training.batch_size", "expected a whole number of at least 1, or auto, found 0"),
    ({"training.batch_size": 2.5}, "training.batch_size", "expected a whole number of at least 1, or auto, found 2.5"),
    ({"training.batch_size": [2, "auto"]}, "training.batch_size", "auto stands alone: give a number"),
    ({"training.batch_size": "large"}, "training.batch_size", "of at least 1, or auto, found 'large'"),
    ({"training.batch_size": {"low": 1.5, "high": 4.5}}, "training.batch_size", "expected a whole number"),
    ({"training.batch_size": {"low": 1.0, "high": 4.0, "step": 1.5}}, "training.batch_size", "expected a whole step"),
    ({"training.learning_rate": 0}, "training.learning_rate", "expected a number above 0, found 0"),
    ({"training.learning_rate": -1e-3}, "training.learning_rate", "expected a number above 0"),
    ({"training.learning_rate": [1e-3, 0]}, "training.learning_rate", "expected a number above 0, found 0"),
    ({"training.learning_rate": None}, "training.learning_rate", "expected a number above 0, found nothing"),
    ({"training.learning_rate": True}, "training.learning_rate", "expected a number above 0, found True"),
    ({"training.learning_rate": float("nan")}, "training.learning_rate", "finite"),
    ({"training.learning_rate": float("inf")}, "training.learning_rate", "finite"),
    ({"training.learning_rate": {"low": 1e-2, "high": 1e-4}}, "training.learning_rate", "upside down"),
    ({"training.learning_rate": {"low": 0.0, "high": 1.0, "log": True}}, "training.learning_rate", "start above 0"),
    (
        {"training.learning_rate": {"lo": 1e-4, "hi": 1e-3}},
        "training.learning_rate",
        "expected a value, a list of values",
    ),
    ({"training.learning_rate": {"low": 0.1, "high": 1.0, "step": 0.4}}, "training.learning_rate", "does not lead"),
    ({"training.learning_rate": []}, "training.learning_rate", "the list is empty"),
    ({"training.weight_decay": -1}, "training.weight_decay", "expected a number of at least 0"),
    (
        {"training.optimizer": "adm"},
        "training.optimizer",
        "expected adam or adamw or sgd, found 'adm'. Did you mean 'adam'?",
    ),
    (
        {"training.optimizer": {"low": 1, "high": 2}},
        "training.optimizer",
        "expected adam or adamw or sgd, found a range",
    ),
    ({"training.momentum": 0.9}, "training.momentum", "only sgd has a momentum, and `optimizer` is adam: leave it out"),
    (
        {"training.optimizer": ["adam", "sgd"]},
        "training.learning_rate",
        "missing: sgd and adam need step sizes far apart",
    ),
    ({"training.optimizer": "sgd", "training.momentum": 1}, "training.momentum", "of at least 0 and below 1, found 1"),
    ({"training.precision": "float16"}, "training.precision", "expected 'float32' or 'bfloat16', found 'float16'"),
    ({"training.lr": 1}, "training.lr", "unknown key in `training`."),
    ({"models": {"unet3d": {"width": 0}}}, "models.unet3d.width", "expected a whole number of at least 1, found 0"),
    ({"models": {"unet3d": {"norm": "layer"}}}, "models.unet3d.norm", "expected instance or batch, found 'layer'"),
    ({"losses": {"focal": {"gamma": -1}}}, "losses.focal.gamma", "expected a number of at least 0, found -1"),
    ({"losses": {"focal": {"gamma": None}}}, "losses.focal.gamma", "found nothing"),
    ({"losses": {"focal": {"alpha": 2}}}, "losses.focal.alpha", "of at least 0 and at most 1, or null, found 2"),
    ({"losses": {"focal": {"gamma": {"low": 3, "high": 1}}}}, "losses.focal.gamma", "low 3 is above high 1"),
    ({"losses": {"focal": {"gamma": [1, 1]}}}, "losses.focal.gamma", "1 is listed twice"),
    ({"losses": {"focal": {"gamma": {"low": 1, "high": 2, "stp": 1}}}}, "losses.focal.gamma.stp", "a range has only"),
    ({"losses": {"dice": {"eps": 0}}}, "losses.dice.eps", "expected a number above 0"),
    # dataset
    ({"dataset": None}, "dataset.labels", "missing"),
    ({"dataset": "data"}, "dataset", "expected keys with values (path, "),
    ({"dataset.path": 3}, "dataset.path", "expected text"),
    ({"dataset.labels": {}}, "dataset.labels", "expected 1 to 254 labels, found 0"),
    ({"dataset.labels": {f"l{i}": i for i in range(1, 256)}}, "dataset.labels", "expected 1 to 254 labels, found 255"),
    ({"dataset.labels": ["kidney"]}, "dataset.labels", "expected keys with values, found ['kidney']"),
    ({"dataset.labels": {"1": "kidney"}}, "dataset.labels.1", "expected a name first (`kidney: 1`)"),
    ({"dataset.labels": {"1": "kidney"}}, "dataset.labels.1", "expected a value of the mask (1) or a rule ('>127')"),
    ({"dataset.labels": {"background": 2, "kidney": 1}}, "dataset.labels.background", "leave it out"),
    ({"dataset.labels": {"background": 0}}, "dataset.labels", "expected 1 to 254 labels, found 0"),
    ({"dataset.labels": {"mean": 1}}, "dataset.labels.mean", "not `mean`"),
    ({"dataset.labels": {"a.b": 1}}, "dataset.labels.a.b", "expected a name first"),
    ({"dataset.labels": {"kidney": 0}}, "dataset.labels.kidney", "0 is the background"),
    ({"dataset.labels": {"kidney": True}}, "dataset.labels.kidney", "expected a value of the mask"),
    ({"dataset.labels": {"kidney": None}}, "dataset.labels.kidney", "found nothing"),
    ({"dataset.labels": {"kidney": "=> 2"}}, "dataset.labels.kidney", "expected a value of the mask"),
    ({"dataset.labels": {"kidney": ">" + "9" * 400}}, "dataset.labels.kidney", "finite"),
    (
        {"dataset.labels": {"kidney": 1, "tumor": 1}},
        "dataset.labels.tumor",
        "tumor: 1 and kidney: 1 name the same values",
    ),
    ({"dataset.labels": {"kidney": ">127", "tumor": 200}}, "dataset.labels.tumor", "name the same values"),
    ({"dataset.labels": {"kidney": ">=2", "tumor": "<=2"}}, "dataset.labels.tumor", "name the same values"),
    ({"dataset.labels": {"kidney": "<100", "tumor": "<5"}}, "dataset.labels.tumor", "name the same values"),
    ({"dataset.other_labels": "allow"}, "dataset.other_labels", "expected 'refuse', 'background' or 'ignore', found"),
    ({"dataset.regions": {"x": ["kidny"]}}, "dataset.regions.x", "there is no label 'kidny'. Did you mean 'kidney'?"),
    ({"dataset.regions": {"x": ["background"]}}, "dataset.regions.x", "there is no label 'background'"),
    ({"dataset.regions": {"x": []}}, "dataset.regions.x", "names no label"),
    ({"dataset.regions": {"x": ["kidney", "kidney"]}}, "dataset.regions.x", "names a label twice"),
    ({"dataset.regions": {"x": "kidney"}}, "dataset.regions.x", "expected a list, found 'kidney'"),
    ({"dataset.regions": {"mean": ["kidney"]}}, "dataset.regions.mean", "not `mean`"),
    ({"dataset.regions": {}}, "dataset.regions", "names nothing to score"),
    ({"dataset.exclude": "case_1"}, "dataset.exclude", "expected a list, found 'case_1'"),
    ({"dataset.exclude": [[1]]}, "dataset.exclude[0]", "expected text"),
    ({"dataset.group": "(a"}, "dataset.group", "not a regular expression: missing )"),
    ({"dataset.group": "abc"}, "dataset.group", "found 0 groups: put the patient's part in brackets"),
    ({"dataset.group": "(a)(b)"}, "dataset.group", "found 2 groups: write the others as (?:…)"),
    ({"dataset.group": "([[a])"}, "dataset.group", "not a regular expression"),
    ({"dataset.group": "(" + "a" * 200 + ")"}, "dataset.group", "at most 200 letters"),
    ({"dataset.group": None}, "dataset.group", "expected text"),
    ({"dataset.images": "{case}.png"}, "dataset.masks", "images and masks go together"),
    ({"dataset.masks": "{case}.png"}, "dataset.images", "images and masks go together"),
    ({"dataset.images": [1], "dataset.masks": "m"}, "dataset.images", "expected a folder, a path with {case} in it"),
    ({"dataset.split": {"validation": 0.2}}, "dataset.split.test", "missing"),
    ({"dataset.split": {"validation": 0.5, "test": 0.5}}, "dataset.split", "shares add up to 1 and leave nothing"),
    (
        {"dataset.split": {"validation": 0.0, "test": 0.5}},
        "dataset.split.validation",
        "a share between 0 and 1, found 0",
    ),
    (
        {"dataset.split": {"validation": 1.0, "test": 0.5}},
        "dataset.split.validation",
        "a share between 0 and 1, found 1",
    ),
    ({"dataset.split": {"validation": 20, "test": 0.5}}, "dataset.split.validation", "expected a share (0.2)"),
    ({"dataset.split": {"validation": [], "test": 0.5}}, "dataset.split.validation", "expected a share (0.2)"),
    ({"dataset.split": {"validation": [1.5], "test": 0.5}}, "dataset.split.validation", "expected a share (0.2)"),
    ({"dataset.split": {"folds": 1}}, "dataset.split.folds", "expected at least 2"),
    ({"dataset.split": {"folds": 2}}, "dataset.split.folds", "2 folds leave nothing to train on"),
    ({"dataset.split": {"folds": 5, "validation": 0.2}}, "dataset.split.validation", "folds bring their own"),
    ({"dataset.split": "fold"}, "dataset.split", "expected keys with values"),
    # preprocessing and patches
    ({"preprocess": 3}, "preprocess", "expected keys with values"),
    ({"preprocess.spacing": [1, 1]}, "preprocess.spacing", "has 2 numbers, patch.size has 3"),
    ({"preprocess.spacing": [1, 1, 0]}, "preprocess.spacing", "expected native, unknown, or millimetres"),
    ({"preprocess.spacing": 1.5}, "preprocess.spacing", "expected native, unknown, or millimetres"),
    ({"preprocess.spacing": [1, True, 1]}, "preprocess.spacing", "expected native, unknown, or millimetres"),
    ({"preprocess.clip": [100, -100]}, "preprocess.clip", "expected [low, high], low below high"),
    ({"preprocess.clip": [1, 1]}, "preprocess.clip", "low below high, or nothing, found [1, 1]"),
    ({"preprocess.clip": [1]}, "preprocess.clip", "expected [low, high]"),
    ({"preprocess.clip": [1, float("inf")]}, "preprocess.clip", "expected [low, high]"),
    ({"preprocess.normalize": "z-score"}, "preprocess.normalize", "found 'z-score'. Did you mean 'zscore'?"),
    ({"patch": None}, "patch.size", "missing"),
    ({"patch.size": [32]}, "patch.size", "at least 2 in the list"),
    ({"patch.size": [32, 32, 32, 32]}, "patch.size", "at most 3 in the list"),
    ({"patch.size": 32}, "patch.size", "expected a list, found 32"),
    ({"patch.size": [0, 32, 32]}, "patch.size[0]", "expected at least 1, found 0"),
    ({"patch.size": [32.5, 32, 32]}, "patch.size[0]", "expected a whole number"),
    (
        {"patch.size": [16, 16, 16]},
        "patch.size",
        "[16, 16, 16] is too small for unet3d: one side at least must be above 16",
    ),
    ({"patch.size": [32, 32]}, "models.unet3d", "takes 3D patches, patch.size [32, 32] is 2D. There are: unet, vnet, "),
    ({"models": ["unet"]}, "models.unet", "takes 2D patches"),
    ({"patch.overlap": [32, 8, 8]}, "patch.overlap", "expected less than size [32, 32, 32] on every axis"),
    ({"patch.overlap": [8, 8]}, "patch.overlap", "has 2 numbers, size has 3"),
    ({"patch.overlap": [-1, 8, 8]}, "patch.overlap[0]", "expected at least 0"),
    ({"patch.foreground": 1.5}, "patch.foreground", "expected at most 1, found 1.5"),
    ({"patch.foreground": "0.5"}, "patch.foreground", "expected a number"),
    ({"patch.foreground": True}, "patch.foreground", "expected a number"),
    ({"augment": ["miror"]}, "augment[0]", "there is no augmentation 'miror'. Did you mean 'mirror'?"),
    ({"augment": ["mirror", "mirror"]}, "augment", "names one twice"),
    ({"augment": "mirror"}, "augment", "expected a list"),
    # budget
    ({"budget.trials_per_arm": 10}, "budget.trials_per_arm", "10 is no multiple of cohort (4): give 8 or 12"),
    ({"budget.trials_per_arm": 3}, "budget.trials_per_arm", "3 is no multiple of cohort (4): give 4,"),
    ({"budget.trials_per_arm": 0}, "budget.trials_per_arm", "expected at least 1"),
    (
        {"budget.trials_per_arm": 4},
        "budget.trials_per_arm",
        "4 trials in all: one cohort, and tpe draws its first cohort",
    ),
    ({"budget.cohort": 0}, "budget.cohort", "expected at least 1"),
    ({"budget.final_seeds": 0}, "budget.final_seeds", "expected at least 1"),
    ({"budget.searches": 0}, "budget.searches", "expected at least 1"),
    ({"budget.sampler": "tep"}, "budget.sampler", "found 'tep'. Did you mean 'tpe'?"),
    ({"budget.sampler": "grid"}, "training.learning_rate", "a grid needs single values"),
    ({"budget.sampler": "grid"}, "losses.focal.gamma", "a grid needs single values"),
    (
        {
            "budget.sampler": "grid",
            "training.learning_rate": {"low": 0.001, "high": 10.0, "step": 0.001},
            "losses": {"focal": {"gamma": {"low": 0.0, "high": 2.0, "step": 0.001}}},
        },
        "budget.sampler",
        "the grid of unet3d+focal has 20,010,000 points",
    ),
    ({"budget.halving": {"eta": 2}}, "budget.halving.marks", "missing"),
    ({"budget.halving": {"marks": []}}, "budget.halving.marks", "at least 1 in the list"),
    ({"budget.halving": {"marks": [50, 20, 100]}}, "budget.halving.marks", "expected increasing iterations"),
    ({"budget.halving": {"marks": [50, 50, 100]}}, "budget.halving.marks", "expected increasing iterations"),
    ({"budget.halving": {"marks": [0, 100]}}, "budget.halving.marks[0]", "expected at least 1"),
    ({"budget.halving": {"marks": [50, 90]}}, "budget.halving.marks", "the last is 90 and training.iterations is 100"),
    ({"budget.halving": {"eta": 0, "marks": [100]}}, "budget.halving.eta", "expected at least 1"),
    ({"budget.halving": {"eta": 0.5, "marks": [100]}}, "budget.halving.eta", "expected a whole number"),
    ({"budget.halving": {"eta": 3, "marks": [20, 50, 100]}}, "budget.cohort", "leaves one trial of 9"),
    ({"budget.halving": 2}, "budget.halving", "expected keys with values"),
    ({"budget.search_in": "all"}, "budget.search_in", "expected 'first_fold' or 'each_fold'"),
    # objective, report, the rest
    ({"objective.metric": "dise"}, "objective.metric", "there is no metric 'dise'. Did you mean 'dice'?"),
    ({"objective.region": "kidny"}, "objective.region", "there is no region 'kidny'. Did you mean 'kidney'?"),
    (
        {"dataset.regions": {"both": ["kidney", "tumor"]}, "objective.region": "kidney"},
        "objective.region",
        "There are: both, mean.",
    ),
    (
        {"report.baseline": "unet3d+dise"},
        "report.baseline",
        "expected an arm, model+loss, found 'unet3d+dise'. Did you",
    ),
    ({"report.metrics": ["dice", "hd96"]}, "report.metrics[1]", "there is no metric 'hd96'. Did you mean 'hd95'?"),
    ({"report.metrics": ["dice", "f2.0"]}, "report.metrics[1]", "there is no metric 'f2.0'. Did you mean 'f2'?"),
    ({"report.metrics": ["surface_dice"]}, "report.metrics[0]", "Did you mean 'surface_dice_2'?"),
    ({"report.metrics": ["dice", "dice"]}, "report.metrics", "names one twice"),
    ({"report.empty": "zero"}, "report.empty", "expected 'missing' or 'one'"),
    ({"report.means": {"both": ["kidney", "tumour"]}}, "report.means.both[1]", "Did you mean 'tumor'?"),
    ({"report.means": {"kidney": ["kidney", "tumor"]}}, "report.means.kidney", "there is a region of that name"),
    ({"report.means": {"both": ["kidney"]}}, "report.means.both", "at least 2 in the list"),
    ({"report.metrics": ["dice", "group_hd95"]}, "report.metrics[1]", "there is no metric 'group_hd95'"),
    ({"objective.metric": "pooled_dice"}, "objective.metric", "has no value for a case"),
    ({"report.lesions": {"strata": [12, 8]}}, "report.lesions.strata", "expected rising diameters, found [12.0, 8.0]"),
    ({"report.lesions": {"strata": [0]}}, "report.lesions.strata[0]", "expected more than 0"),
    ({"report.lesions": {"protocol": "2020"}}, "report.lesions.protocol", "expected 'corrected' or 'iw2020'"),
    ({"report.lesions": {"sizes": [8]}}, "report.lesions.sizes", "unknown key in `report.lesions`"),
    ({"objective.metric": "volume_bias"}, "objective.metric", "best at 0: choose by volume_error"),
    ({"report.metrics": []}, "report.metrics", "at least 1 in the list"),
    ({"inference.blend": "linear"}, "inference.blend", "expected 'constant' or 'gaussian'"),
    ({"inference.mirror": "yes"}, "inference.mirror", "expected true or false, found 'yes'"),
    ({"inference.average": "softmax"}, "inference.average", "expected 'logits' or 'probabilities'"),
    ({"resources.cpu": 0}, "resources.cpu", "expected at least 1"),
    ({"resources.gpu": "all"}, "resources.gpu", "expected auto, a share of one GPU (0.5) or a number of GPUs"),
    ({"resources.gpu": -1}, "resources.gpu", "expected auto"),
    ({"resources.gpu": 1.5}, "resources.gpu", "expected auto"),
    ({"resources.gpu": True}, "resources.gpu", "expected auto"),
]


@pytest.mark.parametrize(
    ("changes", "key", "text"), BAD, ids=[f"{index}-{key}" for index, (_, key, _) in enumerate(BAD)]
)
def test_a_bad_file_is_refused_at_its_key(changes: dict[str, Any], key: str, text: str) -> None:
    with pytest.raises(SpecError) as caught:
        Study.from_plain(changed(changes))
    assert any(line.startswith(f"{key}: ") and text in line for line in caught.value.lines), caught.value.lines
    assert all("\n" not in line for line in caught.value.lines)


def test_all_that_is_wrong_is_said_at_once() -> None:
    changes = {
        "sede": 1,
        "dataset.labels": {"kidney": 1, "tumor": 1},
        "dataset.splt": {},
        "dataset.other_labels": "allow",
        "dataset.group": "(",
        "dataset.regions": {"x": ["kidny"]},
        "patch.overlap": [64, 8, 8],
        "models": {"unet4d": None},
        "losses": {"focal": {"gama": 1, "gamma": {"low": 2, "high": 1}}},
        "training.learning_rate": 0,
        "training.batch_size": 0,
        "budget.trials_per_arm": 10,
        "objective.metric": "dise",
    }
    with pytest.raises(SpecError) as caught:
        Study.from_plain(changed(changes), source="file.yaml")
    keys = [line.split(":")[0] for line in caught.value.lines]
    assert sorted(keys) == sorted(
        [
            "sede",
            "dataset.splt",
            "dataset.other_labels",
            "dataset.labels.tumor",
            "dataset.group",
            "dataset.regions.x",
            "patch.overlap",
            "models.unet4d",
            "losses.focal.gama",
            "losses.focal.gamma",
            "training.learning_rate",
            "training.batch_size",
            "budget.trials_per_arm",
            "objective.metric",
        ]
    )
    assert str(caught.value).startswith("file.yaml: 14 things to put right\n  ")


def test_one_problem_is_one_line() -> None:
    with pytest.raises(SpecError) as caught:
        Study.from_plain(changed({"seed": -1}), source="file.yaml")
    assert str(caught.value) == "file.yaml: seed: expected at least 0, found -1."


def test_a_problem_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "name: a\ndataset: {path: x, labels: {a: 1}}\npatch:\n  size:\n    - 32\n    - no\n    - 32\nmodels: [unet3d]\n"
        "losses:\n  focal:\n    gamma: {low: 2, high: 1}\ntraining: {iterations: 5}\nbuget: {}\n"
    )
    with pytest.raises(SpecError) as caught:
        load(file)
    assert [line.split(":")[0] for line in caught.value.lines] == [
        "buget (line 13)",
        "patch.size[1] (line 6)",
        "losses.focal.gamma (line 11)",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected a study file .* found nothing"),
        ("# only a comment\n", "found nothing"),
        ("just words", "found 'just words'"),
        ("- a\n- b\n", r"found \['a', 'b'\]"),
        ("name: [1\n", "not readable as YAML"),
        ("name: a\nname: b\n", "line 2: the key 'name' is there twice"),
        ("name: !!python/object/apply:os.system [echo]\n", "line 1: YAML tags such as"),
        ("a: &x [*x]", "alias"),
    ],
)
def test_what_is_no_study_file(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    with pytest.raises(SpecError, match=problem):
        load(file)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"name: \xff\xfe")
    with pytest.raises(SpecError, match=r"is no UTF-8 text \(byte 6\)"):
        load(file)
    file.write_bytes(b"#" * 1_000_001)
    with pytest.raises(SpecError, match="1,000,001 bytes long"):
        load(file)
    file.write_bytes(b"\xef\xbb\xbfname: 3")  # a byte-order mark is no error
    with pytest.raises(SpecError, match="expected text"):
        load(file)


def test_what_is_fine() -> None:
    for changes in (
        {"dataset.labels": {"a": "<1", "b": ">=1"}},
        {"dataset.labels": {"a": ">1", "b": "<2"}, "dataset.other_labels": "background"},
        {"dataset.split": {"folds": 2, "test": 0.2}},
        {"dataset.split": {"validation": "a..b", "test": ["c", 12]}},
        {"budget.halving": {"eta": 3, "marks": [50, 100]}},
        {"budget.halving": {"eta": 1, "marks": [1, 2, 3, 100]}},
        {"budget.trials_per_arm": 4, "budget.sampler": "random"},
        {"budget.trials_per_arm": 4, "losses": {"dice": None}, "training.learning_rate": 1e-3},  # nothing to tune
        {"budget.sampler": "grid", "training.learning_rate": [1e-3, 1e-2], "losses": {"focal": "default"}},
        {"patch.size": [16, 17, 3]},
        {"patch.size": [64, 64], "models": ["unet", "vnet"]},
        {"preprocess": {"spacing": "unknown", "clip": None}, "augment": None, "objective": None},
        {"resources.gpu": 0.25},
        {"resources.gpu": 2},
        {"dataset.images": {"t1": "{case}_t1.png"}, "dataset.masks": "masks"},
    ):
        Study.from_plain(changed(changes))


def test_a_suggestion_is_near_or_a_list() -> None:
    assert suggestion("dise", ["dice", "focal"]) == " Did you mean 'dice'?"
    assert suggestion("zzz", ["dice", "focal"]) == " There are: dice, focal."
    assert suggestion("zzz", []) == ""


def test_long_things_are_cut_off() -> None:
    assert shown("x" * 78) == "'" + "x" * 78 + "'"
    assert shown("x" * 79) == "'" + "x" * 76 + "…"
    assert suggestion("zzz", [f"w{n:02d}" for n in range(20)]).endswith("w18, w19.")
    assert suggestion("zzz", [f"w{n:02d}" for n in range(21)]).endswith("w18, w19, ….")


def test_a_problem_takes_the_line_of_the_nearest_key() -> None:
    problem = Problem(("a", "b", 0), "x")
    assert dotted(problem.path) == "a.b[0]"
    assert problem.line({("a",): "line 1", ("a", "b"): "line 2"}) == "a.b[0] (line 2): x"
    assert problem.line({}) == "a.b[0]: x"
    assert Problem((), "x").line({}) == "x"


def test_the_base_of_these_tests_is_good() -> None:
    assert Study.from_plain(SMALL).name == "small"
