"""The rows that the ledger returns and takes: plain data without a connection."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from search_spaces.grammar import Scalar
from study.design import Status, TrialKey

Result = Literal["done", "failed", "lost", "stopped"]


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """An image with its reference mask.

    Attributes:
        name: Unique in its study.
        group: Cases of one patient share it.
        splits: For each fold: `train`, `validation` or `test`.
        facts: Shape, spacing, ceilings: JSON-able.
    """

    name: str
    group: str
    splits: tuple[str, ...]
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class StudyRow:
    """A study as recorded; `file` is the validated study file with all defaults written out."""

    id: int
    name: str
    file: dict[str, Any]
    marks: tuple[int, ...]
    maximize: bool
    data_digest: str
    versions: dict[str, str]
    created: float
    stop_requested: bool
    report_reads: int


@dataclasses.dataclass(frozen=True, slots=True)
class ArmRow:
    """An arm as recorded; `space` is plain data as `schema.arms.space` says."""

    number: int
    name: str
    model: str
    loss: str
    weighting: str
    space: dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial as recorded. Times are seconds since 1970; `ended` is None while it is open."""

    key: TrialKey
    arm: str
    cohort: int
    seed: int
    parameters: dict[str, Scalar]
    source: TrialKey | None
    status: Status
    reason: str | None
    sampled_by: str
    created: float
    ended: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class SegmentRow:
    """A completed segment: trial `trial` reached mark `iteration`.

    Attributes:
        trial: The trial.
        iteration: The mark.
        objective: Mean over the cases; None where all are missing.
        weights: Digest of network and optimiser.
        checkpoint: Folder, relative to the storage root; None once it was removed.
        attempts: How often it was handed to a worker; the measurements below are those of the last attempt, as in
            `Outcome`.
        ended: Seconds since 1970.
        machine: The machine that trained it (`trainables.trial.Outcome.machine`): processor capability, oneDNN's
            limit, GPU, versions, digests of the user's own code; {} from an older version.
    """

    trial: TrialKey
    iteration: int
    objective: float | None
    weights: str
    checkpoint: str | None
    attempts: int
    seconds: float
    evaluate_seconds: float
    trained: int
    host: str
    device: str
    peak_bytes: int
    ended: float
    machine: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class AttemptRow:
    """A segment handed to a worker; `result` is None while it runs."""

    id: int
    trial: TrialKey
    stop: int
    started_from: int
    started: float
    ended: float | None
    result: Result | None
    reason: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Declaration:
    """Declaration of the tests and tables of a study, by key of its file, from `created` on.

    Attributes:
        created: Seconds since 1970; of the first one, when the final stage began.
        report_reads: How often test tables had been shown by then.
        declared: `report.baseline` (an arm's name), `report.metrics`, `report.empty`, `report.equivalence`, … → value.
    """

    created: float
    report_reads: int
    declared: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class EarlierLook:
    """Another study that showed test tables: its name, how many of these test cases, how often."""

    study: str
    cases: int
    report_reads: int


@dataclasses.dataclass(frozen=True, slots=True)
class Retry:
    """A trial that had ended `lost` or `failed` and was opened again; `reason` is of that end."""

    trial: TrialKey
    created: float
    status: Status
    reason: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """A fact that a reader of the report must know; `created` in seconds since 1970."""

    created: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Completion:
    """The result of recording a segment's outcome.

    Attributes:
        result: `recorded`; `repeated` where the same was recorded before; `ignored`, with a notice, where something
            else was, or where the trial has ended.
        obsolete: Checkpoint folders that the ledger no longer names, for the caller to remove.
    """

    result: Literal["recorded", "repeated", "ignored"]
    obsolete: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Changes:
    """Rows that a view has not seen yet, oldest first.

    Attributes:
        position: To be handed in the next time.
        trials: As they are now: inserted or ended since, and those of the segments.
        segments: Recorded since, each told once.
        more: Whether there is more to fetch at once.
    """

    position: int
    trials: tuple[TrialRow, ...]
    segments: tuple[SegmentRow, ...]
    more: bool


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
    """Case scores by columns: row i has `value[i]`; the other columns are positions in the tables above it.

    In pandas: `pd.Categorical.from_codes(scores.region, scores.regions)`, and so on.

    Attributes:
        trials: Names that `trial` indexes, sorted.
        cases: Cases that `case` indexes, in the order of names, with their groups.
        regions: Names that `region` indexes, sorted.
        metrics: Names that `metric` indexes, sorted.
        notes: Texts that `note` indexes, sorted.
        trial: `(R,)` int32.
        iteration: `(R,)` int32, the mark itself.
        region: `(R,)` int32.
        metric: `(R,)` int32.
        case: `(R,)` int32.
        value: `(R,)` float64; NaN where missing.
        note: `(R,)` int32; -1 where there is none.
    """

    trials: tuple[TrialKey, ...]
    cases: tuple[Case, ...]
    regions: tuple[str, ...]
    metrics: tuple[str, ...]
    notes: tuple[str, ...]
    trial: NDArray[np.int32]
    iteration: NDArray[np.int32]
    region: NDArray[np.int32]
    metric: NDArray[np.int32]
    case: NDArray[np.int32]
    value: NDArray[np.float64]
    note: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.value)

    def rows(self) -> Iterator["ScoreRow"]:
        """Yield rows one by one, with names in place of positions; for few rows."""
        for i, value in enumerate(self.value.tolist()):
            yield ScoreRow(
                trial=self.trials[self.trial[i]],
                iteration=int(self.iteration[i]),
                region=self.regions[self.region[i]],
                metric=self.metrics[self.metric[i]],
                case=self.cases[self.case[i]].name,
                group=self.cases[self.case[i]].group,
                value=None if value != value else value,
                note=None if self.note[i] < 0 else self.notes[self.note[i]],
            )


@dataclasses.dataclass(frozen=True, slots=True)
class ScoreRow:
    """One metric of one region of one case at one mark of one trial; `value` is None where it is missing."""

    trial: TrialKey
    iteration: int
    region: str
    metric: str
    case: str
    group: str
    value: float | None
    note: str | None


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """One training curve: `(P,)` int64 iterations, increasing, and `(P,)` float64 values."""

    trial: TrialKey
    name: str
    iterations: NDArray[np.int64]
    values: NDArray[np.float64]
