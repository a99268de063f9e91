"""Each rule holds for made-up facts that call for it, and the first of a key's rows wins."""

import dataclasses
import pathlib
from typing import Any

import pytest

from study.proposing import sizes
from study.proposing.facts import Facts
from study.proposing.image_rules import IMAGES
from study.proposing.learning_rules import LEARNING, METRICS
from study.proposing.places import Places
from study.proposing.proposed_labels import MaskValues, Named
from study.proposing.rules import DATA, decide

MASKS = MaskValues(values=(1.0,), many=False, lossy=False, alone=True, highest=1.0, empty=0)
USUAL = Facts(
    flat=False,
    cases=40,
    group="case",
    grouped="named",
    patients=40,
    channels=1,
    channel_names=(),
    colour=False,
    modality="other",
    shape=(40, 100, 100),
    spacings=((1.0, 1.0, 1.0), (2.0, 1.0, 1.0), (3.0, 1.0, 1.0)),
    dark=0.0,
    masks=MASKS,
    named=None,
    components=1.0,
    share=0.1,
    lacking=0.0,
    ordered="",
    places=Places(root=pathlib.Path("data"), layout="nnU-Net", files=()),
    iterations=600,
    gpus=0,
    hours=8.0,
)
"""Facts of a data set; each case below changes some."""


def changed(**changes: Any) -> Facts:
    """The usual facts with some changed; `masks` changes some of the masks' facts."""
    masks = dataclasses.replace(MASKS, **changes.pop("masks", {}))
    return dataclasses.replace(USUAL, masks=masks, **changes)


CHANGES = ["rotate", "scale", "brightness", "gamma"]
BRATS = {"channels": 4, "masks": {"values": (1.0, 2.0, 4.0), "highest": 4.0}}
TWO = {"masks": {"values": (1.0, 255.0), "alone": False}}
CASES: tuple[tuple[str, str, Any, dict[str, Any]], ...] = (
    ("dataset.images", "templates", "{case}.nii", {"places": dataclasses.replace(USUAL.places, images="{case}.nii")}),
    ("dataset.masks", "templates", "{case}.nii", {"places": dataclasses.replace(USUAL.places, masks="{case}.nii")}),
    ("dataset.roi", "a field of view", "fov", {"places": dataclasses.replace(USUAL.places, roi="fov")}),
    ("dataset.labels", "no values of labels", {"foreground": ">127"}, {"masks": {"lossy": True, "highest": 255.0}}),
    ("dataset.labels", "no values of labels", {"foreground": ">0.5"}, {"masks": {"many": True, "highest": 1.0}}),
    ("dataset.labels", "no values of labels", {"foreground": ">0"}, {"masks": {"values": (1.0, 255.0)}}),
    ("dataset.labels", "values as numbers", {"label_1": 1, "label_255": 255}, TWO),
    (
        "dataset.labels",
        "named labels",
        {"liver": 1, "label_3": 3},
        {"named": Named(labels={"liver": 1, "cyst": 2}), "masks": {"values": (1.0, 3.0)}},
    ),
    ("dataset.labels", "BraTS", {"necrosis": 1, "edema": 2, "enhancing": 4}, BRATS),
    ("dataset.labels", "values as numbers", {"foreground": 255}, {"masks": {"values": (255.0,)}}),
    ("dataset.labels", "values as numbers", {"label_1": 1, "label_4": 4}, {"masks": {"values": (1.0, 4.0)}}),
    ("dataset.ignore", "an ignore label", [9], {"named": Named(labels={"liver": 1}, ignore=(9,))}),
    (
        "dataset.regions",
        "described regions",
        {"whole": ["edema", "core"], "core": ["core"]},
        {
            "named": Named(
                labels={"edema": 1, "core": 2, "gone": 3},
                regions={"whole": ("edema", "core", "gone"), "core": ("core",), "gone": ("gone",)},
            ),
            "masks": {"values": (1.0, 2.0)},
        },
    ),
    ("dataset.train_on", "overlapping regions", "regions", BRATS),
    ("dataset.colour", "colours", "channels", {"colour": True}),
    ("dataset.group", "a pattern in the names", "^(p)", {"group": "^(p)", "grouped": "pattern"}),
    ("dataset.group", "names of patients", "case", {}),
    ("dataset.group", "said by the user", "case", {"grouped": "said"}),
    ("dataset.group", "unknown patients", "unknown", {"group": "unknown", "grouped": "unknown"}),
    ("dataset.split", "few patients", {"folds": 5}, {"patients": 9}),
    ("dataset.split", "few patients", {"folds": 3, "stratify": "labels"}, {"patients": 3, "lacking": 0.1}),
    ("dataset.split", "shares", {"validation": 0.2, "test": 0.3}, {"patients": 10}),
    ("dataset.split", "shares", {"validation": 0.2, "test": 0.2}, {"patients": 50}),
    ("preprocess.spacing", "no voxel size", "unknown", {"spacings": ()}),
    ("preprocess.spacing", "one voxel size", "native", {"spacings": ((2.0, 1.0, 1.0), (2.01, 1.0, 1.0))}),
    ("preprocess.spacing", "slices", "native", {"shape": (10, 100, 100)}),
    (
        "preprocess.spacing",
        "anisotropic voxels",
        [2.4, 0.5, 0.5],  # the 10th percentile of 2, 4 and 8: 2 + 0.2 * 2
        {"spacings": ((4.0, 0.5, 0.5), (2.0, 0.5, 0.5), (8.0, 0.5, 0.5))},
    ),
    ("preprocess.spacing", "median voxel size", [2.0, 1.0, 1.0], {}),
    ("preprocess.crop", "dark surroundings", {"to": "nonzero"}, {"dark": 1.0}),
    ("preprocess.percentiles", "CT", [0.5, 99.5], {"modality": "ct"}),
    ("preprocess.normalize", "CT", "zscore_training", {"modality": "ct"}),
    ("preprocess.normalize", "dark surroundings", "zscore_nonzero", {"dark": 1.0}),
    ("preprocess.normalize", "no unit", "zscore", {"dark": 0.9}),
    # 100 is nearest to 96 in steps of 16; 48 x 96 x 96 voxels of 2 x 1 x 1 mm lose 16 from the longest side in mm
    ("patch.size", "as large as memory", [32, 64, 64], {}),
    ("patch.size", "as large as memory", [48, 96, 96], {"gpus": 1}),
    ("patch.size", "as large as memory", [96, 96], {"shape": (10, 100, 100)}),
    ("patch.sampling", "lesions", "lesion", {"components": 3.0}),
    ("patch.foreground", "foreground", 0.33, {"components": 2.0}),
    (
        "augment",
        "sides have names",
        ["rotate", "scale", "brightness", "gamma"],
        {"named": Named(labels={"Left-lung": 1})},
    ),
    ("augment", "labels in an order", [{"mirror": {"axes": "zx"}}, *CHANGES], {"ordered": "y"}),
    ("augment", "labels in an order", CHANGES, {"ordered": "yx", "shape": (10, 100, 100)}),
    (
        "augment",
        "labels in an order",
        [{"mirror": {"axes": "x"}}, *CHANGES],
        {"ordered": "zy", "shape": (10, 100, 100)},
    ),
    ("augment", "usual", ["mirror", "rotate", "scale", "brightness", "gamma"], {}),
    ("models", "slices", {"unet": {"width": 8, "norm": "instance"}}, {"flat": True, "shape": (64, 64)}),
    ("models", "volumes", {"unet3d": {"width": 16}}, {"gpus": 1}),
    ("losses", "small or several objects", dict.fromkeys(("dice_cross_entropy", "focal", "tversky")), {"share": 0.009}),
    ("losses", "large objects", dict.fromkeys(("dice_cross_entropy", "dice", "cross_entropy")), {}),
    (
        "losses",
        "large objects",
        {"dice_cross_entropy": {"cross_entropy_weight": 1.0}, "dice": None, "cross_entropy": None},
        {"effort": "no search"},
    ),
    ("training.batch_size", "cores", 2, {}),
    ("training.batch_size", "GPU", "auto", {"gpus": 1}),
    ("training.iterations", "by a probe", 600, {"outlook": "about 2 h"}),
    ("training.iterations", "not measured", 600, {}),
    ("training.learning_rate", "no search", 1e-3, {"effort": "no search"}),
    ("budget", "no search", {"final_seeds": 3}, {"effort": "no search"}),
    ("report.lesions", "objects", {"strata": [5]}, {"components": 2.0}),
    ("resources.gpu", "cores", 0, {}),
)


