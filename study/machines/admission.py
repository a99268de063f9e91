"""Admission: decides which node has room for the next owed segment, by counting running segments, not by asking Ray.

Ray decides where an actor starts. On one node this count is exact for each GPU. On several nodes it is an estimate that
`moved` corrects when a segment reports from another node.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

UNIT = 10_000  # parts of one CPU or GPU, as Ray counts them


@dataclasses.dataclass(frozen=True, order=True, slots=True)
class Shape:
    """Resources of a segment.

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
    """A machine: its name, CPU cores and GPUs."""

    name: str
    cpu: float
    gpu: int = 0

    def __str__(self) -> str:
        return f"{_plural(self.cpu, 'CPU')} and {_plural(self.gpu, 'GPU')}"


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A place on a node: the node's name and the indices of its GPUs."""

    node: str
    gpus: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """A running segment: its resources, its place and its estimated end (seconds of any clock)."""

    shape: Shape
    place: Place
    until: float


@dataclasses.dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """The decision of `admit`.

    Attributes:
        start: The request to start; None to wait.
        place: Its place.
        reserved: The first request and the node reserved for it, to be passed to the next call.
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
    """Return the first request that fits. If the very first does not, keep a node for it.

    A reserved node takes nothing else until its request starts there or is no longer first, so that a large request
    does not wait forever behind small ones.

    Args:
        nodes: The current nodes.
        held: The running segments.
        requests: Requests with their shapes, in the order in which they should start.
        kinds: Maximum number of different shapes; the search ends when this many did not fit.
        reserved: The reservation of the last answer.
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
    """Return the place of a segment that reports from another node than expected; `held` excludes it.

    If the node has no room by this count, the place has no GPUs.
    """
    there = [each for each in nodes if each.name == node]
    return _Free(there, held).room(shape) or Place(node)


def slots(nodes: Sequence[Node], shapes: Iterable[Shape]) -> int:
    """Return the maximum number of segments that can run at the same time, at least 1."""
    smallest = min(shapes, key=lambda shape: (shape.gpu, shape.cpu), default=Shape(1))
    return max(1, sum(_most(node, smallest) for node in nodes))


def impossible(nodes: Sequence[Node], shape: Shape) -> str | None:
    """Return the reason why no node can ever hold a shape, as text for the user; None if one can."""
    if any(_Free((node,), ()).room(shape) for node in nodes):
        return None
    if not nodes:
        return f"a trial needs {shape}, and there is no machine"
    largest = max(nodes, key=lambda node: (node.gpu, node.cpu))
    there = f"this machine has {largest}" if len(nodes) == 1 else f"the largest of {len(nodes)} nodes has {largest}"
    return f"a trial needs {shape}, and {there}"


class _Free:
    """Free resources of each node, in units."""

    def __init__(self, nodes: Sequence[Node], held: Iterable[Held]) -> None:
        self.nodes = {node.name: node for node in nodes}
        self.held: dict[str, list[Held]] = {node.name: [] for node in nodes}
        for each in held:
            if each.place.node in self.held:  # segments of a node that is gone occupy nothing
                self.held[each.place.node].append(each)

    def room(self, shape: Shape, closed: str | None = None) -> Place | None:
        """Return the place on the fullest node that fits; among equals the first by name."""
        best: tuple[tuple[int, int, str], Place] | None = None
        for name in self.nodes:
            cpu, gpus = self._left(name, self.held[name])
            place = None if name == closed else _fit(name, cpu, gpus, shape)
            if place is not None and (best is None or (sum(gpus), cpu, name) < best[0]):
                best = (sum(gpus), cpu, name), place
        return best and best[1]

    def soonest(self, name: str, shape: Shape) -> float | None:
        """Return when a node has room if its segments end as estimated; None if never."""
        left = sorted(self.held[name], key=lambda each: each.until)
        time = -math.inf
        while _fit(name, *self._left(name, left), shape) is None:
            if not left:
                return None
            time = left.pop(0).until
        return time

    def _left(self, name: str, held: Iterable[Held]) -> tuple[int, list[int]]:
        node = self.nodes[name]
        cpu, gpus = _units(node.cpu), [UNIT] * node.gpu
        for each in held:
            cpu -= _units(each.shape.cpu)
            for index in each.place.gpus:
                gpus[index] -= min(UNIT, _units(each.shape.gpu))
        return cpu, gpus


def _keep(free: _Free, request: T, shape: Shape, reserved: tuple[T, str] | None) -> tuple[T, str] | None:
    """Return the node reserved for a request: as before, or the one that is free soonest; None if none fits."""
    times = {name: time for name in free.nodes if (time := free.soonest(name, shape)) is not None}
    if reserved is not None and reserved[0] == request and reserved[1] in times:
        return reserved
    return (request, min(times, key=lambda name: (times[name], name))) if times else None


def _fit(name: str, cpu: int, gpus: Sequence[int], shape: Shape) -> Place | None:
    """Place a share on the fullest GPU that has room, and whole GPUs on free ones, as Ray does."""
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
    """Return how many segments of a shape an empty node holds."""
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
