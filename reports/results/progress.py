"""Progress and cost of each arm: trials, failures, hours, and the configurations that its searches chose."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

from reports.results.protocol import Protocol
from reports.results.records import Records
from search_spaces.grammar import Fixed, Scalar, from_plain
from search_spaces.values import grid_points
from study.design import Stage, Status, TrialKey
from study.ledger.rows import ArmRow, TrialRow


@dataclasses.dataclass(frozen=True, kw_only=True)
class Search:
    """One arm's search stage, over all its searches and folds.

    Attributes:
        planned: Trials that the study file requests; 0 if nothing is tuned.
        counts: Status → trials.
        reached: Trials that reached the last mark; winners are chosen among them.
    """

    planned: int
    counts: Mapping[Status, int]
    reached: int

    @property
    def ended(self) -> int:
        """Trials that have ended."""
        return sum(count for status, count in self.counts.items() if status != "open")

    @property
    def over(self) -> bool:
        """Whether all planned trials have ended."""
        return self.ended >= self.planned


@dataclasses.dataclass(frozen=True, kw_only=True)
class Winner:
    """The configuration that a search chose.

    Attributes:
        search: Index of the search.
        fold: Fold of the search.
        key: The search trial; None if nothing was tuned.
        parameters: Values of the tuned parameters.
        values: Mark → objective on validation cases; optimistic, since the winner was selected by it.
        default: Validation objective of the arm's default configuration at the last mark; None if it did not reach it.
    """

    search: int
    fold: int
    key: TrialKey | None
    parameters: Mapping[str, Scalar]
    values: Mapping[int, float | None]
    default: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """Progress of one arm.

    Attributes:
        tuned: Names of the tuned parameters.
        search: Its search stage.
        winners: Chosen configurations; empty while searches run, or if no trial reached the last mark.
        hours: Wall-clock hours of all attempts by stage, including failed and repeated ones.
        gpu_hours: Hours of trials on a GPU, times the share of it that the study file gives (1 for `auto`).
        failures: (stage, status, reason) → number of trials.
        values: Search trial → mark → objective on validation cases.
    """

    tuned: tuple[str, ...]
    search: Search
    winners: tuple[Winner, ...]
    hours: Mapping[Stage, float]
    gpu_hours: float
    failures: Mapping[tuple[Stage, Literal["failed", "lost"], str], int]
    values: Mapping[TrialKey, Mapping[int, float | None]]


def progress(records: Records, protocol: Protocol) -> tuple[Progress, ...]:
    """Returns the progress of every arm, by number."""
    trials: dict[int, list[TrialRow]] = collections.defaultdict(list)
    for trial in records.trials:
        trials[trial.key.arm].append(trial)
    values: dict[TrialKey, dict[int, float | None]] = collections.defaultdict(dict)
    for segment in records.segments:
        values[segment.trial][segment.iteration] = segment.objective
    hours: dict[tuple[int, Stage], float] = collections.defaultdict(float)
    on_gpu = {segment.trial for segment in records.segments if segment.device != "cpu"}
    given = records.study.file["resources"].get("gpu")
    share = float(given) if isinstance(given, int | float) else 1.0
    gpu_hours: dict[int, float] = collections.defaultdict(float)
    for attempt in records.attempts:
        if attempt.ended is not None:
            took = (attempt.ended - attempt.started) / 3600
            hours[attempt.trial.arm, attempt.trial.stage] += took
            gpu_hours[attempt.trial.arm] += took * share * (attempt.trial in on_gpu)
    return tuple(
        Progress(
            tuned=tuned(arm),
            search=_search(arm, trials[arm.number], values, protocol),
            winners=_winners(arm, trials[arm.number], values, protocol),
            hours={stage: hours[arm.number, stage] for stage in ("search", "final")},
            gpu_hours=gpu_hours[arm.number],
            failures=_failures(trials[arm.number]),
            values={t.key: values.get(t.key, {}) for t in trials[arm.number] if t.key.stage == "search"},
        )
        for arm in records.arms
    )


def tuned(arm: ArmRow) -> tuple[str, ...]:
    """Returns the names of the tuned parameters."""
    return tuple(name for name, plain in arm.space.items() if not isinstance(from_plain(plain), Fixed))


def _search(
    arm: ArmRow, trials: Sequence[TrialRow], values: Mapping[TrialKey, Mapping[int, float | None]], protocol: Protocol
) -> Search:
    mine = [trial for trial in trials if trial.key.stage == "search"]
    length = protocol.trials_per_arm if tuned(arm) else 0
    if length and protocol.sampler == "grid":
        length = min(length, grid_points({name: from_plain(plain) for name, plain in arm.space.items()}) or length)
    return Search(
        planned=length * protocol.searches * (protocol.folds if protocol.search_in == "each_fold" else 1),
        counts=collections.Counter(trial.status for trial in mine),
        reached=sum(protocol.last in values.get(trial.key, {}) for trial in mine),
    )


def _winners(
    arm: ArmRow, trials: Sequence[TrialRow], values: Mapping[TrialKey, Mapping[int, float | None]], protocol: Protocol
) -> tuple[Winner, ...]:
    names = tuned(arm)
    found: dict[tuple[int, int], Winner] = {}
    for trial in trials:
        if trial.key.stage != "final":
            continue
        fold = 0 if trial.source is None else trial.source.fold
        where = (trial.key.search, fold)
        first = TrialKey("search", arm.number, *where, 0)  # the default configuration
        found[where] = Winner(
            search=trial.key.search,
            fold=fold,
            key=trial.source,
            parameters={name: trial.parameters[name] for name in names},
            values={} if trial.source is None else values.get(trial.source, {}),
            default=values.get(first, {}).get(protocol.last),
        )
    return tuple(found[where] for where in sorted(found))


def _failures(trials: Sequence[TrialRow]) -> dict[tuple[Stage, Literal["failed", "lost"], str], int]:
    counts: dict[tuple[Stage, Literal["failed", "lost"], str], int] = collections.Counter()
    for trial in trials:
        if trial.status == "failed" or trial.status == "lost":
            counts[trial.key.stage, trial.status, trial.reason or "no reason recorded"] += 1
    return dict(sorted(counts.items()))
