import heapq
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.machines.admission import Held, Node, Place, Shape, admit, impossible, moved, slots

SHAPES = (Shape(1), Shape(2), Shape(1, 0.3), Shape(1, 0.5), Shape(2, 1), Shape(4, 2), Shape(0, 0.25))
CLUSTERS = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 3)), min_size=1, max_size=4).map(
    lambda sizes: tuple(Node(f"n{i}", cpu, gpu) for i, (cpu, gpu) in enumerate(sizes))
)


def test_gpu_by_gpu() -> None:
    # Two GPUs hold 0.6 each: 0.8 is free in all, and nowhere in one piece.
    node = (Node("a", 8, 2),)
    held = [Held(Shape(1, 0.6), Place("a", (gpu,)), until=10.0 + gpu) for gpu in (0, 1)]
    answer = admit(node, held, [("x", Shape(1, 0.5))], kinds=1)
    assert answer.start is None
    assert answer.reserved == ("x", "a")
    assert admit(node, held[:1], [("x", Shape(1, 0.5))], kinds=1).place == Place("a", (1,))
    assert admit(node, held[:1], [("x", Shape(1, 0.4))], kinds=1).place == Place("a", (0,))  # the fullest that has it
    assert admit(node, held[:1], [("x", Shape(1, 2))], kinds=1).start is None
    assert admit(node, [], [("x", Shape(1, 2))], kinds=1).place == Place("a", (0, 1))


def test_the_node_that_is_free_soonest_is_kept() -> None:
    nodes = (Node("a", 2), Node("b", 2))
    held = [
        Held(Shape(1), Place("a"), until=9),
        Held(Shape(1), Place("b"), until=5),
    ]
    small_behind_large = [("large", Shape(2)), ("small", Shape(1))]
    answer = admit(nodes, held, small_behind_large, kinds=2)
    assert (answer.start, answer.place) == ("small", Place("a"))
    assert answer.reserved == ("large", "b")
    # Kept as long as the request is first, also when another node looks better meanwhile.
    later = [Held(Shape(1), Place("a"), until=1), Held(Shape(1), Place("b"), until=5)]
    assert admit(nodes, later, [("large", Shape(2))], kinds=2, reserved=answer.reserved).reserved == ("large", "b")
    assert admit(nodes, later, [("other", Shape(2))], kinds=2, reserved=answer.reserved).reserved == ("other", "a")


def test_a_node_that_can_never_hold_it_is_not_kept() -> None:
    nodes = (Node("a", 1), Node("b", 4))
    held = [Held(Shape(4), Place("b"), until=99)]
    answer = admit(nodes, held, [("large", Shape(4)), ("small", Shape(1))], kinds=2)
    assert answer.reserved == ("large", "b")
    assert answer.place == Place("a")


def test_what_no_node_holds_is_said_and_keeps_nothing() -> None:
    nodes = (Node("a", 2), Node("b", 4, 1))
    assert impossible(nodes, Shape(4, 1)) is None
    assert (
        impossible(nodes, Shape(8))
        == "a trial needs 8 CPUs and 0 GPUs, and the largest of 2 nodes has 4 CPUs and 1 GPU"
    )
    assert impossible(nodes[:1], Shape(1, 0.5)) == (
        "a trial needs 1 CPU and 0.5 GPU, and this machine has 2 CPUs and 0 GPUs"
    )
    assert impossible((), Shape(1)) == "a trial needs 1 CPU and 0 GPUs, and there is no machine"
    answer = admit(nodes, [], [("huge", Shape(8)), ("small", Shape(1))], kinds=2)
    assert (answer.start, answer.reserved) == ("small", None)


def test_slots() -> None:
    assert slots((Node("a", 5), Node("b", 2)), [Shape(2)]) == 3
    assert slots((Node("a", 16, 2),), [Shape(2, 0.3)]) == 6
    assert slots((Node("a", 16, 3),), [Shape(2, 2)]) == 1
    assert slots((), [Shape(2)]) == 1


def test_a_segment_that_reports_from_elsewhere() -> None:
    nodes = (Node("a", 2, 1), Node("b", 2, 1))
    assert moved(nodes, [], Shape(1, 1), "b") == Place("b", (0,))
    assert moved(nodes, [Held(Shape(1, 1), Place("b", (0,)), 1.0)], Shape(1, 1), "b") == Place("b")
    assert moved(nodes, [], Shape(1, 1), "unheard of") == Place("unheard of")


