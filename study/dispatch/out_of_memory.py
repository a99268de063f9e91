"""Out of memory: a trial beside others is tried again alone, since a neighbour may have held what it lacked.

Alone is a whole GPU where that one's memory ran out, and all cores of a node where the host's did: then nothing else
runs there. What runs out of memory again has only itself to blame, and is given up: it is infeasible here.
"""

import dataclasses
from collections.abc import Sequence

from study.design import TrialKey
from study.machines.admission import Node, Shape, impossible
from trainables.failures import OUT_OF, Memory
from trainables.trial import Outcome

KILLED = "OutOfMemoryError"
"""How the loss of a worker begins that Ray killed because its node's memory ran out (`lost_workers.why`)."""
TOLD = "out of memory beside others; tried again alone"


class Solitude:
    """Which trials have to be alone the next time."""

    def __init__(self) -> None:
        self._asked: dict[TrialKey, set[Memory]] = {}

    @property
    def trials(self) -> tuple[TrialKey, ...]:
        """Those that have to be alone."""
        return tuple(self._asked)

    def another_try(self, trial: TrialKey, memory: Memory, held: Shape, node: Node | None) -> bool:
        """Whether a trial that ran out of memory had neighbours, and so is to be tried alone.

        Args:
            trial: Which.
            memory: What ran out.
            held: What it had.
            node: Where it ran; None where that node is gone.
        """
        beside = 0 < held.gpu < 1 if memory == "device" else node is None or held.cpu < node.cpu
        if beside:
            self._asked.setdefault(trial, set()).add(memory)
        return beside

    def shape(self, trial: TrialKey, usual: Shape, nodes: Sequence[Node]) -> Shape:
        """What a trial needs now.

        Args:
            trial: Which.
            usual: What it needs beside others.
            nodes: What there is: alone on a node means on the largest that can hold it.
        """
        asked = self._asked.get(trial, ())
        shape = usual
        if "device" in asked and 0 < usual.gpu < 1:
            shape = dataclasses.replace(shape, gpu=1.0)
        if "host" in asked:
            cores = [node.cpu for node in nodes if impossible((node,), shape) is None]
            shape = dataclasses.replace(shape, cpu=max(cores, default=shape.cpu))
        return shape

    def over(self, trial: TrialKey) -> None:
        """Its segment is done; the next one may have neighbours again."""
        self._asked.pop(trial, None)


def infeasible(iteration: int, memory: Memory) -> Outcome:
    """What is recorded of a trial whose worker was killed for want of memory, though it was alone."""
    return Outcome(iteration=iteration, failed=OUT_OF[memory])
