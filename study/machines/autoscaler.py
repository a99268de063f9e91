"""Autoscaler: requests machines from Ray's autoscaler for owed segments and withdraws the request afterwards."""

import contextlib
import dataclasses
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from study.design import Segment
from study.machines.admission import Node, Shape, impossible
from study.machines.nodes import nodes
from study.machines.trial_shape import shape_of
from study.study_file import Study
from trainables.errors import InputError

EVERY = 5.0  # seconds between two counts of owed segments
MOST = 1000  # segments for which machines are requested at the same time
POLL = 1.0  # seconds between two queries for new machines

Request = Callable[..., None]


class Demand:
    """One driver's request: the segments that the cluster should hold at the same time, running ones included.

    A cluster without an autoscaler ignores it.

    Args:
        request: Receives the request; by default it is added to those of other drivers (`autoscaler_requests`).
        clock: Monotonic time in seconds.
    """

    def __init__(self, request: Request | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._request, self._clock = request or _ray(), clock
        self._told: Mapping[Shape, int] | None = None
        self._next = -float("inf")

    def look(self, needed: Callable[[int], Mapping[Shape, int]]) -> None:
        """Request what is needed now, at most every few seconds and only if it changed.

        Args:
            needed: Returns the number of segments by shape, at most the given number in all.
        """
        if self._clock() < self._next:
            return
        self._next = self._clock() + EVERY
        self.tell(needed(MOST))

    def tell(self, needed: Mapping[Shape, int]) -> None:
        """Request this number of segments by shape, if it changed."""
        if needed != self._told:
            self._request(bundles=[_bundle(shape) for shape, count in needed.items() for _ in range(count)])
            self._told = dict(needed)

    def end(self) -> None:
        """Withdraw the request."""
        self.tell({})


@contextlib.contextmanager
def machines_requested(
    owed: Callable[[], Iterable[Segment]], shape: Callable[[Segment], Shape], each_step: Callable[[], None]
) -> Iterator[Callable[[], None]]:
    """Yield a step that also requests machines for owed segments; the request is withdrawn at the end of the block.

    Args:
        owed: Returns a study's owed segments, running ones included.
        shape: Returns the resources of a segment.
        each_step: The step to extend.
    """
    demand = Demand()

    def step() -> None:
        each_step()
        demand.look(lambda most: Counter(map(shape, itertools.islice(owed(), most))))

    try:
        yield step
    finally:
        demand.end()


def await_room(
    study: Study,
    minutes: float,
    say: Callable[[str], None],
    *,
    look: Callable[[], Sequence[Node]] = nodes,
    demand: Demand | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Node, ...]:
    """Wait until a node of the cluster can hold a trial, and return the nodes. The autoscaler is asked for one.

    With `gpu: auto` this waits for a node with a GPU; if none comes in time, trials train on the CPU.

    Args:
        study: The study whose trials are to run.
        minutes: Maximum waiting time; 0 does not wait.
        say: Receives messages for the user.
        look: Returns the current nodes.
        demand: Requests machines from the autoscaler.
        clock: Monotonic time in seconds.
        sleep: Waits a number of seconds.

    Raises:
        InputError: No such node came in time.
    """
    deadline = clock() + 60 * minutes
    asked = False
    while True:
        there = tuple(look())
        largest = max(there, key=lambda node: (node.gpu, node.cpu), default=Node("none", 0))
        late = clock() >= deadline
        shape = shape_of(study, largest if late or largest.gpu else dataclasses.replace(largest, gpu=1))
        if (reason := impossible(there, shape)) is None:
            if asked and not shape.gpu and study.resources.gpu == "auto":
                say(f"no GPU came in {minutes:g} min; trials train on the CPU")
            return there
        if late:
            raise InputError(
                f"resources: {reason}. Ask for less, or, where the cluster's autoscaler brings such a machine, wait "
                "for it: --wait MINUTES."
            )
        if not asked:
            (demand or Demand()).tell(Counter({shape: 1}))
            say(f"{reason}; the cluster's autoscaler was asked for one, {minutes:g} min at most")
            asked = True
        sleep(POLL)


def _bundle(shape: Shape) -> dict[str, float]:
    """Return a shape as a bundle of Ray, without resources that are 0."""
    return {name: amount for name, amount in (("CPU", shape.cpu), ("GPU", shape.gpu)) if amount}


def _ray() -> Request:
    from study.machines.autoscaler_requests import requester

    return requester()
