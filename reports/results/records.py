"""Everything that a report reads from the ledger; no other module of the reports opens it."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reports.results.soundness import check, decoding
from reports.results.split_scores import SplitRecords
from search_spaces.metrics import counts_lesions, pooled_from
from study.design import TrialKey
from study.ledger import Ledger
from study.ledger.rows import ArmRow, AttemptRow, Case, Curve, Notice, Scores, SegmentRow, StudyRow, TrialRow
from trainables.pictures.kept import Preview, Stack
from trainables.trial import soft_dice_curve


@dataclasses.dataclass(frozen=True, eq=False)
class Records:
    """One study as recorded in the ledger.

    Attributes:
        study: The study.
        arms: By number.
        cases: By name, of any split.
        trials: By key, of both stages.
        segments: By trial and mark.
        attempts: Every segment given to a worker.
        scores: Case scores of the final stage.
        notices: Oldest first.
        split: Records for metrics of a whole split.
    """

    study: StudyRow
    arms: Sequence[ArmRow]
    cases: Sequence[Case]
    trials: Sequence[TrialRow]
    segments: Sequence[SegmentRow]
    attempts: Sequence[AttemptRow]
    scores: Scores
    notices: Sequence[Notice]
    split: SplitRecords = dataclasses.field(default_factory=SplitRecords)


@dataclasses.dataclass(frozen=True, eq=False)
class Pictures:
    """Records that only pages with pictures need.

    Attributes:
        curves: Training loss of the final stage.
        soft: Soft Dice of each class on training patches of the final stage; empty unless `training.log_every` is set.
        previews: For each arm and case the slice kept by the arm's first trial that has one; by trial and case.
        slices: Function that reads further slices of given trials and cases: (trial, case) → slices.
    """

    curves: Sequence[Curve]
    previews: Sequence[tuple[TrialKey, Preview]]
    slices: Callable[[Sequence[TrialKey], Sequence[str]], Mapping[tuple[TrialKey, str], Stack]] = lambda _, __: {}
    soft: Sequence[Curve] = ()


def read(ledger: str | Path, name: str, *, pictures: bool) -> tuple[Records, Pictures]:
    """Reads a study. Rows that refer to trials are read before the trials, since a running study only adds rows.

    Args:
        ledger: Path or URL.
        name: The study's name.
        pictures: Whether to read curves and previews; they are empty otherwise.

    Raises:
        InputError: There is no such ledger or study.
    """
    with Ledger.open(ledger, read_only=True) as opened, decoding(opened.label, name):
        label = opened.label
        study = opened.study(name)
        drawn = Pictures(
            curves=opened.curves(study.id, "final", {"loss"}) if pictures else (),
            previews=_previews(opened, study.id) if pictures else (),
            slices=functools.partial(_slices, ledger, study.id, name),
            soft=_soft(opened, study) if pictures else (),
        )
        scores, split = opened.scores(study.id, "final"), _split(opened, study)
        attempts, segments = opened.attempts(study.id), opened.segments(study.id)
        trials, notices = opened.trials(study.id), opened.notices(study.id)
        found = Records(
            study=study,
            arms=opened.arms(study.id),
            cases=opened.cases(study.id),
            trials=trials,
            segments=segments,
            attempts=attempts,
            scores=scores,
            notices=notices,
            split=split,
        )
    check(found, label)
    return found, drawn


def outputs(file: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the names of a study's network channels: its regions, or the background and its labels."""
    dataset = file["dataset"]
    if dataset.get("train_on") == "regions":
        return tuple(dataset["regions"] or dataset["labels"])
    return ("background", *dataset["labels"])


def _soft(opened: Ledger, study: StudyRow) -> list[Curve]:
    if not study.file["training"].get("log_every"):
        return []
    return opened.curves(study.id, "final", {soft_dice_curve(name) for name in outputs(study.file)})


def _previews(opened: Ledger, study: int) -> list[tuple[TrialKey, Preview]]:
    """Reads the first preview of each arm and case: thousands of trainings keep hundreds of KB each."""
    first: dict[tuple[int, str], TrialKey] = {}
    for key, case in opened.kept_previews(study):
        first.setdefault((key.arm, case), key)
    found = opened.previews(study, sorted(set(first.values())))
    return [(key, preview) for key, preview in found if first[key.arm, preview.case] == key]


def _slices(
    ledger: str | Path, study: int, name: str, trials: Sequence[TrialKey], cases: Sequence[str]
) -> dict[tuple[TrialKey, str], Stack]:
    with Ledger.open(ledger, read_only=True) as opened, decoding(opened.label, name):
        return opened.sliced(study, trials, cases)


def _split(opened: Ledger, study: StudyRow) -> SplitRecords:
    """Reads lesion records and voxel counts, which can be millions of rows, only if a metric needs them."""
    report = study.file["report"]
    wanted = counts_lesions(report["metrics"]) or report.get("lesions") is not None
    pooled = any(pooled_from(name) for name in (study.file["objective"]["metric"], *report["metrics"]))
    return SplitRecords(
        counts=opened.counts(study.id)
        if pooled
        else opened.counts(study.id, iteration=study.marks[-1], only_false=True),
        pooled=opened.pooled(study.id, "final"),
        lesions=opened.lesions(study.id, "final") if wanted else (),
    )
