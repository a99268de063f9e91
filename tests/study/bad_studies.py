"""Invalid study files, and the expected error messages."""

import json
import pathlib
from collections.abc import Callable
from typing import Any

from tests.study.study_files import changed

SMALL = changed(
    {
        "dataset.labels": {"organ": 1, "lesion": 2},
        "dataset.group": "case",
        "dataset.split": {"validation": 0.25, "test": 0.25},
        "resources": {"cpu": 1, "gpu": 0},
        "budget.halving": {"eta": 2, "marks": [50, 100]},
    }
)
"""Valid study file for `data`: eight cases `p0_scan0`, `p0_scan1`, `p1_scan2`, …, two of each of four patients."""

Break = Callable[[pathlib.Path], Any]
"""Corrupts the dataset's folder; what it returns, if anything, replaces the study file."""
Rows = dict[str, tuple[Break, str]]
"""Error → how it is made, and the pattern of the expected message."""


def file(**changes: Any) -> Break:
    """Returns a study file with other values: `budget__cohort=5`; `...` removes a key."""
    return lambda data: changed({key.replace("__", "."): value for key, value in changes.items()}, SMALL)


def text(written: str | bytes) -> Break:
    return lambda data: written


def split(listed: Any, name: str = "splits.json", **more: Any) -> Break:
    """Writes a split file beside the study file, and refers to it there."""

    def write(data: pathlib.Path) -> Any:
        content = listed if isinstance(listed, str) else json.dumps(listed)
        (data.parent / name).write_text(content)
        return changed({"dataset.split": {"file": name, **more}}, SMALL)

    return write


CASES = [f"p{number // 2}_scan{number}" for number in range(8)]
PARTS = {"train": CASES[:4], "val": CASES[4:6], "test": CASES[6:]}

