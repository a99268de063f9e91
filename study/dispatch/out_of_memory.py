"""Out of memory: a trial that shared its machine is retried alone, since a neighbour may have used the memory.

Alone means a whole GPU if device memory ran out, and all cores of a node if host memory did, so that nothing else
runs there. A trial that runs out of memory again is infeasible here and is given up.
"""

import dataclasses
from collections.abc import Sequence

from study.design import TrialKey
from study.machines.admission import Node, Shape, impossible
from trainables.failures import OUT_OF, Memory
from trainables.trial import Outcome

KILLED = "OutOfMemoryError"
"""Prefix of the reason for a worker that Ray killed because its node ran out of memory (`lost_workers.why`)."""
TOLD = "out of memory beside others; tried again alone"


class AloneRetries:
    """The trials whose next attempt must run alone."""

    def __init__(self) -> None:
        self._asked: dict[TrialKey, set[Memory]] = {}

    @property
    def trials(self) -> tuple[TrialKey, ...]:
        """The trials whose next attempt must run alone."""
        return tuple(self._asked)

    def retry_alone(self, trial: TrialKey, memory: Memory, held: Shape, node: Node | None) -> bool:
        """Whether a trial that ran out of memory had neighbours; if so, its next attempt runs alone.

        Args:
            trial: The trial.
            memory: The kind of memory that ran out.
            held: The resources that it had.
            node: The node on which it ran; None if that node is gone.
        """
        beside = 0 < held.gpu < 1 if memory == "device" else node is None or held.cpu < node.cpu
        if beside:
            self._asked.setdefault(trial, set()).add(memory)
        return beside

    def shape(self, trial: TrialKey, usual: Shape, nodes: Sequence[Node]) -> Shape:
        """Return the resources that a trial's next attempt needs.

        Args:
            trial: The trial.
            usual: Its resources when it shares a machine.
            nodes: The current nodes; alone on a node means on the largest that can hold it.
        """
        asked = self._asked.get(trial, ())
        shape = usual
        if "device" in asked and 0 < usual.gpu < 1:
            shape = dataclasses.replace(shape, gpu=1.0)
        if "host" in asked:
            cores = [node.cpu for node in nodes if impossible((node,), shape) is None]
            shape = dataclasses.replace(shape, cpu=max(cores, default=shape.cpu))
        return shape

    def forget(self, trial: TrialKey) -> None:
        """Allow neighbours again: the trial's segment is done."""
        self._asked.pop(trial, None)


def infeasible(iteration: int, memory: Memory) -> Outcome:
    """Return the outcome of a trial whose worker was killed for lack of memory although it ran alone."""
    return Outcome(iteration=iteration, failed=OUT_OF[memory])
