"""Events of a run, for displays and logs. Nothing depends on an event being received."""

import dataclasses
from collections.abc import Callable

from study.design import Segment, Status, TrialKey


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A part of the run begins, such as `preparing 20 cases` or `starting Ray`.

    Attributes:
        text: Text for the user.
        slots: Number of segments that run at the same time from here on, if known.
    """

    text: str
    slots: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """A case is in the cache, the `done`-th of `total`."""

    case: str
    done: int
    total: int


@dataclasses.dataclass(frozen=True, slots=True)
class Waiting:
    """The run waits: `text` gives the reason, `until` the latest end (seconds since 1970)."""

    text: str
    until: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class CohortSampled:
    """A cohort, or the final stage of a winner, was written to the ledger."""

    arm: str
    trials: tuple[TrialKey, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class SegmentStarted:
    """A segment was handed to a worker; `resumed` is the iteration from which it resumes."""

    arm: str
    segment: Segment
    resumed: int


@dataclasses.dataclass(frozen=True, slots=True)
class SegmentProgress:
    """A segment has trained up to `iteration`; `loss` is the last point of its curve."""

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
    """A worker was lost and its segment is owed again, `times` in a row without progress."""

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
    """Discard an event."""
