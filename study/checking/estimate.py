"""Estimate of memory and disk that a study takes on this machine, and notes on what nearly does not fit."""

import dataclasses
import math
from collections.abc import Iterator, Sequence

from study.cases.feasible import batch_bytes
from study.study_file import Study
from trainables import host_memory
from trainables.data.inspecting.inspect import CaseFacts
from trainables.data.preparing import memory


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """Bytes, each at least.

    Attributes:
        case: Memory of the largest case while it is prepared, predicted and scored.
        largest: That case's name.
        batch: Memory of a batch in training, of the device that trains.
        cache: Disk for all prepared cases.
        memory: Memory that this machine has.
    """

    case: int
    largest: str
    batch: float
    cache: int
    memory: int

    @property
    def text(self) -> str:
        """Return the estimate for `check`."""
        parts = [
            f"at least {host_memory.shown(self.case)} for {self.largest}",
            f"{host_memory.shown(self.batch)} a batch",
        ]
        there = f"this machine has {host_memory.shown(self.memory)}"
        return f"{', '.join(parts)}, {host_memory.shown(self.cache)} on disk; {there}"


def estimated(study: Study, facts: Sequence[CaseFacts]) -> Estimate:
    """Return the estimate for a study of at least one case."""
    classes = len(study.classes)
    needs = {
        fact.name: memory.needed(fact.shape, fact.prepared_shape, channels=fact.channels, classes=classes)
        for fact in facts
    }
    largest = max(needs, key=lambda name: needs[name])
    cache = sum(math.prod(fact.prepared_shape) * (4 * fact.channels + 1) + math.prod(fact.shape) * 2 for fact in facts)
    return Estimate(
        case=needs[largest], largest=largest, batch=batch_bytes(study), cache=cache, memory=host_memory.limit()
    )


def nearly(found: Estimate) -> Iterator[str]:
    """Yield notes on what takes more than half of this machine's memory."""
    for need, what in (
        (found.case, f"case {found.largest} (preprocess.spacing)"),
        (found.batch, "a batch (patch.size)"),
    ):
        if need > host_memory.NEARLY * found.memory:
            yield (
                f"{what} takes at least {host_memory.shown(need)} of memory, and this machine has "
                f"{host_memory.shown(found.memory)}: other processes may not fit beside it"
            )
