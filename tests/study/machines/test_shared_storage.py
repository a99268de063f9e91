"""Nodes that come while a study runs: they count once they see the storage; those that do not are held."""

from collections.abc import Sequence

import pytest

from study.errors import MachineTroubleError
from study.events import Event, Step
from study.machines.admission import Node
from study.machines.shared_storage import AGAIN, NodesSharing
from study.machines.storage_proof import Flaw, StorageProof

A, B, C = Node("a", 1), Node("b", 2), Node("c", 4, 1)
FLAW = Flaw("/shared", "host-b", "it does not see what is written here")


class FakeProof(StorageProof):
    """Answers as it is told to, one look later."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.flaws: dict[str, Flaw | None] = {}
        self.waiting: list[str] = []
        self.held: list[str] = []

    def ask(self, there: Sequence[Node]) -> None:
        self.asked += [node.name for node in there]
        self.waiting += [node.name for node in there]

    def answers(self, seconds: float | None = None) -> dict[str, Flaw | None]:
        found = {name: self.flaws[name] for name in self.waiting if name in self.flaws}
        self.waiting = [name for name in self.waiting if name not in found]
        return found

    def hold(self, node: Node) -> None:
        self.held.append(node.name)

    def release(self, name: str) -> None:
        self.held.remove(name)


class World:
    """Nodes, a clock, and what is said of them."""

    def __init__(self) -> None:
        self.there: tuple[Node, ...] = (A,)
        self.now = 0.0
        self.proof = FakeProof()
        self.told: list[Event] = []
        self.look = NodesSharing(lambda: self.there, self.proof, (A,), self.told.append, lambda: self.now)

    def said(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, Step)]


def test_who_was_there_is_not_asked_again() -> None:
    world = World()
    assert world.look() == (A,)
    assert world.proof.asked == []


def test_a_newcomer_counts_when_it_has_answered() -> None:
    world = World()
    world.there = (A, B)
    assert world.look() == (A,)  # asked, and not heard yet
    assert world.look() == (A,)
    world.proof.flaws["b"] = None
    assert world.look() == (A, B)
    assert world.look() == (A, B)
    assert (world.proof.asked, world.proof.held, world.told) == (["b"], [], [])


def test_one_that_does_not_see_the_storage_is_held_until_it_does() -> None:
    world = World()
    world.there = (A, B, C)
    world.proof.flaws |= {"b": FLAW, "c": None}
    assert world.look() == (A, C)
    assert world.proof.held == ["b"]
    assert world.said() == [
        "storage /shared is not shared with host-b: it does not see what is written here; it gets no work until it does"
    ]
    world.now += AGAIN - 1
    assert world.look() == (A, C)
    world.now += 1
    assert world.look() == (A, C)  # asked again, said once
    assert (world.proof.asked, len(world.told)) == (["b", "c", "b"], 1)
    world.now += AGAIN
    del world.proof.flaws["b"]
    assert world.look() == world.look() == (A, C)  # asked once more, and waited for
    assert world.proof.asked[3:] == ["b"]
    world.proof.flaws["b"] = None
    world.now += AGAIN
    assert world.look() == (A, B, C)
    assert world.proof.held == []
    assert world.said()[1:] == ["storage /shared is now shared with host-b"]


def test_a_node_that_goes_is_let_go() -> None:
    world = World()
    world.there = (A, B, C)
    world.proof.flaws["b"] = FLAW
    world.look()
    world.there = (A,)
    assert world.look() == (A,)
    assert world.proof.held == []
    world.proof.flaws["c"] = None  # an answer that comes too late
    assert world.look() == (A,)


def test_nobody_who_sees_it_is_trouble() -> None:
    world = World()
    world.there = (A, B)
    world.proof.flaws["b"] = FLAW
    world.look()
    world.there = (B,)
    with pytest.raises(MachineTroubleError, match=r"^storage /shared is not shared with host-b: .*command again$"):
        world.look()
    world.there = ()
    assert world.look() == ()  # a cluster between two machines: waited for
