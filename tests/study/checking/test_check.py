"""The findings and warnings of `check` in a good study."""

import dataclasses
import json
import pathlib
import re
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from study.checking.check import Check, check, collapsed
from study.checking.text import text
from study.machines.admission import Node
from study.machines.trial_shape import shape_of
from study.study_file import SpecError, Study
from tests.study.study_files import changed
from tests.trainables.data.files import pair, save, volume

HERE = Node("here", 4, 0)
SMALL = changed(
    {
        "dataset.labels": {"organ": 1, "lesion": 2},
        "dataset.group": r"^(p\d+)_",
        "dataset.split": {"validation": ["p0_scan0", "p0_scan1"], "test": "p1_scan2..p5_scan11"},
        "losses": {"dice": None, "focal": {"gamma": {"low": 0.5, "high": 4}, "alpha": [0.25, 0.5]}},
        "budget": {"trials_per_arm": 12, "cohort": 6, "halving": {"eta": 2, "marks": [25, 50, 100]}},
        "resources": {"cpu": 2},
    }
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Fourteen scans of seven patients."""
    folder = tmp_path_factory.mktemp("data")
    for number in range(14):
        pair(folder, f"p{number // 2}_scan{number}", seed=number)
    return folder


def look(data: pathlib.Path, machine: Node = HERE, **changes: Any) -> Check:
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    return check(Study.from_plain(changed({"dataset.path": str(data), **dotted}, SMALL)), machine)


def test_data_and_plan(data: pathlib.Path) -> None:
    found = look(data)
    assert len(found.facts) == 14
    assert {fact.group for fact in found.facts} == {f"p{number}" for number in range(7)}
    (roles,) = found.splits
    assert sorted(name for name in roles if roles[name] == "train") == ["p6_scan12", "p6_scan13"]
    assert sum(role == "test" for role in roles.values()) == 10
    # Of each of 2 cohorts 6 trials set out for 25, 3 for 50, 1 for 100: 6 * 25 + 3 * 25 + 1 * 50 iterations. 3 final
    # seeds take all three marks, 100 iterations each.
    work = (12, 2, 3, 2 * (6 + 3 + 1) + 3 * 3, 2 * 275 + 300)
    assert [dataclasses.astuple(each)[1:] for each in found.work] == [work, work]
    assert found.slots == 2


def test_warnings(data: pathlib.Path) -> None:
    assert look(data).warnings == ("test cases of 5 groups: no p-values (they need 6)",)
    few = look(data, budget__final_seeds=2, budget__halving={"eta": 2, "marks": [5, 100]})
    (notice,) = few.notices
    assert notice.startswith("mark 5 is under a tenth of 100 iterations: halving there keeps what starts fast")
    assert [limit.partition(":")[0] for limit in few.limits] == ["test cases of 5 groups", "2 final seeds"]
    split = {"validation": ["p0_scan0", "p0_scan1"], "test": ["p1_scan2", "p1_scan3"]}
    assert look(data, dataset__split=split).limits == ("test cases of 1 group: no interval and no p-value",)
    assert look(data, dataset__group="case", dataset__split={"validation": 0.2, "test": 0.6}).limits == (
        "test cases of 8 groups: results are exploratory (under 10)",
    )


def test_patients_that_nobody_knows(data: pathlib.Path) -> None:
    found = look(data, dataset__group="unknown", dataset__split={"validation": 0.1, "test": 0.8})
    (limit,) = found.limits
    assert limit.startswith("nobody knows which cases share a patient (group: unknown): no p-values")
    assert "14 of unknown groups, 1 channel" in said(found)


def test_folds_test_every_group(data: pathlib.Path) -> None:
    found = look(data, dataset__split={"folds": 7})
    assert found.limits[0] == "test cases of 7 groups: results are exploratory (under 10)"
    assert "fold 7" in said(found)


def test_a_search_in_one_fold_sees_what_others_score(data: pathlib.Path) -> None:
    _, notice = look(data, dataset__split={"folds": 7}).limits
    assert notice.startswith("chosen on cases scored here: with search_in: first_fold the search of fold 1 sees cases")
    fair = (
        look(data, dataset__split={"folds": 7}, budget__search_in="each_fold"),
        look(data, dataset__split={"folds": 5, "test": ["p0_scan0", "p0_scan1"]}),
    )
    assert not any("chosen on" in warning for found in fair for warning in found.warnings)
    fixed = look(
        data, dataset__split={"folds": 7}, training={"learning_rate": 1e-3, "iterations": 100}, losses=["dice"]
    )
    assert not any("chosen on" in warning for warning in fixed.warnings)  # nothing is chosen


def test_arms_without_a_search(data: pathlib.Path) -> None:
    fixed = {"learning_rate": 1e-3, "iterations": 100}
    assert look(data, training=fixed).notices == (
        "nothing to tune in unet3d+dice: trained at its defaults, beside arms that search",
    )
    assert look(data, training=fixed, losses=["dice"]).notices == (
        "nothing to tune in any arm: all are trained at their defaults",
    )


def test_grids_of_different_size(data: pathlib.Path) -> None:
    found = look(
        data,
        training={"learning_rate": [1e-3, 1e-2], "iterations": 100},
        losses={"dice": None, "focal": {"gamma": [1.0, 2.0, 3.0]}},
        budget__sampler="grid",
    )
    assert "grids of different size (unet3d+dice 2, unet3d+focal 6)" in found.notices[0]


@pytest.mark.parametrize(
    ("machine", "gpu", "expected"),
    [(HERE, "auto", 0.0), (Node("a", 4, 2), "auto", 1.0), (Node("a", 4, 2), 0.5, 0.5), (Node("a", 4, 2), 0, 0.0)],
)
def test_what_a_trial_gets(machine: Node, gpu: object, expected: float) -> None:
    study = Study.from_plain(changed({"resources.gpu": gpu}, SMALL))
    assert dataclasses.astuple(shape_of(study, machine)) == (2.0, expected)


@pytest.mark.parametrize("gpu", [0.5, 1, 2])
def test_a_gpu_where_there_is_none_is_refused(data: pathlib.Path, gpu: float) -> None:
    said = (
        rf"resources: a trial needs 2 CPUs and {gpu:g} GPUs?, and this machine has 4 CPUs and 0 GPUs\. "
        r"Ask for less, or run it where there is more\. `gpu: auto` trains on the CPU where there is no GPU\.$"
    )
    with pytest.raises(SpecError, match=said):
        look(data, resources__gpu=gpu)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"models": {"unet3d": {"width": 4, "norm": "batch"}}}, "unet3d normalises over the batch"),
        ({"models": {"unet3d": {"width": 4, "norm": ["instance", "batch"]}}}, "unet3d normalises over the batch"),
        ({"losses": {"top_k_cross_entropy": None}}, "losses.top_k_cross_entropy sums over the whole batch"),
        ({"dataset__other_labels": "ignore"}, "voxels are ignored"),
    ],
)
def test_micro_batches_that_would_be_another_training_are_refused(
    data: pathlib.Path, changes: dict[str, Any], said: str
) -> None:
    look(data, **changes)  # whole batches may be anything
    with pytest.raises(SpecError, match=f"training.micro_batches: .*{said}") as caught:
        look(data, training__micro_batches=2, **changes)
    assert len(caught.value.lines) == 1
    assert look(data, training__micro_batches=2).study.training.micro_batches == 2


def test_the_same_trouble_of_many_files_is_one_line() -> None:
    lines = ["a.png: value 3", "b.png: value 3", "c.png: value 4: so", "alone"]
    assert collapsed(lines) == ["a.png and 1 more: value 3", "c.png: value 4: so", "alone"]


def said(found: Check, width: int = 110) -> str:
    console = Console(width=width, record=True, color_system=None)
    with console.capture() as captured:
        console.print(text(found))
    return captured.get()


def test_for_a_person(data: pathlib.Path) -> None:
    page = said(look(data))
    for expected in (
        r"small: 2 arms on 14 cases, 3D",
        r"14 of 7 groups, 1 channel",
        r"7 × 8 × 9 \(z, y, x\)",
        r"3 × 2 × 1\.5 mm",
        r"intensity +-\d+ to \d+; in the middle case",
        r"organ +14 of 14 +0\.792 +0\.792 +0\.792 +0\.792 +0\.792",
        r"lesion +14 +≤ 1 +0 +14 +0 +0 +5\.91",  # 108 mm³ each: a ball of 5.9 mm
        r"lesion +2 of 2, 0\.108 +2 of 2, 0\.108 +10 of 10, 0\.108",
        r"train 2 of 1 group, validation 2 of 1 group, test 10 of 5 groups",
        r"organ +1\.000 +1\.000",
        r"unet3d\+focal +12 +2 +3 +29 +850",
        r"all +24 +4 +6 +58 +1,700",
        r"tpe, cohorts of 6, evaluated at 25, 50, 100 iterations; 2 segments at once here",
        r"unet3d +– +width 4, norm instance",
        r"gamma 0\.5 to 4, first 2",
        r"alpha 0\.25 \| 0\.5, first ",
        r"learning_rate 0\.0001 to 0\.01, log, first 0\.001",
        r"Note: test cases of 5 groups",
    ):
        assert re.search(expected, page), expected


@pytest.mark.parametrize("width", [40, 60, 200])
def test_any_width(data: pathlib.Path, width: int) -> None:
    assert max(map(len, said(look(data), width).splitlines())) <= width


def test_for_a_program(data: pathlib.Path) -> None:
    plain = json.loads(json.dumps(look(data).plain(), allow_nan=False))
    assert plain["arms"][1]["space"]["loss.gamma"] == {"low": 0.5, "high": 4, "log": False, "step": None}
    assert plain["arms"][1]["default"]["loss.gamma"] == 2.0
    assert plain["arms"][0]["segments"] == 29
    assert plain["cases"][0]["splits"] == ["validation"]
    assert plain["ceilings"]["organ"] == {"mean": 1.0, "lowest": 1.0, "cases": 14}
    assert plain["overview"]["lesions"]["lesion"]["count"] == 14
    assert plain["overview"]["parts"][0]["test"]["labels"]["organ"]["cases"] == 10
    assert plain["study"]["budget"]["cohort"] == 6
    assert plain["slots"] == 2
    assert Study.from_plain(plain["study"]).plain() == plain["study"]


def test_a_test_case_without_any_region_is_told(tmp_path: pathlib.Path) -> None:
    for number in range(6):
        files = pair(tmp_path, f"q{number}", seed=number)
        if number == 4:
            save(files.mask, np.zeros((9, 8, 7), np.uint8))
    split = {"validation": ["q0", "q1"], "test": ["q3", "q4", "q5"]}
    (notice,) = look(tmp_path, dataset__split=split, dataset__group="case").notices
    assert notice.startswith("q4: no region is in 1 test case, so nothing of it but false positives is scored")


def test_volume_error_is_of_volumes_in_slices_too_and_not_of_flat_pictures(tmp_path: pathlib.Path) -> None:
    for number in range(6):
        pair(tmp_path, f"q{number}", seed=number)
    in_slices = {
        "patch": {"size": [32, 32]},
        "models": {"unet": None},
        "report__metrics": ["dice", "volume_error"],
        "dataset__group": "case",
        "dataset__split": {"validation": 0.2, "test": 0.3},
    }
    assert look(tmp_path, **in_slices).facts[0].shape == (7, 8, 9)
    image, mask = volume((9, 8, 1))
    save(tmp_path / "imagesTr/q2_0000.nii.gz", image)
    save(tmp_path / "labelsTr/q2.nii.gz", mask)
    with pytest.raises(SpecError, match="q2: flat, so it has no volume in mL for volume_error"):
        look(tmp_path, **in_slices)


def test_what_is_missing_or_impossible_is_said_once_with_its_key(data: pathlib.Path) -> None:
    silent = Study.from_plain(changed({"dataset.path": str(data)}, SMALL))
    dataset = silent.dataset.model_dump(exclude={"group"}) | {"split": {"validation": 0.2, "test": 0.4}}
    silent = silent.model_copy(update={"dataset": type(silent.dataset).model_validate(dataset)})
    with pytest.raises(SpecError) as caught:
        check(silent, HERE)
    (line,) = caught.value.lines
    assert line.startswith("dataset.group: missing, and p0_scan0 and p0_scan1 look like two cases of one patient")
    with pytest.raises(SpecError) as caught:
        look(data, budget__final_seeds=10**8)
    (line,) = caught.value.lines
    assert line.startswith("budget.final_seeds: ")
