from collections import Counter
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from study.cases.splits import Role, assign, groups, natural
from study.study_file import SpecError
from study.study_file.split import Split
from trainables.errors import InputError

CASES = [(f"case_{n:03d}", f"case_{n:03d}") for n in range(20)]
TEST_OF_SEED_0 = ["case_000", "case_001", "case_006", "case_018"]
VALIDATION_OF_SEED_0 = ["case_004", "case_007", "case_014", "case_016"]
PATIENTS = [(f"p{n // 3}_s{n}", f"p{n // 3}") for n in range(30)]


def by_role(fold: dict[str, Role]) -> dict[Role, list[str]]:
    roles: dict[Role, list[str]] = {"train": [], "validation": [], "test": []}
    for name, role in fold.items():
        roles[role].append(name)
    return roles


def split(**parts: Any) -> Split:
    made = Split(**parts)
    assert not list(made.problems())
    return made


def test_shares_are_shares_of_the_groups() -> None:
    (fold,) = assign(CASES, split(validation=0.2, test=0.3), seed=1)
    assert Counter(fold.values()) == {"train": 10, "validation": 4, "test": 6}
    (fold,) = assign(PATIENTS, split(validation=0.2, test=0.3), seed=1)
    assert Counter(fold.values()) == {"train": 15, "validation": 6, "test": 9}


def test_the_seed_counts_and_the_splits_own_goes_first() -> None:
    one, two = (assign(CASES, split(validation=0.2, test=0.3), seed=seed) for seed in (1, 2))
    assert one != two
    own = split(validation=0.2, test=0.3, seed=1)
    assert assign(CASES, own, seed=2) == one
    assert assign(CASES, split(validation=0.2, test=0.3, seed=0), seed=1) == assign(
        CASES, own.model_copy(update={"seed": 0}), 7
    )


def test_a_known_split_stays_what_it_was() -> None:
    # A change here would change every study that is under way.
    (fold,) = assign(CASES, split(validation=0.2, test=0.2), seed=0)
    assert by_role(fold)["test"] == TEST_OF_SEED_0
    assert by_role(fold)["validation"] == VALIDATION_OF_SEED_0


def test_another_share_of_validation_leaves_the_test_cases() -> None:
    folds = [assign(CASES, split(validation=share, test=0.25), seed=3)[0] for share in (0.1, 0.2, 0.4)]
    assert len({tuple(by_role(fold)["test"]) for fold in folds}) == 1


def test_ranges_and_lists() -> None:
    parts = split(validation="case_004..case_006", test=["case_010..case_011", "case_019"])
    roles = by_role(assign(CASES, parts, seed=0)[0])
    assert roles["validation"] == ["case_004", "case_005", "case_006"]
    assert roles["test"] == ["case_010", "case_011", "case_019"]
    assert len(roles["train"]) == 14


def test_a_range_is_in_natural_order_and_its_ends_need_not_exist() -> None:
    cases = [(f"c{n}", f"c{n}") for n in (1, 2, 9, 10, 11, 100)]
    roles = by_role(assign(cases, split(validation="c2..c10", test="c50..c200"), seed=0)[0])
    assert roles == {"train": ["c1", "c11"], "validation": ["c2", "c9", "c10"], "test": ["c100"]}


def test_a_share_is_taken_of_what_is_not_named() -> None:
    roles = by_role(assign(CASES, split(validation=0.25, test="case_000..case_003"), seed=0)[0])
    assert len(roles["test"]) == 4
    assert len(roles["validation"]) == 4
    assert not set(roles["validation"]) & set(roles["test"])


def test_folds_without_test_score_each_case_once() -> None:
    folds = assign(CASES, split(folds=5), seed=0)
    assert len(folds) == 5
    for role in ("test", "validation"):
        assert Counter(name for fold in folds for name in by_role(fold)[role]) == dict.fromkeys(dict(CASES), 1)
    assert all(Counter(fold.values()) == {"train": 12, "validation": 4, "test": 4} for fold in folds)
    assert by_role(folds[0])["validation"] == by_role(folds[1])["test"]


def test_folds_with_test_split_the_rest() -> None:
    folds = assign(CASES, split(folds=4, test="case_000..case_003"), seed=0)
    assert len(folds) == 4
    assert all(by_role(fold)["test"] == ["case_000", "case_001", "case_002", "case_003"] for fold in folds)
    validated = Counter(name for fold in folds for name in by_role(fold)["validation"])
    assert validated == {name: 1 for name, _ in CASES[4:]}
    shares = assign(CASES, split(folds=2, test=0.2), seed=0)
    assert [Counter(fold.values()) for fold in shares] == [{"train": 8, "validation": 8, "test": 4}] * 2


