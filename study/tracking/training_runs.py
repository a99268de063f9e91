"""MLflow's run of each training, a trial of the search or a final training, as a pure function of ledger rows.

Same rows, same content: names, times and values come from the ledger, so that sending twice changes nothing.
Validation and test values never share a name: `validation/dice/kidney` of the search, `test/dice/kidney` of the final
stage. MLflow's page groups charts by the part before the slash.
"""

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from search_spaces.grammar import Scalar
from study.design import Stage, Status, TrialKey
from study.ledger.rows import ArmRow, SegmentRow, StudyRow, TrialRow
from study.tracking.naming import EXPERIMENT_TAG, KEY_TAG, NOTE_TAG, STUDY_TAG, milliseconds, parameters, sendable, word
from study.tracking.naming import tags as as_tags

RunStatus = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]

_STATUS: Mapping[Status, RunStatus] = {
    "open": "RUNNING",
    "finished": "FINISHED",
    "halved": "KILLED",
    "failed": "FAILED",
    "lost": "FAILED",
}
TEST = "test"
_SPLIT: Mapping[Stage, str] = {"search": "validation", "final": TEST}


@dataclasses.dataclass(frozen=True, slots=True)
class MetricPoint:
    """One value of a metric: `step` is the iteration, `milliseconds` since 1970."""

    name: str
    value: float
    milliseconds: int
    step: int


@dataclasses.dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of a training curve in the ledger."""

    iteration: int
    name: str
    value: float


@dataclasses.dataclass(frozen=True, slots=True)
class Mean:
    """A metric's mean over the cases of one trial at one mark that have a value."""

    iteration: int
    region: str
    metric: str
    value: float


@dataclasses.dataclass(frozen=True, slots=True)
class Reached:
    """A trial's objective at the last mark, and when it got there, seconds since 1970."""

    objective: float
    ended: float


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """A study in MLflow.

    Attributes:
        identity: Value of `STUDY_TAG`: the same for one study, whatever its name in MLflow.
        name: Its name, if free.
        other_name: Its name otherwise.
        tags: All its tags.
    """

    identity: str
    name: str
    other_name: str
    tags: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class StudyData:
    """A study's cases as a data set of MLflow.

    Attributes:
        name: The study's name.
        digest: Of all cases and their splits, as the ledger has it.
        use: Stage or kind of run that uses it: MLflow's context.
    """

    name: str
    digest: str
    use: str


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run in MLflow: an arm or a trial.

    Attributes:
        key: Value of `KEY_TAG`.
        parent: The arm's key, for a trial.
        name: Its name.
        start: Time in milliseconds since 1970.
        end: Time in milliseconds since 1970; None while it is open.
        status: MLflow's status.
        parameters: Constant for one key.
        tags: Constant and changing tags.
        metrics: All points.
        data: The cases, shown as MLflow's data set of the run.
    """

    key: str
    parent: str | None
    name: str
    start: int
    end: int | None
    status: RunStatus
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: tuple[MetricPoint, ...]
    data: "StudyData | None" = None


def identity(study: StudyRow) -> str:
    """Return an identifier of this study, different for a study of the same name in another ledger."""
    text = f"{study.name}\x1f{study.created!r}\x1f{study.data_digest}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def experiment(study: StudyRow, views: Mapping[str, str] = MappingProxyType({})) -> Experiment:
    """Return the study's experiment, with tags of its views (`study.tracking.views`)."""
    mine = identity(study)
    note = (
        f"The study **{study.name}** of segstudy. This page follows its ledger; what counts is "
        f"`segstudy report {study.name}`: intervals, tests, missing cases.\n\n"
        "Runs are arms (model × loss), their child runs are trials. `validation/…` are means over validation cases, in "
        "the search stage; `test/…` over test cases, in the final stage.\n\n"
        f"```json\n{json.dumps(study.file, indent=1, ensure_ascii=False)}\n```"
    )
    tags = {
        STUDY_TAG: mine,
        NOTE_TAG: note,
        "mlflow.experimentKind": "custom_model_development",  # selects one of the two layouts of MLflow's page
        "study": study.name,
        "data_digest": study.data_digest,
        **{f"version.{name}": version for name, version in study.versions.items()},
        **views,
    }
    return Experiment(
        identity=mine,
        name=study.name,
        other_name=f"{study.name} ({mine[:8]})",
        tags=as_tags(tags, longest=EXPERIMENT_TAG),
    )


