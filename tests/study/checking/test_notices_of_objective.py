"""Notices of `check` about validation cases that lack a region of the objective."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from study.checking.notices import of_objective
from study.study_file import Study
from tests.study.study_files import changed

ROLES: list[Mapping[str, Any]] = [{**{f"v{n}": "validation" for n in range(8)}, "t0": "train", "t1": "test"}]


def said(lacking: int, **objective: str) -> list[str]:
    """Notices where `lacking` of eight validation cases have no lesion; the training case has none either."""
    labels = {"dataset.labels": {"organ": 1, "lesion": 2}}
    study = Study.from_plain(changed({**labels, "objective": {"region": "lesion", **objective}}))
    facts = [
        SimpleNamespace(name=name, voxels={"organ": 9, "lesion": 0 if name == "t0" or index < lacking else 3})
        for index, name in enumerate(ROLES[0])
    ]
    return list(of_objective(study, cast(Any, facts), cast(Any, ROLES)))


@pytest.mark.parametrize(
    ("lacking", "objective", "words"),
    [
        (2, {}, ["2 of 8 validation cases", "count 1 where nothing is found and 0 where it is"]),
        (2, {"empty": "missing"}, ["they do not count", "does not see false positives"]),
        (2, {"metric": "lesion_recall"}, ["lesion_recall has no value there"]),
    ],
)
def test_how_they_count(lacking: int, objective: dict[str, str], words: list[str]) -> None:
    (notice,) = said(lacking, **objective)
    assert all(word in notice for word in words)


def test_nothing_is_said_where_all_have_it() -> None:
    assert said(0) == []
