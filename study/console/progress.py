"""Progress of a study in numbers: one summary for the live table, `status` and its JSON."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from study.design import Design, KnownTrial, Stage, Status, TrialKey
from study.ledger.status_rows import ArmStatus, Running, StudyStatus
from study.planning.planned_work import ArmForecast, forecast
from study.planning.time_left import Left, Speeds, left

FAILED: tuple[Status, ...] = ("failed", "lost")
ENDED: tuple[Status, ...] = ("finished", "halved", *FAILED)


@dataclasses.dataclass(frozen=True, slots=True)
class ArmProgress:
    """One arm's row.

    Attributes:
        name: The arm's name.
        tried: Number of ended search trials.
        tries: Number of planned search trials.
        best: Best objective on validation cases at `best_at`; None before the first result.
        best_at: Latest mark that a search trial reached; None before the first.
        finals: Number of ended final trials.
        finals_planned: Number of planned final trials.
        failed: Number of failed or lost trials, in both stages.
        running: Running segments: `n003 → 200`, or `n003 120/200`.
    """

    name: str
    tried: int
    tries: int
    best: float | None
    best_at: int | None
    finals: int
    finals_planned: int
    failed: int
    running: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """A study's summary.

    Attributes:
        study: Its name.
        state: `done`, `running`, `stopping` or `stopped`.
        driver: Host and process of its driver; None if it does not run.
        share: Fraction of work done, in [0, 1], by training iterations.
        seconds_left: Estimated seconds left; None while no speed is known.
        losses: Number of segments whose worker was lost; they are run again.
        arms: In the study file's order.
    """

    study: str
    state: str
    driver: str | None
    share: float
    seconds_left: float | None
    losses: int
    arms: tuple[ArmProgress, ...]

    def plain(self) -> dict[str, Any]:
        """Return JSON-able data."""
        return dataclasses.asdict(self)

    @property
    def failed(self) -> int:
        """Number of failed or lost trials."""
        return sum(arm.failed for arm in self.arms)


def progress(
    design: Design,
    status: StudyStatus,
    known: Iterable[KnownTrial],
    *,
    slots: int | None = None,
    iterations: Mapping[TrialKey, int] | None = None,
    now: float,
) -> Progress:
    """Summarise a study's progress.

    Args:
        design: The study's design.
        status: Counts by arm, from the ledger.
        known: Its trials, from the same ledger.
        slots: Number of segments that run at the same time; None takes the number running now.
        iterations: Current iteration of running segments, if known.
        now: Current time, seconds since 1970.
    """
    arms = tuple(
        _arm(expected, arm, iterations or {}) for expected, arm in zip(forecast(design), status.arms, strict=True)
    )
    running = [(arm, segment) for arm in status.arms for segment in arm.running]
    speeds = speeds_seen(design, status)
    still = left(design, known, speeds)
    seconds_left = None
    if still is not None:
        under_way = [
            min(max(0.0, now - segment.started), speeds.cost(design.arms[arm.number].model, segment.stop, 1))
            for arm, segment in running
        ]
        still = Left(still.work - sum(under_way), still.chain - min(under_way, default=0.0))
        seconds_left = max(0.0, still.seconds(slots or max(1, len(running))))
    done = sum(arm.seconds for arm in status.arms)
    return Progress(
        study=status.name,
        state=_state(status, still),
        driver=status.driver,
        share=done / (done + still.work) if still is not None and done else 0.0,
        seconds_left=seconds_left,
        losses=status.losses,
        arms=arms,
    )


def _arm(expected: ArmForecast, arm: ArmStatus, iterations: Mapping[TrialKey, int]) -> ArmProgress:
    best_at = max((mark for stage, mark in arm.best if stage == "search"), default=None)
    return ArmProgress(
        name=arm.name,
        tried=_count(arm, ("search",), ENDED),
        tries=expected.search_trials,
        best=None if best_at is None else arm.best["search", best_at],
        best_at=best_at,
        finals=_count(arm, ("final",), ENDED),
        finals_planned=expected.final_trials,
        failed=_count(arm, ("search", "final"), FAILED),
        running=tuple(_label(segment, iterations.get(segment.trial)) for segment in arm.running),
    )


def _count(arm: ArmStatus, stages: Sequence[Stage], how: Sequence[Status]) -> int:
    return sum(count for (stage, status), count in arm.counts.items() if stage in stages and status in how)


def _label(segment: Running, iteration: int | None) -> str:
    """Return `n003 → 200`, or `n003 120/200` if the iteration is known; names of final trials begin with f."""
    name = f"{'f' if segment.trial.stage == 'final' else 'n'}{segment.trial.number:03d}"
    return f"{name} → {segment.stop}" if iteration is None else f"{name} {iteration}/{segment.stop}"


def speeds_seen(design: Design, status: StudyStatus) -> Speeds:
    """Return the ledger's training speeds and the mean time of an evaluation; empty before the first segment."""
    seconds: dict[str, float] = defaultdict(float)
    marks: dict[str, int] = defaultdict(int)
    for arm in status.arms:
        model = design.arms[arm.number].model
        if model in status.speeds:
            seconds[model] += arm.evaluate_seconds
            marks[model] += sum(arm.reached.values())
    return Speeds(status.speeds, {model: seconds[model] / marks[model] for model in seconds if marks[model]})


def _state(status: StudyStatus, still: Left | None) -> str:
    if status.driver is not None:
        return "stopping" if status.stop_requested else "running"
    return "done" if still is not None and still.work <= 0 else "stopped"
