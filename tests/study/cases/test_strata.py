"""Stratified draws: each part of a split gets its share of every kind of group."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.cases.splits import assign
from study.cases.strata import evenly, in_line
from study.study_file.split import Split

# Thirty patients: one in three has a tumour, volumes grow with the number. p5 has a second scan, without tumour.
AMOUNTS: dict[str, dict[str, float]] = {
    f"p{n}_a": {"kidney": 100.0 + n, "tumor": 5.0 if n % 3 == 0 else 0.0} for n in range(30)
} | {"p6_b": {"kidney": 106.0, "tumor": 0.0}}
CASES = [(name, name.partition("_")[0]) for name in AMOUNTS]
TUMOUR = {f"p{n}" for n in range(0, 30, 3)}


def stratified(**parts: Any) -> Split:
    made = Split(stratify="labels", **parts)
    assert not list(made.problems())
    return made


def test_a_line_by_hand() -> None:
    groups: Mapping[str, list[dict[str, float]]] = {
        "a": [{"x": 9.0, "y": 0.0}],
        "b": [{"x": 1.0, "y": 0.0}],
        "c": [{"x": 5.0, "y": 0.0}],
        "d": [{"x": 7.0, "y": 1.0}],
        "e": [{"x": 1.0, "y": 0.0}, {"x": 0.0, "y": 2.0}],  # both labels between them, 1.5 a case
        "f": [{"x": 0.0, "y": 0.0}],
    }
    # Nothing, then x alone by its three tertiles of one each, then x and y.
    assert in_line(groups, seed=0) == ["f", "b", "c", "a", "e", "d"]


def test_inside_a_tertile_chance_decides() -> None:
    groups = {f"g{n:02d}": [{"x": 1.0 + n}] for n in range(12)}
    lines = [in_line(groups, seed) for seed in range(5)]
    assert len({tuple(line) for line in lines}) == 5
    for line in lines:
        assert [sorted(line[third : third + 4]) for third in (0, 4, 8)] == [
            sorted(groups)[k : k + 4] for k in (0, 4, 8)
        ]


@given(st.integers(1, 60), st.floats(0, 1), st.integers(0, 2**63 - 1))
def test_a_draw_is_even_along_the_line(size: int, share: float, seed: int) -> None:
    line = [f"g{n}" for n in range(size)]
    count = round(share * size)
    drawn = evenly(line, (count,), seed)
    assert sorted(drawn) == sorted(line)
    places = sorted(line.index(group) for group in drawn[:count])
    assert drawn[count:] == [group for group in line if group not in drawn[:count]]
    for start in range(size):
        for stop in range(start, size + 1):
            inside = sum(start <= place < stop for place in places)
            assert abs(inside - (stop - start) * count / size) < 1 + 1e-9


def test_each_part_has_its_share_of_each_kind() -> None:
    for seed in range(8):
        (fold,) = assign(CASES, stratified(validation=0.2, test=0.3), seed, AMOUNTS)
        group_role = {group: fold[name] for name, group in CASES}
        assert Counter(group_role.values()) == {"train": 15, "validation": 6, "test": 9}
        assert Counter(role for group, role in group_role.items() if group in TUMOUR) == {
            "train": 5,
            "validation": 2,
            "test": 3,
        }
        assert fold["p6_a"] == fold["p6_b"]
        healthy = [f"p{n}" for n in range(30) if n % 3]  # by volume; 30 % of each third of 7, 7 and 6
        for third in (healthy[:7], healthy[7:14], healthy[14:]):
            assert abs(sum(group_role[name] == "test" for name in third) - 0.3 * len(third)) < 1


def test_folds_are_alike() -> None:
    folds = assign(CASES, stratified(folds=5), 3, AMOUNTS)
    for fold in folds:
        tested = {group for name, group in CASES if fold[name] == "test"}
        assert (len(tested), len(tested & TUMOUR)) == (6, 2)
    rest = assign(CASES, stratified(folds=2, test=0.2), 3, AMOUNTS)
    tested = {group for name, group in CASES if rest[0][name] == "test"}
    assert (len(tested), len(tested & TUMOUR)) == (6, 2)
    for fold in rest:
        validates = {group for name, group in CASES if fold[name] == "validation"}
        assert (len(validates), len(validates & TUMOUR)) == (12, 4)


def test_neither_order_nor_the_share_of_validation_moves_test_cases() -> None:
    first = assign(CASES, stratified(validation=0.2, test=0.3), 1, AMOUNTS)
    backwards = {name: AMOUNTS[name] for name in reversed(AMOUNTS)}
    assert assign(CASES[::-1], stratified(validation=0.2, test=0.3), 1, backwards) == first
    other = assign(CASES, stratified(validation=0.4, test=0.3), 1, AMOUNTS)
    assert {name for name in other[0] if other[0][name] == "test"} == {
        name for name in first[0] if first[0][name] == "test"
    }
    assert assign(CASES, stratified(validation=0.2, test=0.3), 2, AMOUNTS) != first


def test_named_cases_stay_where_they_are_named() -> None:
    (fold,) = assign(CASES, stratified(validation=0.2, test=("p0_a..p9_a",)), 0, AMOUNTS)
    assert sum(role == "test" for role in fold.values()) == 11
    assert sum(role == "validation" for role in fold.values()) == 4


def test_without_volumes_it_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="needs the volumes"):
        assign(CASES, stratified(folds=5), 0)


@pytest.mark.parametrize("parts", [{"validation": ("a",), "test": ("b",)}, {"by": "fold"}, {"file": "x.csv"}])
def test_where_nothing_is_drawn_there_is_nothing_to_stratify(parts: dict[str, Any]) -> None:
    (problem,) = Split(stratify="labels", **parts).problems()
    assert problem.path == ("stratify",)
