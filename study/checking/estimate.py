"""Estimate of memory and disk that a study takes on this machine, and notes on what nearly does not fit."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from study.cases.feasible import batch_bytes, greatest_batch
from study.design import PlannedTrial, TrialKey
from study.study_file import Study
from study.trial_specs import Data, trial_spec
from trainables import host_memory
from trainables.data.inspecting.inspect import CaseFacts
from trainables.data.preparing import memory


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """Bytes, each at least.

    Attributes:
        case: Memory of the largest case while it is prepared, predicted and scored.
        largest: That case's name.
        batch: Memory of a batch in training, of the device that trains: with the largest network where that can be
            counted.
        network: That network's name; empty where none can be counted.
        cache: Disk for all prepared cases.
        memory: Memory that this machine has.
    """

    case: int
    largest: str
    batch: float
    network: str
    cache: int
    memory: int

    @property
    def text(self) -> str:
        """Return the estimate for `check`."""
        parts = [
            f"at least {host_memory.shown(self.case)} for {self.largest}",
            f"{host_memory.shown(self.batch)} a batch{self.network and f' through {self.network}'}",
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
    steps = networks(study, facts[0].channels)
    network = max(steps, key=lambda name: steps[name], default="")
    return Estimate(
        case=needs[largest],
        largest=largest,
        batch=max(batch_bytes(study), steps.get(network, 0)),
        network=network,
        cache=cache,
        memory=host_memory.limit(),
    )


def networks(study: Study, channels: int) -> Mapping[str, int]:
    """Return the bytes of a training step of each network by shapes alone, at the arm's default and greatest batch.

    Args:
        study: The study; of a batch size that is found out, one patch counts.
        channels: Image channels.
    """
    from study.probing.activations import step_memory

    found: dict[str, int] = {}
    for arm in study.arms:
        plan = PlannedTrial(TrialKey("search", arm.index, 0, 0, 0), 0, study.seed, dict(arm.default))
        spec = trial_spec(study, arm, plan, Data("", "", ()), gpu=0.0)
        step = step_memory(dataclasses.replace(spec, batch_size=greatest_batch(study)), channels)
        if step is not None:
            found[arm.model] = max(step.total, found.get(arm.model, 0))
    return found


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
