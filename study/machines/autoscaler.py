"""What a study still needs, told to Ray's autoscaler: machines come for owed segments, and go afterwards."""

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

EVERY = 5.0  # seconds between looks at what is owed
MOST = 1000  # segments that machines are asked for at once
POLL = 1.0  # seconds between looks whether a machine has come

Request = Callable[..., None]


class Demand:
    """One driver's wishes: the cluster is to hold so many segments at once, those under way included.

    A cluster without an autoscaler hears it and does nothing.

    Args:
        request: Takes them; by default they are added to those of other drivers (`wishes`).
        clock: Seconds.
    """

    def __init__(self, request: Request | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._request, self._clock = request or _ray(), clock
        self._told: Mapping[Shape, int] | None = None
        self._next = -float("inf")

    def look(self, needed: Callable[[int], Mapping[Shape, int]]) -> None:
        """Tells what is needed now, unless it was looked at a moment ago or is what it was.

        Args:
            needed: Gives segments by shape, at most so many in all.
        """
        if self._clock() < self._next:
            return
        self._next = self._clock() + EVERY
        self.tell(needed(MOST))

    def tell(self, needed: Mapping[Shape, int]) -> None:
        """Tells it, unless it is what it was."""
        if needed != self._told:
            self._request(bundles=[_bundle(shape) for shape, count in needed.items() for _ in range(count)])
            self._told = dict(needed)

    def end(self) -> None:
        """Nothing is needed any more."""
        self.tell({})


@contextlib.contextmanager
def asked_for(
    owed: Callable[[], Iterable[Segment]], shape: Callable[[Segment], Shape], each_step: Callable[[], None]
) -> Iterator[Callable[[], None]]:
    """While the block runs, its step also asks for machines for what is owed; afterwards nothing is asked for.

    Args:
        owed: A study's owed segments, those under way included.
        shape: What a segment needs.
        each_step: The step so far.
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
    """The cluster's nodes, once one of them can hold a trial: the autoscaler is asked for it, and waited for.

    With `gpu: auto` a trial is to have a GPU where the cluster can bring one: who waits waits for that, and trains on
    the CPU when none came.

    Args:
        study: Whose trials.
        minutes: How long to wait; 0 does not.
        say: Hears that it waits.
        look: What nodes there are.
        demand: Who asks the autoscaler.
        clock: Seconds.
        sleep: Waits.

    Raises:
        InputError: None came.
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
    """As Ray writes it; what is 0 is left out."""
    return {name: amount for name, amount in (("CPU", shape.cpu), ("GPU", shape.gpu)) if amount}


def _ray() -> Request:
    from study.machines.autoscaler_requests import teller

    return teller()