@pytest.mark.parametrize(("key", "name", "value", "changes"), CASES)
def test_a_rule(key: str, name: str, value: Any, changes: dict[str, Any]) -> None:
    decided = decide(changed(**changes), (*DATA, *IMAGES, *LEARNING))[key]
    assert (decided.rule.name, decided.value) == (name, value)


def test_rules_that_do_not_apply_set_nothing() -> None:
    decided = decide(changed(gpus=1), (*DATA, *IMAGES, *LEARNING))
    absent = {"dataset.roi", "dataset.colour", "preprocess.crop", "patch.sampling", "report.lesions", "resources.gpu"}
    assert not absent & decided.keys()


def test_searches_by_time() -> None:
    budgets = [decide(changed(effort=effort), LEARNING)["budget"].value for effort in ("search", "small search")]
    assert budgets[0]["halving"] == {"eta": 3, "marks": [200, 600]}
    assert [budget["trials_per_arm"] for budget in budgets] == [6, 2]
    assert "search_in" not in budgets[0]
    few = decide(changed(patients=9), LEARNING)["budget"].value
    assert few["search_in"] == "each_fold"  # a fold's search must not see what another fold tests


def test_metrics_by_task() -> None:
    def names(facts: Facts) -> list[str]:
        return [name for rule in METRICS if rule.when(facts) for name in rule.value(facts)]

    assert names(changed(flat=True)) == ["dice", "hd95", "precision", "recall"]
    assert names(changed(components=4.0))[4:] == ["lesion_recall", "lesion_false_positives", "volume_error"]


def test_every_rule_has_a_reason_and_a_source() -> None:
    rows = (*DATA, *IMAGES, *LEARNING, *METRICS)
    assert all(rule.reason and rule.source for rule in rows)
    assert len({(rule.key, rule.name) for rule in rows}) == len(rows)


def test_a_patch_has_a_side_that_networks_divide() -> None:
    assert sizes.patch(changed(shape=(16, 12, 9), spacings=((1.0, 1.0, 1.0),)), None) == [16, 16, 32]