@pytest.mark.parametrize("gpu", [1.5, -1.0])
def test_odd_shapes_are_refused(gpu: float) -> None:
    with pytest.raises(ValueError, match="share of one GPU or whole GPUs"):
        Shape(1, gpu)


@settings(max_examples=300, deadline=None)
@given(CLUSTERS, st.integers(0, 2**32 - 1), st.sampled_from([1, 2, len(SHAPES)]))
def test_a_queue_runs_dry_without_overload_or_starvation(nodes: tuple[Node, ...], seed: int, kinds: int) -> None:
    """Random segments whose real ends have nothing to do with the expected ones, until all have run."""
    chance = random.Random(seed)
    shapes = [shape for shape in chance.sample(SHAPES, kinds) if impossible(nodes, shape) is None]
    queue = [(number, chance.choice(shapes)) for number in range(30 if shapes else 0)]
    running: dict[int, Held] = {}
    ends: list[tuple[float, int]] = []
    now, reserved, kept_for = 0.0, None, None
    for _ in itertools.count():
        answer = admit(nodes, running.values(), queue, kinds=len(set(shapes)) or 1, reserved=reserved)
        if answer.reserved is not None and kept_for is not None and kept_for[0] == answer.reserved[0]:
            assert answer.reserved == kept_for, "the kept node changed under its request"
        reserved = kept_for = answer.reserved
        if answer.start is not None:
            assert answer.place is not None
            position = [number for number, _ in queue].index(answer.start)
            number, shape = queue.pop(position)
            if position:  # overtaking is allowed only where it takes nothing from the first
                assert reserved is None or answer.place.node != reserved[1]
            running[number] = Held(shape, answer.place, until=now + chance.random())
            heapq.heappush(ends, (now + chance.expovariate(1), number))
            _check_no_overload(nodes, running)
            continue
        if not queue:
            break
        assert ends, "nothing runs and nothing was started"
        if len(set(shapes)) == 1:
            assert not any(_fits_somewhere(node, running, shapes[0]) for node in nodes), "room was left unused"
        now, ended = heapq.heappop(ends)
        del running[ended]


def _check_no_overload(nodes: tuple[Node, ...], running: dict[int, Held]) -> None:
    for node in nodes:
        here = [held for held in running.values() if held.place.node == node.name]
        assert sum(held.shape.cpu for held in here) <= node.cpu
        for gpu in range(node.gpu):
            assert sum(min(1, held.shape.gpu) for held in here if gpu in held.place.gpus) <= 1 + 1e-9
        for held in here:
            assert len(set(held.place.gpus)) == (int(held.shape.gpu) if held.shape.gpu >= 1 else held.shape.gpu > 0)


def _fits_somewhere(node: Node, running: dict[int, Held], shape: Shape) -> bool:
    here = [held for held in running.values() if held.place.node == node.name]
    cpu = node.cpu - sum(held.shape.cpu for held in here)
    left = [1 - sum(min(1, held.shape.gpu) for held in here if gpu in held.place.gpus) for gpu in range(node.gpu)]
    if shape.gpu >= 1:
        return cpu >= shape.cpu and sum(free > 1 - 1e-9 for free in left) >= shape.gpu
    return cpu >= shape.cpu and (shape.gpu == 0 or any(free >= shape.gpu - 1e-9 for free in left))


def test_something_large_does_not_wait_for_ever() -> None:
    """Small work keeps coming and always ends later than expected; the large segment starts all the same."""
    nodes = (Node("a", 2), Node("b", 2))
    running = {-1: Held(Shape(1), Place("a"), 1.0), -2: Held(Shape(1), Place("b"), 2.0)}
    small, reserved = itertools.count(), None
    for step in range(20):
        queue = [(1000, Shape(2)), *((next(small), Shape(1)) for _ in range(3))]
        answer = admit(nodes, running.values(), queue, kinds=2, reserved=reserved)
        reserved = answer.reserved
        if answer.start == 1000:
            return
        if answer.start is not None:
            assert answer.place is not None
            running[answer.start] = Held(Shape(1), answer.place, until=step - 5.0)  # overdue from the start
        elif running:
            del running[max(running, key=lambda number: (running[number].place.node != "a", number))]
            if len(running) > 1 and step % 3:
                del running[max(running)]
    pytest.fail("the large segment never started")