@pytest.mark.parametrize(
    ("cases", "parts", "problem"),
    [
        (CASES, {"validation": "case_02", "test": 0.2}, "validation: there is no case 'case_02'. Did you mean 'case_0"),
        (CASES, {"validation": ["case_001", "x"], "test": 0.2}, "there is no case 'x'"),
        (CASES, {"validation": "case_9..case_5", "test": 0.2}, "is upside down: write case_5..case_9"),
        (
            CASES,
            {"validation": "case_30..case_40", "test": 0.2},
            "no case lies in 'case_30..case_40'; cases are called case_000",
        ),
        (CASES, {"validation": "..case_4", "test": 0.2}, "expected a range with two ends"),
        (CASES, {"validation": "case_001", "test": "case_001"}, "case 'case_001' is in validation and in test"),
        (CASES, {"validation": "case_000..case_010", "test": "case_011..case_019"}, "no case is left for train"),
        (CASES[:2], {"validation": 0.2, "test": 0.2}, "2 groups are too few: 1 test and 1 validate"),
        (CASES[:4], {"validation": 0.2, "test": "case_000..case_003"}, "no case is left for train"),
        (
            PATIENTS,
            {"validation": "p1_s3", "test": 0.2},
            r"group 'p1' is in two splits, validation (p1_s3) and train (p1_s4)",
        ),
        (
            PATIENTS,
            {"validation": ["p1_s3", "p1_s4"], "test": "p1_s5"},
            "group 'p1' is in two splits, validation (p1_s3) and test",
        ),
        (CASES[:4], {"folds": 5}, "4 groups are too few for 5 folds"),
        (PATIENTS, {"folds": 11}, "10 groups are too few for 11 folds"),
        (CASES, {"folds": 5, "test": "case_000..case_016"}, "3 groups are too few for 5 folds"),
        ([*CASES, CASES[0]], {"folds": 5}, "two cases are called 'case_000'"),
        ([], {"folds": 5}, "no cases"),
    ],
)
def test_a_split_that_cannot_be_is_refused(cases: list[tuple[str, str]], parts: dict[str, Any], problem: str) -> None:
    parts = {name: (part,) if isinstance(part, str) else part for name, part in parts.items()}
    with pytest.raises(SpecError) as caught:
        assign(cases, Split(**parts), seed=0)
    assert any(problem in line for line in caught.value.lines), caught.value.lines


def test_all_that_is_wrong_with_a_split_is_said() -> None:
    with pytest.raises(SpecError) as caught:
        assign(PATIENTS, split(validation=["p1_s3", "x", "y"], test=["z..a"]), seed=0)
    assert len(caught.value.lines) == 4


def test_a_case_may_be_called_like_a_range() -> None:
    cases = [("a..b", "1"), ("a", "2"), ("b", "3"), ("c", "4")]
    roles = by_role(assign(cases, split(validation=["a..b"], test=["c"]), seed=0)[0])
    assert roles["validation"] == ["a..b"]


def test_groups_by_pattern() -> None:
    names = ["flipped_10120_107", "mirrored_10120_76", "mirrored_10092_76"]
    assert [group for _, group in groups(names, r"^[a-z]+_([0-9]+)_")] == ["10120", "10120", "10092"]
    assert groups(names) == [(name, name) for name in names]
    with pytest.raises(InputError, match=r"finds no group in case_1, case_2. Change it"):
        groups(["case_1", "a_1_2", "case_2"], r"^[a-z]+_([0-9]+)_")
    with pytest.raises(InputError, match=r"finds no group in x0, x1, x2, x3, x4, … \(9 in all\)"):
        groups([f"x{n}" for n in range(9)], "(y)")
    with pytest.raises(InputError, match="finds no group in b"):
        groups(["ab", "b"], "(a)?b")  # matches, but the group takes no part
    with pytest.raises(InputError, match="300 letters at most"):
        groups(["x" * 301])


def test_natural_order() -> None:
    names = ["c10", "c9", "c1", "b2", "c09", "c"]
    assert sorted(names, key=natural) == ["b2", "c", "c1", "c09", "c9", "c10"]


names = st.text("abc_019", min_size=1, max_size=8)
named_cases = st.lists(
    st.tuples(names, st.integers(0, 9).map(str)), min_size=1, max_size=40, unique_by=lambda case: case[0]
)
splits = st.one_of(
    st.tuples(st.floats(0.05, 0.45), st.floats(0.05, 0.45)).map(lambda both: Split(validation=both[0], test=both[1])),
    st.integers(3, 6).map(lambda count: Split(folds=count)),
    st.tuples(st.integers(2, 5), st.floats(0.05, 0.5)).map(lambda both: Split(folds=both[0], test=both[1])),
)


@given(named_cases, splits, st.integers(0, 2**63 - 1), st.randoms(use_true_random=False))
def test_a_split_is_a_partition_of_whole_groups_whatever_the_order(
    cases: list[tuple[str, str]], parts: Split, seed: int, random: Any
) -> None:
    try:
        folds = assign(cases, parts, seed)
    except SpecError:
        assume(False)
    assert len(folds) == (parts.folds or 1)
    for fold in folds:
        assert fold.keys() == dict(cases).keys()
        assert set(fold.values()) == {"train", "validation", "test"}
        role_of: dict[str, Role] = {}
        for name, group in cases:
            assert role_of.setdefault(group, fold[name]) == fold[name]
    shuffled = list(cases)
    random.shuffle(shuffled)
    again = assign(shuffled, parts, seed)
    assert again == folds
    assert [list(fold) for fold in again] == [list(fold) for fold in folds]


@given(st.lists(names, min_size=2, max_size=20, unique=True), st.data())
def test_a_range_is_what_lies_between_its_ends(found: list[str], data: st.DataObject) -> None:
    assume(not any(".." in name for name in found))
    ordered = sorted(found, key=natural)
    low = data.draw(st.integers(0, len(ordered) - 1))
    high = data.draw(st.integers(low, len(ordered) - 1))
    cases = [(name, name) for name in [*found, "~test", "~train"]]
    parts = Split(validation=(f"{ordered[low]}..{ordered[high]}",), test=("~test",))
    validated = by_role(assign(cases, parts, 0)[0])["validation"]
    equal_ends = [name for name in ordered if natural(name)[0] in (natural(ordered[low])[0], natural(ordered[high])[0])]
    assert set(validated) == set(ordered[low : high + 1]) | set(equal_ends)
