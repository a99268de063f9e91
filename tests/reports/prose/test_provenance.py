"""Machines that trained: how many kinds, and what a reader must know of them."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from reports.document import document
from reports.prose.provenance import hardware, machine_kind, machine_remarks
from reports.results.results import Results
from tests.reports.ledgers import Fake
from tests.reports.results.test_results import made

AVX = {"gpu": "", "portable": False, "onednn_isa": "ALL", "machine": "x86_64", "cpu_capability": "AVX2", "code": {},
       "versions": {"torch": "2.13.0", "cuda": ""}}  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return made(tmp_path_factory.mktemp("kinds"), Fake(losses=("dice", "focal"), marks=(250, 1000), previews=False))


def trained_by(results: Results, choose: Any) -> Results:
    segments = [
        dataclasses.replace(segment, machine=choose(segment))
        if segment.trial.stage == "final"
        else dataclasses.replace(segment, machine=AVX | {"cpu_capability": "SEARCH"})
        for segment in results.records.segments
    ]
    return dataclasses.replace(results, records=dataclasses.replace(results.records, segments=segments))


def test_one_kind_is_told_and_not_warned_of(found: Results) -> None:
    one = trained_by(found, lambda _: AVX)
    assert "on cpu (12 of 12). 1 kind of machine: x86_64 AVX2, torch 2.13.0." in hardware(one)
    assert machine_remarks(one) == []
    assert machine_remarks(found) == []  # a ledger of an older version knows none


def test_several_kinds_and_trainings_that_moved(found: Results) -> None:
    other = AVX | {"cpu_capability": "AVX512"}
    mixed = trained_by(found, lambda segment: other if (segment.trial.number, segment.iteration) == (1, 1000) else AVX)
    (line,) = machine_remarks(mixed)
    assert "computed by 2 kinds of machine (x86_64 AVX2, torch 2.13.0; x86_64 AVX512, torch 2.13.0)" in line
    assert ", 2 of 6 by more than one:" in line
    assert line in document(mixed).remarks


def test_code_of_ones_own_that_changed(found: Results) -> None:
    def choose(segment: Any) -> dict[str, Any]:
        return AVX | {"code": {"mine.py": "b" if (segment.trial.arm, segment.trial.number) == (1, 2) else "a"}}

    assert machine_remarks(trained_by(found, choose)) == [
        "Code of the user's own changed between final trainings of unet+focal."
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"gpu": "NVIDIA H200"},
        {"portable": True},
        {"onednn_isa": "AVX2"},
        {"versions": {"torch": "2", "cuda": "12"}},
    ],
)
def test_kinds_are_those_of_the_training(changes: dict[str, Any]) -> None:
    machine = pytest.importorskip("trainables.training.machine")
    assert machine_kind(AVX | changes) == machine.kind(AVX | changes)


def test_a_machine_that_says_nothing_usable_is_unknown(tmp_path: Path) -> None:
    assert machine_kind({}) == ""
    assert machine_kind({"gpu": "x"}) == ""
