"""`batch_size: auto`: the rule by hand, and the ledger's word before it."""

import pathlib

import pytest

from study.ledger import Ledger
from study.probing.batch_size import as_begun, by_patch, candidates, is_auto, with_batch
from study.study_file import Study
from tests.study import small
from tests.study.study_files import changed, study

AUTO = {"training.batch_size": "auto"}


@pytest.mark.parametrize(
    ("patch", "size"),
    [
        ((80, 80, 80), 2),  # 1,024,000 voxels in two of them, of 1,048,576
        ((64, 64, 64), 4),
        ((128, 128, 128), 2),  # one is more than the rule has, and two are the least
        ((32, 32, 32), 32),
        ((256, 256), 16),
        ((250, 256), 16),
        ((512, 512), 4),
        ((8, 8), 32),
    ],
)
def test_the_rule_by_hand(patch: tuple[int, ...], size: int) -> None:
    assert by_patch(patch) == size


def test_on_a_gpu_it_is_halved_down_to_two() -> None:
    assert list(candidates((256, 256))) == [16, 8, 4, 2]
    assert list(candidates((128, 128, 128))) == [2]


def test_it_stands_in_the_file_until_it_is_found() -> None:
    asked = study(AUTO)
    assert is_auto(asked)
    assert asked.plain()["training"]["batch_size"] == "auto"
    assert Study.from_plain(asked.plain()) == asked
    found = with_batch(asked, 8)
    assert not is_auto(found)
    assert found == study({"training.batch_size": 8})
    assert {arm.default["training.batch_size"] for arm in found.arms} == {8}  # one for all arms


def test_the_ledgers_word_comes_first(tmp_path: pathlib.Path) -> None:
    asked = study(AUTO)
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        assert as_begun(asked, ledger) == asked  # nothing is known yet
        begun = study({"training.batch_size": 6})
        ledger.create_study(begun.name, begun.plain(), begun.design(), small.CASES, "d", {})
        assert as_begun(asked, ledger) == begun
        other = study({"training.batch_size": 4})
        assert as_begun(other, ledger) == other  # who gives a number means it, and is refused later
        searched = Study.from_plain(changed({"name": "searched", "training.batch_size": [2, 4]}))
        ledger.create_study("searched", searched.plain(), searched.design(), small.CASES, "d", {})
        assert is_auto(as_begun(Study.from_plain(changed({"name": "searched", **AUTO})), ledger))
