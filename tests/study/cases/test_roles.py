"""The meaning of `split` for files on the disk: folds found by themselves, strata from the masks' content."""

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np
import pytest

from study.cases.prepare import find
from study.cases.roles import amounts, divide
from study.cases.splits import Role
from study.checking.check import check
from study.ledger import Ledger
from study.ledger.rows import Case
from study.machines.admission import Node
from study.running.registration import enter
from study.study_file import Study, load
from study.trial_specs import Data
from tests.study.study_files import changed
from tests.trainables.data.files import options, pair, save, volume
from trainables.data.finding import layouts
from trainables.data.inspecting import inspect
from trainables.errors import InputError

HERE = Node("here", 4, 0)
NAMES = [f"c{n}" for n in range(9)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Nine cases in three folders; c0, c3 and c6 have no lesion."""
    folder = tmp_path_factory.mktemp("data")
    for number, name in enumerate(NAMES):
        image, mask = volume(seed=number)
        place = folder / f"fold_{number // 3}"
        save(place / f"{name}.nii.gz", image)
        save(place / f"{name}_mask.nii.gz", np.minimum(mask, 1) if number % 3 == 0 else mask)
    return folder


def study(data: pathlib.Path, split: dict[str, Any], **more: Any) -> Study:
    dataset = {
        "path": str(data),
        "images": "fold_*/{case}.nii.gz",
        "masks": "fold_*/{case}_mask.nii.gz",
        "labels": {"organ": 1, "lesion": 2},
        "split": split,
        **more,
    }
    return Study.from_plain(changed({"dataset": dataset}))


def whom_it_tests(splits: Any) -> list[list[str]]:
    return [[name for name, role in fold.items() if role == "test"] for fold in splits]


def test_folders_are_folds(data: pathlib.Path) -> None:
    found = check(study(data, {"by": "fold"}), HERE)
    assert whom_it_tests(found.splits) == [NAMES[:3], NAMES[3:6], NAMES[6:]]
    assert found.study.folds == found.study.design().folds == 3
    assert Study.from_plain(found.study.plain()) == found.study  # the ledger's copy knows the number too
    assert find(found.study).study == found.study
    one = check(study(data, {"by": r"fold_(\d)", "validation": [0], "test": [2]}), HERE)
    assert whom_it_tests(one.splits) == [NAMES[6:]]
    assert one.study.folds == 1


def test_a_file_is_beside_the_study_file(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    folds = [{"train": NAMES[:k] + NAMES[k + 3 :], "val": NAMES[k : k + 3]} for k in (0, 3, 6)]
    (tmp_path / "splits_final.json").write_text(json.dumps(folds))
    plain = study(data, {"file": "splits_final.json"}).plain()
    (tmp_path / "study.yaml").write_text(json.dumps(plain))  # JSON is YAML
    loaded = load(tmp_path / "study.yaml")
    assert loaded.dataset.split.file == str(tmp_path / "splits_final.json")
    found = check(loaded, HERE)
    assert whom_it_tests(found.splits) == [NAMES[:3], NAMES[3:6], NAMES[6:]]
    assert found.study.folds == 3


def test_a_file_of_the_command_line_is_relative_to_where_it_is_given(
    data: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "study.yaml").write_text(json.dumps(study(data, {"folds": 3}).plain()))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for setting in ("dataset.split={file: s.csv}", "dataset.split.file=s.csv"):
        settings = [setting, "dataset.split.folds=null"] if "{" not in setting else [setting]
        assert load("../study.yaml", settings).dataset.split.file == str(tmp_path / "here/s.csv")


def test_strata_follow_from_the_masks(data: pathlib.Path) -> None:
    wanted = {"validation": 1 / 3, "test": 1 / 3, "stratify": "labels"}
    healthy = {"c0", "c3", "c6"}
    for seed in range(4):
        (fold,) = check(study(data, {**wanted, "seed": seed}), HERE).splits
        by_role: dict[Role, set[str]] = {role: {n for n in fold if fold[n] == role} for role in set(fold.values())}
        assert {len(names & healthy) for names in by_role.values()} == {1}
    drawn = [check(study(data, {**wanted, "stratify": "none", "seed": seed}), HERE).splits for seed in range(4)]
    assert {len(healthy & set(whom_it_tests(splits)[0])) for splits in drawn} != {1}  # names alone do not see to it


def test_amounts_in_one_unit(tmp_path: pathlib.Path) -> None:
    facts = inspect.inspect(pair(tmp_path), options())
    assert amounts([facts]) == {"case_1": {"organ": 88 * 9.0, "lesion": 12 * 9.0}}
    flat = dataclasses.replace(facts, name="flat", spacing=None)
    assert amounts([facts, flat])["case_1"] == amounts([facts, flat])["flat"] == {"organ": 88.0, "lesion": 12.0}


def test_before_the_facts_are_known_the_sizes_are_right(data: pathlib.Path) -> None:
    made = study(data, {"validation": 0.2, "test": 0.4, "stratify": "labels"})
    files = layouts.find(data, made.dataset.images, made.dataset.masks)
    (fold,) = divide(made, files, [(name, name) for name in NAMES])
    assert len(whom_it_tests([fold])[0]) == 4


def test_what_is_wrong_is_said_by_check(data: pathlib.Path) -> None:
    with pytest.raises(InputError, match=r"dataset.split.by: 'subset.*' finds no fold in fold_0/c0.nii.gz"):
        check(study(data, {"by": r"subset(\d)"}), HERE)
    with pytest.raises(InputError, match=r"dataset.split.file: no file"):
        check(study(data, {"file": "/nowhere/splits.json"}), HERE)
    with pytest.raises(InputError, match=r"no folder '/nowhere'"):
        check(study(pathlib.Path("/nowhere"), {"by": "fold"}), HERE)


def test_a_study_under_way_keeps_its_split(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    made = study(data, {"file": "splits.csv"})
    parts: tuple[Role, ...] = ("train", "validation", "test")
    before = tuple(Case(f"c{n}", f"c{n}", (part,)) for n, part in enumerate(parts))
    after = (before[0], Case("c1", "c1", ("test",)), Case("c2", "c2", ("validation",)))
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        row = enter(ledger, made, Data("index", "d" * 64, before))
        assert enter(ledger, made, Data("index", "d" * 64, before)).id == row.id
        with pytest.raises(InputError, match=r"begun with another split: case 'c1' and 1 more had another part"):
            enter(ledger, made, Data("index", "d" * 64, after))
