"""Trials held to one kind of machine: which kind that is, and which nodes get work."""

from collections.abc import Sequence
from typing import Any

import pytest

from study.events import Event, Step
from study.machines.admission import Node, Shape
from study.machines.one_kind import KindProbe, Machine, NodesOfOneKind, chosen
from trainables.errors import InputError

ONE = Shape(2)
A, B, C = Node("a", 2), Node("b", 5), Node("c", 3)


def cpu(capability: str, torch: str = "2.13.0") -> dict[str, Any]:
    return {
        "cpu_capability": capability,
        "onednn_isa": "ALL",
        "onednn": True,
        "machine": "x86_64",
        "gpu": "",
        "portable": False,
        "versions": {"torch": torch, "cuda": ""},
    }


AVX2, AVX512 = cpu("AVX2"), cpu("AVX512")
GPU = {**AVX2, "gpu": "NVIDIA A100", "versions": {"torch": "2.13.0", "cuda": "12.4"}}


def test_a_new_study_takes_the_kind_that_runs_most_trials_at_once() -> None:
    # Two cores a trial: b holds two, a and c one each; so does the kind of a with c.
    assert chosen((A, B, C), {"a": AVX2, "b": AVX512, "c": AVX512}, (), ONE) == "x86_64 AVX512, torch 2.13.0"
    assert chosen((A, B, C), {"a": AVX2, "b": AVX512, "c": AVX2}, (), ONE) == "x86_64 AVX2, torch 2.13.0"  # 2 and 2
    assert chosen((A, B, C), {"a": AVX2, "c": AVX512}, (), Shape(3)) == "x86_64 AVX512, torch 2.13.0"


def test_a_begun_study_stays_on_the_kind_that_trained_it_whatever_has_more_room() -> None:
    there = {"a": AVX2, "b": AVX512, "c": AVX512}
    assert chosen((A, B, C), there, (AVX2,), ONE) == "x86_64 AVX2, torch 2.13.0"
    before = (cpu("AVX2", "2.12.0"), {})  # another version of PyTorch, which the user accepts elsewhere; an old segment
    assert chosen((A, B, C), there, before, ONE) == "x86_64 AVX2, torch 2.13.0"


def test_nodes_with_other_versions_are_of_another_kind() -> None:
    there = {"a": AVX2, "b": cpu("AVX2", "2.12.0"), "c": AVX2}
    assert chosen((A, B, C), there, (), Shape(1)) == "x86_64 AVX2, torch 2.12.0"  # five at once, and five: by name


def test_a_kind_that_is_not_there_is_refused_in_a_line() -> None:
    with pytest.raises(InputError) as error:
        chosen((A, B), {"a": AVX2, "b": AVX512}, (GPU,), ONE)
    assert str(error.value) == (
        "resources.same_kind: NVIDIA A100 trained this study before, and here is x86_64 AVX2 and x86_64 AVX512. Run it "
        "where it began, or set resources.same_kind=false: the report then says so"
    )
    with pytest.raises(InputError, match="no node says what it computes with"):
        chosen((A,), {}, (), ONE)


class FakeProbe(KindProbe):
    """Answers as it is told to."""

    def __init__(self, **machines: Machine) -> None:
        self.machines: dict[str, Machine] = dict(machines)
        self.asked: set[str] = set()

    def ask(self, nodes: Sequence[Node]) -> None:
        self.asked |= {node.name for node in nodes}

    def answers(self, seconds: float | None) -> dict[str, Machine]:
        found = {name: self.machines[name] for name in self.asked if name in self.machines}
        self.asked -= found.keys()
        return found


def test_nodes_of_other_kinds_get_no_work_and_new_ones_once_they_have_answered() -> None:
    told: list[Event] = []
    there = [A, B]
    probe = FakeProbe(a=AVX2, b=AVX512)
    look = NodesOfOneKind(lambda: tuple(there), probe, (AVX2,), ONE, told.append)
    assert look() == (A,)
    there += [C, Node("d", 9)]
    assert look() == (A,)  # asked, not heard yet
    probe.machines |= {"c": AVX2, "d": AVX512}
    assert look() == (A, C)
    assert probe.asked == set()
    there.remove(A)
    assert look() == (C,)
    assert [event.text for event in told if isinstance(event, Step)] == [
        "trials are held to one kind of machine: x86_64 AVX2, torch 2.13.0; nodes of 1 other kind get no work",
        "node d is of another kind (x86_64 AVX512, torch 2.13.0) and gets no work",
    ]
