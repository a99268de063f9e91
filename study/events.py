"""What a run tells whoever watches it, as it happens. Nothing depends on an event being heard."""

import dataclasses
from collections.abc import Callable

from study.design import Segment, Status, TrialKey


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A part of the run begins: `preparing 20 cases`, `starting Ray`.

    Attributes:
        text: What begins.
        slots: How many segments run at once from here on, where that is known now.
    """

    text: str
    slots: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """A case is in the cache; `done` of `total` are."""

    case: str
    done: int
    total: int


@dataclasses.dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing can be done for now: `text` says why, `until` until when at most (seconds since 1970)."""

    text: str
    until: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class CohortSampled:
    """A cohort, or the final stage of a winner, entered the ledger."""

    arm: str
    trials: tuple[TrialKey, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class SegmentStarted:
    """A segment went to a worker; `resumed` is the iteration where it goes on."""

    arm: str
    segment: Segment
    resumed: int


@dataclasses.dataclass(frozen=True, slots=True)
class SegmentProgress:
    """How far a segment is; `loss` is the last point of its curve."""

    arm: str
    segment: Segment
    iteration: int
    loss: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class SegmentDone:
    """A trial reached a mark."""

    arm: str
    segment: Segment
    objective: float | None
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class SegmentLost:
    """A machine lost a segment; it is owed again. `times` in a row without progress."""

    arm: str
    segment: Segment
    reason: str
    times: int


@dataclasses.dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial ended: finished, halved away, failed or lost, the last two with a reason."""

    arm: str
    trial: TrialKey
    status: Status
    reason: str | None = None


Event = (
    Step
    | Prepared
    | Waiting
    | CohortSampled
    | SegmentStarted
    | SegmentProgress
    | SegmentDone
    | SegmentLost
    | TrialEnded
)
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Nobody watches."""
