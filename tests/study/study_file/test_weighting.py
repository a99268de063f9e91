"""`weighting` as a dimension of arms, and the samplings: from the study file to trial and preprocessing."""

from typing import Any

import pytest

from study.cases.from_study_file import fields
from study.study_file import SpecError, Study, trial_fields
from study.study_file.recorded.changes import difference
from tests.study.study_files import changed, study

BOTH = {"weighting": ["none", "inverse"]}


def test_each_loss_with_each_weighting() -> None:
    made = study(BOTH)
    assert [(arm.index, arm.name, arm.loss, arm.weighting) for arm in made.arms] == [
        (0, "unet3d+dice", "dice", "none"),
        (1, "unet3d+dice+inverse", "dice", "inverse"),
        (2, "unet3d+focal", "focal", "none"),
        (3, "unet3d+focal+inverse", "focal", "inverse"),
    ]
    assert [arm.name for arm in study({"weighting": "inverse"}).arms] == ["unet3d+dice+inverse", "unet3d+focal+inverse"]
    assert [trial_fields(made, arm, arm.default)["weighting"] for arm in made.arms[:2]] == ["none", "inverse"]
    assert Study.from_plain(made.plain()) == made
    assert study().plain()["weighting"] == ["none"]


def test_arms_of_the_ledger_keep_numbers_and_weightings() -> None:
    design = study(BOTH).design(["unet3d+dice+inverse", "unet3d+focal"])
    assert [(arm.index, arm.name, arm.weighting) for arm in design.arms[:2]] == [
        (0, "unet3d+dice+inverse", "inverse"),
        (1, "unet3d+focal", "none"),
    ]
    assert [arm.index for arm in design.arms] == [0, 1, 2, 3]


def test_a_weighting_that_is_added_is_new_arms() -> None:
    found = difference(study().plain(), study(BOTH).plain())
    assert found.incompatible == []
    assert found.new_arms == ("unet3d+dice+inverse", "unet3d+focal+inverse")
    assert difference(study(BOTH).plain(), study().plain()).incompatible == [
        'weighting: ["none", "inverse"] in the ledger, ["none"] in the file'
    ]
    before = study().plain()
    del before["weighting"]  # of a ledger that is older than the key
    assert not difference(before, study().plain())


def test_a_baseline_may_be_weighted() -> None:
    assert study({**BOTH, "report.baseline": "unet3d+dice+inverse"}).baseline == "unet3d+dice+inverse"
    with pytest.raises(SpecError, match=r"report\.baseline: expected an arm"):
        study({"report.baseline": "unet3d+dice+inverse"})


@pytest.mark.parametrize(
    ("changes", "sampling", "share", "components"),
    [
        ({}, "foreground", 0.33, False),
        ({"patch.foreground": 0.6}, "foreground", 0.6, False),
        ({"patch.sampling": "uniform"}, "uniform", 0.0, False),
        ({"patch.sampling": "grid", "patch.foreground": 0}, "grid", 0.0, False),
        ({"patch.sampling": "lesion"}, "lesion", 0.5, True),
        ({"patch.sampling": "lesion", "patch.foreground": 0.9}, "lesion", 0.9, True),
        ({"weighting": "inverse"}, "foreground", 0.33, True),
    ],
)
def test_samplings_reach_trial_and_preprocessing(
    changes: dict[str, Any], sampling: str, share: float, components: bool
) -> None:
    made = study(changes)
    found = trial_fields(made, made.arms[0], made.arms[0].default)
    assert (found["sampling"], found["foreground"]) == (sampling, share)
    assert fields(made)["components"] is components
    assert Study.from_plain(made.plain()) == made


@pytest.mark.parametrize(
    ("changes", "key", "text"),
    [
        ({"weighting": "iverse"}, "weighting[0]", "'inverse', found 'iverse'"),
        ({"weighting": []}, "weighting", "at least 1"),
        ({"weighting": ["none", "none"]}, "weighting", "names one twice"),
        ({"patch.sampling": "grid", "patch.foreground": 0.5}, "patch.foreground", "sampling grid centres no patch"),
        ({"patch.sampling": "random"}, "patch.sampling", "expected 'foreground', 'uniform', 'grid' or 'lesion'"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], key: str, text: str) -> None:
    with pytest.raises(SpecError) as caught:
        Study.from_plain(changed(changes))
    (line,) = caught.value.lines
    assert line.startswith(f"{key}: ")
    assert text in line
