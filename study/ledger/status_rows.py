"""The state of a study as plain data: what `Ledger.status` returns for the live table."""

import dataclasses
from collections.abc import Mapping

from study.design import Stage, Status, TrialKey


@dataclasses.dataclass(frozen=True, slots=True)
class Running:
    """A segment that a worker runs now."""

    trial: TrialKey
    stop: int
    started_from: int
    started: float


@dataclasses.dataclass(frozen=True, slots=True)
class ArmStatus:
    """The state of an arm.

    Attributes:
        number: Position in the study file.
        name: The arm's name.
        counts: `(stage, status)` → trials; what is 0 is left out.
        reached: `(stage, mark)` → trials that have it.
        best: `(stage, mark)` → best objective so far, by the study's direction.
        running: Segments that are with workers.
        iterations_open: Iterations from the newest mark or checkpoint to the last mark, over the trials that are open:
            an upper bound of what these trials owe, since halving ends some; trials not yet sampled are the planner's
            to tell.
        seconds: Training and evaluation time recorded.
        evaluate_seconds: The evaluations' part of it.
    """

    number: int
    name: str
    counts: Mapping[tuple[Stage, Status], int]
    reached: Mapping[tuple[Stage, int], int]
    best: Mapping[tuple[Stage, int], float]
    running: tuple[Running, ...]
    iterations_open: int
    seconds: float
    evaluate_seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class StudyStatus:
    """The state of a study, for the live table.

    Attributes:
        name: The study's name.
        marks: Iterations at which trials are evaluated.
        arms: In the study file's order.
        speeds: Model → seconds of training per iteration, where known.
        first_started: When the first segment was handed out; None before.
        last_ended: When the last segment was recorded; None before.
        driver: Who holds the lease, for a person to read; None when nobody does.
        driver_until: When that lease ends unless it is renewed.
        stop_requested: Whether the driver was asked to stop.
        losses: Attempts that ended `lost`.
        notices: How many.
    """

    name: str
    marks: tuple[int, ...]
    arms: tuple[ArmStatus, ...]
    speeds: Mapping[str, float]
    first_started: float | None
    last_ended: float | None
    driver: str | None
    driver_until: float | None
    stop_requested: bool
    losses: int
    notices: int
