"""What goes wrong in a run, and when: drawn from the run's seed alone."""

import dataclasses
import random
from typing import Literal, get_args

Kind = Literal["driver", "worker", "raylet", "database", "mlflow", "store"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST: dict[Kind, tuple[int, int]] = {
    "driver": (0, 2),
    "worker": (1, 2),
    "raylet": (0, 1),  # Ray's node under the driver, which then has to give up by itself
    "database": (1, 2),
    "mlflow": (0, 1),
    "store": (1, 2),  # where checkpoints and cache lie in one
}
"""How many of each a run gets: at least, at most."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """A process is killed, or a server taken away.

    Attributes:
        kind: Whose.
        gap: After how many events since the fault before, or since the beginning.
        delay: Seconds after that event: between two events, too.
        away: Seconds until a server is started again.
        choice: In [0, 1): which of the workers.
    """

    kind: Kind
    gap: int
    delay: float
    away: float
    choice: float


def drawn(seed: int, events: int, *, store: bool) -> tuple[Fault, ...]:
    """A run's faults, spread over its life.

    Args:
        seed: The run's.
        events: How many an undisturbed run tells.
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
