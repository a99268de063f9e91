"""Faults of a run and their times, drawn from the run's seed alone."""

import dataclasses
import random
from typing import Literal, get_args

Kind = Literal["driver", "worker", "raylet", "gcs", "database", "mlflow", "store"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST: dict[Kind, tuple[int, int]] = {
    "driver": (0, 2),
    "worker": (1, 2),
    "raylet": (0, 1),  # the driver's Ray node, after which the driver must end by itself
    "gcs": (0, 1),  # its head, after which the driver must say so and end within seconds
    "database": (1, 2),
    "mlflow": (0, 1),
    "store": (1, 2),  # runs with checkpoints and cache in an object store
}
"""Minimum and maximum number of faults of each kind in a run."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """A killed process, or a stopped server.

    Attributes:
        kind: Kind of process or server.
        gap: Number of events since the previous fault, or since the start.
        delay: Seconds after the last of these events, so that faults also fall between events.
        away: Seconds until a server is started again.
        choice: Number in [0, 1) that selects the worker.
    """

    kind: Kind
    gap: int
    delay: float
    away: float
    choice: float


def drawn(seed: int, events: int, *, store: bool) -> tuple[Fault, ...]:
    """Draws a run's faults, spread over its duration.

    Args:
        seed: The run's seed.
        events: Number of events of an undisturbed run.
        store: Whether it uses an object store.
    """
    chance = random.Random(f"chaos {seed}")
    could = {kind: counts for kind, counts in MOST.items() if store or kind != "store"}
    kinds = [kind for kind, (least, most) in could.items() for _ in range(chance.randint(least, most))]
    chance.shuffle(kinds)
    widest = max(2, round(1.6 * events / (len(kinds) + 1)))
    return tuple(
        Fault(kind, chance.randint(1, widest), chance.uniform(0, 0.3), chance.uniform(0.3, 5), chance.random())
        for kind in kinds
    )