AS_TEXT: Rows = {
    "no such file": (lambda data: (data.parent / "study.yaml").unlink(), r"study.yaml: no such study file"),
    "no YAML": (text("name: [small"), r"study.yaml: line 1: not readable as YAML"),
    "not a mapping": (text("- small\n"), r"study.yaml: expected a study file"),
    "nothing in it": (text(""), r"study.yaml: expected a study file .*, found nothing"),
    "a tag": (text("name: !!python/object/apply:os.system ['true']\n"), r"line 1: YAML tags such as .* are refused"),
    "a key twice": (text("name: a\nname: b\n"), r"line 2: the key 'name' is there twice"),
    "no UTF-8": (text(b"name: sm\xe4ll\n"), r"study.yaml: is no UTF-8 text \(byte 8\)"),
    "merge keys": (text("name: a\nbudget: {<<: {cohort: 2}}\n"), r"line 2: merge keys \(<<\) are not part of YAML 1.2"),
    "a number that is none": (text("name: a\nseed: .nan\n"), r"line 2: expected a finite number"),
    "an endless alias": (text("name: &a [*a]\n"), r"line 1: too many values|alias"),
    "too long": (text("# " + "x" * 1_000_001), r"study.yaml: is 1,000,003 bytes long"),
}
KEYS: Rows = {
    "unknown key": (file(budget__trails_per_arm=4), r"budget.trails_per_arm .*Did you mean 'trials_per_arm'\?"),
    "unknown section": (file(preproces={"clip": [0, 1]}), r"preproces .*Did you mean 'preprocess'\?"),
    "a name that is no folder": (file(name="My Study"), r"name .*small letters, digits.*found 'My Study'"),
    "no patch": (file(patch=...), r"patch.size: missing: this key has no default"),
    "a word for a number": (file(training__iterations="many"), r"training.iterations .*a whole number, found 'many'"),
    "no iterations": (file(training__iterations=0), r"training.iterations .*at least 1, found 0"),
    "unknown network": (
        file(models={"unet3": {}}),
        r"models.unet3 .*there is no model 'unet3'. Did you mean 'unet3d'\?",
    ),
    "unknown loss": (file(losses={"dise": None}), r"losses.dise .*there is no loss 'dise'. Did you mean 'dice'\?"),
    "unknown metric": (file(objective__metric="dicee"), r"objective.metric.*Did you mean 'dice'\?"),
    "unknown region": (file(objective__region="tumour"), r"objective.region .*there is no region 'tumour'"),
    "unknown augmentation": (file(augment=["mirror", "rotat"]), r"augment\[1\] .*Did you mean 'rotate'\?"),
    "unknown sampler": (file(budget__sampler="tpee"), r"budget.sampler .*Did you mean 'tpe'\?"),
    "unknown baseline": (file(report={"baseline": "unet3d+dise"}), r"report.baseline .*Did you mean 'unet3d\+dice'\?"),
    "unknown parameter": (file(losses={"focal": {"gama": 2}}), r"losses.focal.gama .*Did you mean 'gamma'\?"),
    "range upside down": (file(losses={"focal": {"gamma": {"low": 4, "high": 1}}}), r"losses.focal.gamma .*low"),
    "network of another dimension": (file(models={"unet": {}}), r"models.unet .*2D.*unet3d"),
    "overlap as large as the patch": (file(patch__overlap=[8, 8, 32]), r"patch.overlap .*less than size"),
    "spacing of another dimension": (file(preprocess={"spacing": [1, 1]}), r"preprocess.spacing .*has 2 numbers"),
    "spacing of nothing": (file(preprocess={"spacing": [1, 1, 0]}), r"preprocess.spacing .*above 0"),
    "clip upside down": (file(preprocess={"clip": [300, -100]}), r"preprocess.clip .*low below high"),
    "clip and window": (file(preprocess={"clip": [0, 1], "window": {"level": 1, "width": 2}}), r"beside clip"),
    "crop to a region that is not there": (file(preprocess={"crop": {"to": "roi"}}), r"needs `dataset.roi`"),
    "trials no multiple of cohort": (
        file(budget__trials_per_arm=10),
        r"10 is no multiple of cohort \(4\): give 8 or 12",
    ),
    "TPE that never models": (file(budget__trials_per_arm=4), r"would never model: give 8 or more"),
    "a grid without points": (
        file(budget__sampler="grid", training__learning_rate=0.001, losses={"focal": {"gamma": {"low": 1, "high": 2}}}),
        r"losses.focal.gamma .*a grid needs single values",
    ),
    "marks that end early": (
        file(budget__halving={"eta": 2, "marks": [10, 50]}),
        r"the last is 50 and training.iterations is 100",
    ),
    "marks out of order": (file(budget__halving={"eta": 2, "marks": [80, 60, 100]}), r"expected increasing iterations"),
    "a cohort that halving uses up": (file(budget__halving={"eta": 8, "marks": [50, 100]}), r"too small for halving"),
    "one and a half GPUs": (file(resources={"cpu": 1, "gpu": 1.5}), r"resources.gpu .*a share of one GPU"),
    # labels
    "a label called background": (file(dataset__labels={"background": 1}), r"background is what no label covers"),
    "a label for 0": (file(dataset__labels={"organ": 0}), r"dataset.labels.organ .*0 is the background"),
    "a rule that is none": (file(dataset__labels={"organ": "> a lot"}), r"a value of the mask \(1\) or a rule"),
    "two labels of one value": (file(dataset__labels={"organ": 1, "tumor": 1}), r"name the same values"),
    "rules that overlap": (file(dataset__labels={"organ": ">0", "lesion": ">=2"}), r"name the same values"),
    "a region of no label": (file(dataset__regions={"all": ["organ", "vein"]}), r"there is no label 'vein'"),
    # splits
    "an empty share": (file(dataset__split={"validation": 0.0, "test": 0.2}), r"split.validation .*between 0 and 1"),
    "shares that leave nothing": (file(dataset__split={"validation": 0.5, "test": 0.5}), r"leave nothing to train on"),
    "folds and validation": (file(dataset__split={"folds": 4, "validation": 0.2}), r"folds bring their own validation"),
    "two ways to split": (file(dataset__split={"by": "fold", "file": "s.csv"}), r"`by` gives the split too"),
    "a fold's pattern without a group": (file(dataset__split={"by": "^p"}), r"put the fold's part in brackets"),
    "a pattern that is none": (file(dataset__group="(p"), r"dataset.group .*not a regular expression"),
    "a group's pattern without a group": (file(dataset__group="^p"), r"put the patient's part in brackets"),
    "strata of nothing": (
        file(dataset__split={"validation": ["p0_scan0"], "test": ["p1_scan2"], "stratify": "labels"}),
        r"split.stratify .*nothing is drawn",
    ),
}
SPLITS: Rows = {
    "empty split": (
        file(dataset__split={"validation": "p0_scan0..p3_scan6", "test": ["p3_scan7"]}),
        r"dataset.split: no case is left for train",
    ),
    "a case in two splits": (
        file(dataset__split={"validation": ["p0_scan0"], "test": ["p0_scan0"]}),
        r"case 'p0_scan0' is in validation and in test",
    ),
    "a group in two splits": (
        file(dataset__group=r"^(p\d)_", dataset__split={"validation": ["p0_scan0"], "test": ["p0_scan1"]}),
        r"group 'p0'",
    ),
    "a case that is not there": (
        file(dataset__split={"validation": ["p0_scan9"], "test": ["p0_scan0"]}),
        r"there is no case 'p0_scan9'. Did you mean 'p0_scan1'\?",
    ),
    "a range upside down": (
        file(dataset__split={"validation": "p2..p1", "test": ["p0_scan0"]}),
        r"the range 'p2..p1' is upside down",
    ),
    "a pattern that finds no group": (file(dataset__group=r"^(q\d)_"), r"dataset.group: .* finds no group in"),
    "too few groups": (
        file(dataset__group=r"^(p)", dataset__split={"validation": 0.2, "test": 0.2}),
        r"dataset.split",
    ),
    "more folds than groups": (file(dataset__split={"folds": 9}), r"8 groups are too few for 9 folds"),
    "no folders that are folds": (file(dataset__split={"by": "fold"}), r"no folder fold_0, fold_1, … in the path of"),
    "one fold": (file(dataset__split={"by": "_(scan)"}), r"found 1 folds \(scan\), which leave nothing to train on"),
    "a fold that is not there": (
        file(dataset__split={"by": r"/p(\d)_", "validation": [1], "test": [7]}),
        r"test: there is no fold '7'",
    ),
    "a group in two folds": (
        file(dataset__split={"by": r"scan(\d)"}, dataset__group=r"^(p\d)_"),
        r"group 'p0' is in 2 folds, '0' \(p0_scan0\) and '1' \(p0_scan1\) \(3 more groups too\)",
    ),
    "a split's file that is not there": (
        file(dataset__split={"file": "splits.json"}),
        r"dataset.split.file: no file '.*splits.json'",
    ),
    "a split's file that is no JSON": (split("{"), r"splits.json: is no JSON"),
    "a split's file of another shape": (split([CASES]), r"expected \[\{train: \[…\], val: \[…\]\}, …\]"),
    "a table without roles": (split("case,part\n", "s.csv"), r"s.csv: expected the columns case, role"),
    "a listed case that is not there": (
        split({**PARTS, "train": [*CASES[:4], "p9_scan9"]}),
        r"dataset.split: file: there is no case 'p9_scan9'",
    ),
    "a case that is not listed": (split({**PARTS, "train": CASES[:3]}), r"file: p1_scan3: in no part of fold 1"),
    "a case listed twice": (split({**PARTS, "val": CASES[3:6]}), r"case 'p1_scan3' is in train and in validation"),
    "folds without test cases": (split([{"train": CASES[:4], "val": CASES[4:]}]), r"names no test cases in 1 folds"),
}
MACHINES: Rows = {
    "more cores than there are": (
        file(resources={"cpu": 9999, "gpu": 0}),
        r"resources: a trial needs 9999 CPUs and 0 GPUs",
    ),
    "more GPUs than there are": (file(resources={"cpu": 1, "gpu": 60}), r"resources: a trial needs 1 CPU and 60 GPUs"),
}
