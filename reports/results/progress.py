"""How far each arm is, and what it cost: trials, failures, hours, the configurations that its searches found."""

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
        planned: Trials that the study file asks for; 0 where the arm has nothing to tune.
        counts: Status → trials.
        reached: How many reached the last mark: the winners are chosen among these.
    """

    planned: int
    counts: Mapping[Status, int]
    reached: int

    @property
    def ended(self) -> int:
        """Trials that will not go on."""
        return sum(count for status, count in self.counts.items() if status != "open")

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return self.ended >= self.planned


@dataclasses.dataclass(frozen=True, kw_only=True)
class Winner:
    """The configuration that a search found.

    Attributes:
        search: Which search.
        fold: In which fold it searched.
        key: The search trial; None where there was nothing to tune.
        parameters: What it chose, tuned parameters only.
        values: Mark → objective on validation cases. The winner's own is too good: it was chosen for it.
        default: Objective on validation cases of the arm's default configuration at the last mark, where it got there.
    """

    search: int
    fold: int
    key: TrialKey | None
    parameters: Mapping[str, Scalar]
    values: Mapping[int, float | None]
    default: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """Where one arm stands.

    Attributes:
        tuned: Names of the parameters that its searches vary.
        search: Its search stage.
        winners: What its searches found; empty while they run, or where none of their trials got to the end.
        hours: Wall time of all attempts by stage, failed and repeated ones included.
        gpu_hours: Of these, what trials took that ran on a GPU, times the share of it that the study file gives (all of
            it where that is `auto`).
        failures: Reason → trials of either stage that failed or were lost for it.
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
    """Every arm's, by number."""
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
    """Names of the parameters that its searches vary."""
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
