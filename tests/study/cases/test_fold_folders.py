"""Folds in the files' places: LUNA16's subsets, folders `fold_0`, patterns in names."""

import pathlib
from collections import Counter
from typing import Any

import pytest

from study.cases.fold_folders import assign_by_fold, fold_names
from study.study_file import SpecError
from study.study_file.split import Split
from trainables.data.finding.layouts import CaseFiles
from trainables.errors import InputError

ROOT = pathlib.Path("/data")
CASES = [(f"c{n}", f"c{n}") for n in range(20)]
FOLD_OF = {f"c{n}": str(n // 2) for n in range(20)}  # ten folds of two


def files(*paths: str) -> list[CaseFiles]:
    return [CaseFiles(pathlib.Path(path).stem, (ROOT / path,), ROOT / "mask") for path in paths]


def split(**parts: Any) -> Split:
    made = Split(**parts)
    assert not list(made.problems())
    return made


def test_names_from_paths() -> None:
    luna = files("subset0/a.mhd", "subset0/b.mhd", "subset9/c.mhd")
    assert fold_names(luna, ROOT, r"^subset(\d)") == {"a": "0", "b": "0", "c": "9"}
    folders = files("fold_0/a.png", "x/fold-1/b.png", "foldten/c.png")
    assert fold_names(folders, ROOT, "fold") == {"a": "0", "b": "1", "c": "ten"}
    assert fold_names(files("images/k3_a.png", "images/k4_b.png"), ROOT, r"^k(\d)_") == {"k3_a": "3", "k4_b": "4"}


def test_a_case_in_no_fold_is_refused() -> None:
    with pytest.raises(InputError, match=r"finds no fold in loose/b.mhd\. Change it, or exclude"):
        fold_names(files("subset0/a.mhd", "loose/b.mhd"), ROOT, r"^subset(\d)")
    with pytest.raises(InputError, match=r"no folder fold_0, fold_1, … in the path of images/fold_1.png"):
        fold_names(files("images/fold_1.png"), ROOT, "fold")  # a file is no folder


def roles(folds: tuple[dict[str, Any], ...], role: str) -> list[list[str]]:
    return [[name for name in fold if fold[name] == role] for fold in folds]


def test_each_fold_tests_once_and_the_next_one_validates() -> None:
    folds = assign_by_fold(CASES, FOLD_OF, split(by="fold"))
    assert roles(folds, "test") == [[f"c{2 * k}", f"c{2 * k + 1}"] for k in range(10)]
    assert roles(folds, "validation") == roles(folds, "test")[1:] + roles(folds, "test")[:1]
    assert all(Counter(fold.values())["train"] == 16 for fold in folds)


def test_folds_by_name_as_in_the_inverse_weighting_study() -> None:
    (fold,) = assign_by_fold(CASES, FOLD_OF, split(by="fold", validation=[6, 7], test=[8, 9]))
    assert roles((fold,), "validation") == [["c12", "c13", "c14", "c15"]]
    assert roles((fold,), "test") == [["c16", "c17", "c18", "c19"]]
    assert assign_by_fold(CASES, FOLD_OF, split(by="fold", validation="6..7", test=["8", "9"])) == (fold,)


def test_test_folds_alone_leave_the_others_to_validate_in_turn() -> None:
    folds = assign_by_fold(CASES, FOLD_OF, split(by="fold", test=[8, 9]))
    assert len(folds) == 8
    assert roles(folds, "test") == [["c16", "c17", "c18", "c19"]] * 8
    assert roles(folds, "validation") == [[f"c{2 * k}", f"c{2 * k + 1}"] for k in range(8)]


def test_ten_follows_nine() -> None:
    cases = [(name, name) for name in "abcd"]
    folds = assign_by_fold(cases, {"a": "10", "b": "9", "c": "1", "d": "1"}, split(by="fold"))
    assert roles(folds, "test") == [["c", "d"], ["b"], ["a"]]


@pytest.mark.parametrize(
    ("cases", "parts", "problem"),
    [
        (CASES, {"validation": [6], "test": [12]}, "test: there is no fold '12'"),
        (CASES, {"validation": [6], "test": [6]}, "fold '6' is in validation and in test"),
        (CASES, {"validation": "0..6", "test": "7..9"}, "no case is left for train"),
        (CASES, {"test": "1..9"}, "found 1 folds (0), which leave nothing to train on: it takes 2"),
        (CASES[:4], {}, "found 2 folds (0, 1), which leave nothing to train on: it takes 3"),
        (CASES, {"folds": 5}, "the file says 5, the cases lie in 10"),
        ([("c1", "p"), ("c2", "p"), *CASES[4:]], {}, "group 'p' is in 2 folds, '0' (c1) and '1' (c2)"),
    ],
)
def test_folds_that_cannot_be_are_refused(cases: list[tuple[str, str]], parts: dict[str, Any], problem: str) -> None:
    fold_of = {name: FOLD_OF[name] for name, _ in cases}
    with pytest.raises(SpecError) as caught:
        assign_by_fold(cases, fold_of, split(by="fold", **parts))
    assert problem in caught.value.lines[0], caught.value.lines


@pytest.mark.parametrize(
    ("parts", "key", "problem"),
    [
        ({"test": 0.2}, "test", "nothing is drawn: give a list of folds"),
        ({"validation": ("1",)}, "test", "missing"),
        ({"validation": ("1",), "test": ("2",), "folds": 3}, "folds", "leave this out"),
        ({"by": "subset"}, "by", "found 0 groups: put the fold's part"),
        ({"by": "(a)(b)"}, "by", "found 2 groups"),
        ({"by": "("}, "by", "not a regular expression"),
        ({"file": "x.csv"}, "file", "keep one of them"),
    ],
)
def test_keys_that_do_not_go_together(parts: dict[str, Any], key: str, problem: str) -> None:
    found = list(Split(**{"by": "fold", **parts}).problems())
    assert any(each.path == (key,) and problem in each.text for each in found), found