def trial(
    study: StudyRow,
    arm: ArmRow,
    row: TrialRow,
    *,
    label: str | None = None,
    started: float | None = None,
    segments: Sequence[SegmentRow] = (),
    curve: Sequence[CurvePoint] = (),
    means: Sequence[Mean] = (),
) -> Run:
    """Return a trial's run.

    Args:
        study: The study.
        arm: The arm.
        row: The trial.
        label: The arm's name in narrow columns; None takes its whole name.
        started: Time of its first attempt, seconds since 1970; None takes the time of sampling.
        segments: Its completed segments.
        curve: All points of its training curves.
        means: Its metrics' means at each mark.
    """
    key = row.key
    tags = {
        **common_tags(study, arm, "trial"),
        KEY_TAG: str(key),
        "trial": str(key),
        "stage": key.stage,
        "search": str(key.search),
        "fold": str(key.fold),
        "number": str(key.number),
        "cohort": str(row.cohort),
        "seed": str(row.seed),
        "status": row.status,
        "sampled_by": row.sampled_by,
    }
    if row.source is not None:
        tags["source"] = str(row.source)
    if row.reason is not None:
        tags |= {"reason": row.reason, NOTE_TAG: f"{row.status}: {row.reason}"}
    if segments:
        last = max(segments, key=lambda segment: segment.iteration)
        tags |= {"host": last.host, "device": last.device, "weights": last.weights}
    return Run(
        key=str(key),
        parent=arm_key(arm.number),
        name=f"{trial_name(key)} · {label or arm.name}",
        start=milliseconds(row.created if started is None else started),
        end=None if row.ended is None else milliseconds(row.ended),
        status=_STATUS[row.status],
        parameters=parameters({**setup(study, arm), **row.parameters}),
        tags=as_tags(tags),
        metrics=tuple(_points(key.stage, segments, curve, means)),
        data=StudyData(study.name, study.data_digest, key.stage),
    )


def arm_key(number: int) -> str:
    """Return the key of an arm's run."""
    return f"arm-a{number:02d}"


def trial_name(key: TrialKey) -> str:
    """Return a trial's short name within its arm: MLflow's page truncates names after about twelve letters."""
    rest = [f" {letter}{value}" for letter, value in (("r", key.search), ("f", key.fold)) if value]
    return f"{key.stage} {key.number}" + "".join(rest)


def setup(study: StudyRow, arm: ArmRow) -> dict[str, Scalar]:
    """Return what all trials of an arm share, so that runs can be sorted and filtered by it: values of parameters."""
    file = study.file
    shared = {
        "spacing": file.get("preprocess", {}).get("spacing"),
        "patch": file.get("patch", {}).get("size"),
        "augment": file.get("augment"),
    }
    return {
        "model": arm.model,
        "loss": arm.loss,
        "weighting": arm.weighting,
        "iterations": study.marks[-1],
        **{name: value if isinstance(value, str) else json.dumps(value) for name, value in shared.items() if value},
    }


def common_tags(study: StudyRow, arm: ArmRow, kind: str) -> dict[str, str]:
    """Return the tags that the runs of an arm and of its trials (`kind`) share."""
    return {
        STUDY_TAG: identity(study),
        "kind": kind,
        "arm": arm.name,
        "model": arm.model,
        "loss": arm.loss,
        "weighting": arm.weighting,
        "data_digest": study.data_digest,
        "code_version": study.versions.get("segstudy", "unknown"),
        "mlflow.source.name": "segstudy",
        "mlflow.source.type": "JOB",
    }


def _points(
    stage: Stage, segments: Sequence[SegmentRow], curve: Sequence[CurvePoint], means: Sequence[Mean]
) -> Iterator[MetricPoint]:
    split, by_mark = _SPLIT[stage], {segment.iteration: segment for segment in segments}
    marks = sorted(by_mark)
    for mark in marks:
        segment, end = by_mark[mark], milliseconds(by_mark[mark].ended)
        values: dict[str, float | None] = {
            f"{split}/objective": segment.objective,
            "worker/training seconds": segment.seconds,
            "worker/evaluation seconds": segment.evaluate_seconds,
            "worker/device bytes": float(segment.peak_bytes) or None,
        }
        yield from (MetricPoint(name, value, end, mark) for name, value in sendable(values))
    for mean in means:
        if mean.iteration in by_mark and math.isfinite(mean.value):
            name = f"{split}/{word(mean.metric)}/{word(mean.region)}"
            yield MetricPoint(name, mean.value, milliseconds(by_mark[mean.iteration].ended), mean.iteration)
    for point in curve:
        mark = next((mark for mark in marks if mark >= point.iteration), 0)
        if mark and math.isfinite(point.value):
            name = f"train/{word(point.name)}"
            yield MetricPoint(name, point.value, _moment(by_mark[mark], point.iteration), point.iteration)


def _moment(segment: SegmentRow, iteration: int) -> int:
    """Estimate when a segment was at an iteration, from its end and its speed."""
    speed = segment.seconds / segment.trained if segment.trained > 0 else 0.0
    return milliseconds(segment.ended - segment.evaluate_seconds - (segment.iteration - iteration) * speed)
