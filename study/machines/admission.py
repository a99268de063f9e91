"""Admission: which node has room for the next owed segment. It counts what was handed out; it never asks Ray.

Ray decides where an actor really starts. On one node this count is exact, GPU by GPU; on several it is what Ray would
do, and `moved` corrects it when a segment reports from elsewhere.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

UNIT = 10_000  # Ray counts resources in these parts of one


@dataclasses.dataclass(frozen=True, order=True, slots=True)
class Shape:
    """What a segment needs.

    Attributes:
        cpu: CPU cores, >= 0.
        gpu: Share of one GPU, in [0, 1], or a whole number of GPUs.
    """

    cpu: float
    gpu: float = 0.0

    def __post_init__(self) -> None:
        if self.cpu < 0 or self.gpu < 0 or (self.gpu > 1 and self.gpu != int(self.gpu)):
            raise ValueError(f"expected cpu >= 0 and a share of one GPU or whole GPUs, found {self}")

    def __str__(self) -> str:
        return f"{_plural(self.cpu, 'CPU')} and {_plural(self.gpu, 'GPU')}"


@dataclasses.dataclass(frozen=True, order=True, slots=True)
class Node:
    """A machine: its name, cores and GPUs."""

    name: str
    cpu: float
    gpu: int = 0

    def __str__(self) -> str:
        return f"{_plural(self.cpu, 'CPU')} and {_plural(self.gpu, 'GPU')}"


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Room on a node: its name, and which of its GPUs, by index."""

    node: str
    gpus: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """A segment under way: what it holds, where, and when it will end, about (seconds of any clock)."""

    shape: Shape
    place: Place
    until: float


