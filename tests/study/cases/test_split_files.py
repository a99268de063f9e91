"""Splits from files: nnU-Net's, YAML, CSV."""

import json
import pathlib
from collections import Counter
from typing import Any

import pytest

from study.cases.split_files import assign_listed, read_split
from study.study_file import SpecError
from study.study_file.split import Split
from trainables.errors import InputError

NAMES = [f"c{n}" for n in range(10)]
CASES = [(name, name) for name in NAMES]
NNUNET = [{"train": [n for n in NAMES if int(n[1]) % 5 != k], "val": [f"c{k}", f"c{k + 5}"]} for k in range(5)]
FILE = Split(file="x")


def written(folder: pathlib.Path, content: object, name: str = "splits_final.json") -> pathlib.Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_nnunets_file_scores_each_case_once(tmp_path: pathlib.Path) -> None:
    folds = assign_listed(CASES, read_split(written(tmp_path, NNUNET)), FILE)
    assert len(folds) == 5
    assert {name for name, role in folds[4].items() if role == "test"} == {"c4", "c9"}
    assert {name for name, role in folds[4].items() if role == "validation"} == {"c0", "c5"}
    assert Counter(folds[4].values()) == {"train": 6, "validation": 2, "test": 2}
    assert list(folds[0]) == NAMES


def test_nnunets_file_with_test_cases_of_its_own(tmp_path: pathlib.Path) -> None:
    cases = [*CASES, ("t1", "t1"), ("t2", "t2")]
    folds = assign_listed(cases, read_split(written(tmp_path, NNUNET)), Split(file="x", test=("t1..t2",)))
    assert all(fold["t1"] == fold["t2"] == "test" for fold in folds)
    assert {name for name, role in folds[0].items() if role == "validation"} == {"c0", "c5"}
    assert Counter(folds[0].values()) == {"train": 8, "validation": 2, "test": 2}


YAML = "{train: [1, 2], validation: [3], test: [4]}"
CSV = "case, role\n1, train\n2, train\n3, val\n4, test\n"


@pytest.mark.parametrize(
    ("name", "text"), [("a.yaml", YAML), ("a.yml", f"- {YAML}"), ("a.csv", CSV), ("b.csv", "\ufeff" + CSV)]
)
def test_one_split_in_other_forms(tmp_path: pathlib.Path, name: str, text: str) -> None:
    found = read_split(written(tmp_path, text, name))
    assert found == [{"1": "train", "2": "train", "3": "validation", "4": "test"}]
    assert assign_listed([(n, n) for n in "1234"], found, FILE) == tuple(found)


def test_a_table_with_folds(tmp_path: pathlib.Path) -> None:
    rows = [f"{fold},{case},{'val' if fold == case else 'train'}" for fold in (10, 9, 1) for case in (1, 9, 10)]
    folds = read_split(written(tmp_path, "fold,case,role\n" + "\n".join(rows), "s.csv"))
    assert [fold["1"] for fold in folds] == ["validation", "train", "train"]
    assert folds[2] == {"1": "train", "9": "train", "10": "validation"}


def test_excluded_cases_may_be_listed(tmp_path: pathlib.Path) -> None:
    listed = read_split(written(tmp_path, {"train": ["a", "bad_1"], "val": ["b"], "test": ["c"]}))
    (fold,) = assign_listed([(n, n) for n in "abc"], listed, FILE, exclude=["bad_*"])
    assert fold == {"a": "train", "b": "validation", "c": "test"}


GOOD = {"train": ["c0", "c1"], "val": ["c2"], "test": NAMES[3:]}


@pytest.mark.parametrize(
    ("folds", "changes", "problem"),
    [
        ([{**GOOD, "train": ["c0", "x1"]}], {}, "there is no case 'x1'"),
        ([{**GOOD, "train": ["c0"]}], {}, "file: c1: in no part of fold 1. Add it"),
        ([{"train": NAMES[:3], "test": NAMES[3:]}], {}, "no case is left for validation"),
        ([{**GOOD, "val": []}], {}, "c2: in no part of fold 1"),
        ([GOOD], {"test": ("c9",)}, "test: c9: in the file too"),
        ([GOOD], {"test": ("y",)}, "there is no case 'y'"),
        ([GOOD], {"folds": 3}, "the study file says 3, the split's file lists 1"),
        ([GOOD, {"train": NAMES[:9], "val": ["c9"]}], {}, "1 of 2 folds have test cases"),
        (NNUNET[:2], {}, "names no test cases in 2 folds; scoring each case out of fold takes 3"),
        ([*NNUNET, NNUNET[0]], {}, "case 'c0' is in `val` of 2 folds"),
        (NNUNET[:4], {}, "case 'c4' is in `val` of 0 folds"),
    ],
)
def test_files_that_do_not_fit_the_cases(
    tmp_path: pathlib.Path, folds: list[Any], changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(SpecError) as caught:
        assign_listed(CASES, read_split(written(tmp_path, folds)), FILE.model_copy(update=changes))
    assert problem in caught.value.lines[0], caught.value.lines


def test_a_group_in_two_parts_is_refused(tmp_path: pathlib.Path) -> None:
    cases = [(name, "p" if name in ("c1", "c2") else name) for name in NAMES]
    with pytest.raises(SpecError, match=r"group 'p' is in two splits, train \(c1\) and validation \(c2\)"):
        assign_listed(cases, read_split(written(tmp_path, GOOD)), FILE)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("s.json", "[{", r"s.json: is no JSON"),
        ("s.json", "[]", r"expected \[\{train: \[…\], val: \[…\]\}, …\], found \[\]"),
        ("s.json", "[1]", r"found \[1\]"),
        ("s.json", '[{"trian": ["a"]}]', r"fold 1: expected train, val and test with lists of cases, found \{'trian'"),
        ("s.json", '[{"train": "a"}]', r"fold 1: expected train, val and test with lists"),
        ("s.json", '[{"train": [true]}]', r"fold 1: expected train, val and test with lists"),
        ("s.json", '{"train": ["a"], "val": ["a"]}', r"fold 1: case 'a' is in train and in validation"),
        ("s.yaml", "!!python/object:x {}", r"s.yaml: line 1: YAML tags"),
        ("s.csv", "name,part\na,train\n", r"expected the columns case, role and, for several, fold; found name, part"),
        ("s.csv", "", r"expected the columns case, role"),
        ("s.csv", "case,role\n", r"lists no case"),
        (
            "s.csv",
            "case,role\na,trian\n",
            r"s.csv, line 2: expected a case and train, validation or test, found 'a,tri",
        ),
        ("s.csv", "case,role\na,train\na,test\n", r"s.csv, line 3: case 'a' is in train and in test"),
        ("s.txt", "a train", r"s.txt: expected a file .json, .yaml or .csv"),
        ("s.json", "\udce9", r"s.json: cannot be read as text"),
    ],
)
def test_files_that_are_no_split(tmp_path: pathlib.Path, name: str, text: str, problem: str) -> None:
    (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=problem) as caught:
        read_split(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_no_such_file(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match=r"dataset.split.file: no file '.*none.csv'"):
        read_split(tmp_path / "none.csv")


@pytest.mark.parametrize(("parts", "key"), [({"test": 0.2}, "test"), ({"validation": ("a",)}, "validation")])
def test_keys_that_do_not_go_with_a_file(parts: dict[str, Any], key: str) -> None:
    (problem,) = Split(file="x", **parts).problems()
    assert problem.path == (key,)