@dataclasses.dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What to start now.

    Attributes:
        start: The request to start; None: wait.
        place: Where it goes.
        reserved: The first request and the node that is kept for it, to be handed in the next time.
    """

    start: T | None = None
    place: Place | None = None
    reserved: tuple[T, str] | None = None


def admit(
    nodes: Sequence[Node],
    held: Iterable[Held],
    requests: Iterable[tuple[T, Shape]],
    *,
    kinds: int,
    reserved: tuple[T, str] | None = None,
) -> Answer[T]:
    """The first request that fits. When the very first does not, the node that is free for it soonest is kept for it.

    A kept node takes nothing else until its request starts there or is no longer first, so nothing large waits for ever
    behind small work that keeps coming.

    Args:
        nodes: What there is.
        held: What was handed out and has not ended.
        requests: In the order in which they should start.
        kinds: How many different shapes the requests have at most; the search ends when each was seen not to fit.
        reserved: What the last answer kept.
    """
    free = _Free(nodes, held)
    kept: tuple[T, str] | None = None
    refused: set[Shape] = set()
    for position, (request, shape) in enumerate(requests):
        if shape in refused:
            continue
        if (place := free.room(shape, closed=kept and kept[1])) is not None:
            return Answer(request, place, kept)
        if position == 0:
            kept = _keep(free, request, shape, reserved)
        refused.add(shape)
        if len(refused) == kinds:
            break
    return Answer(reserved=kept)


def moved(nodes: Sequence[Node], held: Iterable[Held], shape: Shape, node: str) -> Place:
    """Where a segment is that reports from another node than expected; `held` is without it.

    Where the count says that there is no room, it stands on the node without GPUs of its own.
    """
    there = [each for each in nodes if each.name == node]
    return _Free(there, held).room(shape) or Place(node)


def slots(nodes: Sequence[Node], shapes: Iterable[Shape]) -> int:
    """How many segments can run at once at most, at least 1."""
    smallest = min(shapes, key=lambda shape: (shape.gpu, shape.cpu), default=Shape(1))
    return max(1, sum(_most(node, smallest) for node in nodes))


def impossible(nodes: Sequence[Node], shape: Shape) -> str | None:
    """Why no node can ever hold a shape, for a person; None where one can."""
    if any(_Free((node,), ()).room(shape) for node in nodes):
        return None
    if not nodes:
        return f"a trial needs {shape}, and there is no machine"
    largest = max(nodes, key=lambda node: (node.gpu, node.cpu))
    there = f"this machine has {largest}" if len(nodes) == 1 else f"the largest of {len(nodes)} nodes has {largest}"
    return f"a trial needs {shape}, and {there}"


class _Free:
    """What is free on each node, in whole units."""

    def __init__(self, nodes: Sequence[Node], held: Iterable[Held]) -> None:
        self.nodes = {node.name: node for node in nodes}
        self.held: dict[str, list[Held]] = {node.name: [] for node in nodes}
        for each in held:
            if each.place.node in self.held:  # a node that is gone holds nothing
                self.held[each.place.node].append(each)

    def room(self, shape: Shape, closed: str | None = None) -> Place | None:
        """The fullest node that fits, the first by name among equals."""
        best: tuple[tuple[int, int, str], Place] | None = None
        for name in self.nodes:
            cpu, gpus = self._left(name, self.held[name])
            place = None if name == closed else _fit(name, cpu, gpus, shape)
            if place is not None and (best is None or (sum(gpus), cpu, name) < best[0]):
                best = (sum(gpus), cpu, name), place
        return best and best[1]

    def soonest(self, name: str, shape: Shape) -> float | None:
        """When a node has room if what it holds ends in order; None: never."""
        left = sorted(self.held[name], key=lambda each: each.until)
        moment = -math.inf
        while _fit(name, *self._left(name, left), shape) is None:
            if not left:
                return None
            moment = left.pop(0).until
        return moment

    def _left(self, name: str, held: Iterable[Held]) -> tuple[int, list[int]]:
        node = self.nodes[name]
        cpu, gpus = _units(node.cpu), [UNIT] * node.gpu
        for each in held:
            cpu -= _units(each.shape.cpu)
            for index in each.place.gpus:
                gpus[index] -= min(UNIT, _units(each.shape.gpu))
        return cpu, gpus


def _keep(free: _Free, request: T, shape: Shape, reserved: tuple[T, str] | None) -> tuple[T, str] | None:
    """The node kept for a request: as before, or the one that is free soonest; None where no node can hold it."""
    moments = {name: moment for name in free.nodes if (moment := free.soonest(name, shape)) is not None}
    if reserved is not None and reserved[0] == request and reserved[1] in moments:
        return reserved
    return (request, min(moments, key=lambda name: (moments[name], name))) if moments else None


def _fit(name: str, cpu: int, gpus: Sequence[int], shape: Shape) -> Place | None:
    """A share goes to the fullest GPU that has it, whole GPUs to free ones, as Ray does."""
    wanted = _units(shape.gpu)
    if _units(shape.cpu) > cpu:
        return None
    if wanted == 0:
        return Place(name)
    if wanted < UNIT:
        there = [(left, index) for index, left in enumerate(gpus) if left >= wanted]
        return Place(name, (min(there)[1],)) if there else None
    whole = [index for index, left in enumerate(gpus) if left == UNIT]
    return Place(name, tuple(whole[: wanted // UNIT])) if len(whole) * UNIT >= wanted else None


def _most(node: Node, shape: Shape) -> int:
    """How many segments of a shape an empty node holds."""
    by_cpu = _units(node.cpu) // _units(shape.cpu) if shape.cpu else math.inf
    wanted = _units(shape.gpu)
    if not wanted:
        return int(by_cpu) if math.isfinite(by_cpu) else 1
    by_gpu = node.gpu * (UNIT // wanted) if wanted < UNIT else node.gpu // (wanted // UNIT)
    return int(min(by_cpu, by_gpu))


def _units(amount: float) -> int:
    return round(amount * UNIT)


def _plural(count: float, word: str) -> str:
    return f"{count:g} {word}" if count == 1 or 0 < count < 1 else f"{count:g} {word}s"
