"""All that a report reads from the ledger, in one place. Nothing else in this folder opens a database."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reports.results.split_scores import SplitRecords
from search_spaces.metrics import counts_lesions, pooled_from
from study.design import TrialKey
from study.ledger import Ledger
from study.ledger.rows import ArmRow, AttemptRow, Case, Curve, Notice, Scores, SegmentRow, StudyRow, TrialRow
from trainables.pictures.kept import Preview, Stack


@dataclasses.dataclass(frozen=True, eq=False)
class Records:
    """One study as the ledger has it.

    Attributes:
        study: The study.
        arms: By number.
        cases: By name, of any split.
        trials: By key, of both stages.
        segments: By trial and mark.
        attempts: Every segment handed to a worker.
        scores: Case scores of the final stage.
        notices: Oldest first.
        split: What metrics of a whole split are made of.
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
    """What only the pages with pictures need.

    Attributes:
        curves: Training loss of the final stage.
        previews: A slice of each case that an arm kept, by its first trial that kept it; by trial and case.
        slices: Reads more slices of some trials and cases: (trial, case) → slices, where there are any.
    """

    curves: Sequence[Curve]
    previews: Sequence[tuple[TrialKey, Preview]]
    slices: Callable[[Sequence[TrialKey], Sequence[str]], Mapping[tuple[TrialKey, str], Stack]] = lambda _, __: {}


def read(ledger: str | Path, name: str, *, pictures: bool) -> tuple[Records, Pictures]:
    """Reads a study. What depends on trials is read before them: a study that runs meanwhile only ever adds.

    Args:
        ledger: Path or URL.
        name: The study's name.
        pictures: Whether curves and previews are wanted; they are empty otherwise.

    Raises:
        InputError: There is no such ledger or study.
    """
    with Ledger.open(ledger, read_only=True) as opened:
        study = opened.study(name)
        drawn = Pictures(
            curves=opened.curves(study.id, "final", {"loss"}) if pictures else (),
            previews=_previews(opened, study.id) if pictures else (),
            slices=functools.partial(_slices, ledger, study.id),
        )
        scores, split = opened.scores(study.id, "final"), _split(opened, study)
        attempts, segments = opened.attempts(study.id), opened.segments(study.id)
        trials, notices = opened.trials(study.id), opened.notices(study.id)
        return (
            Records(
                study=study,
                arms=opened.arms(study.id),
                cases=opened.cases(study.id),
                trials=trials,
                segments=segments,
                attempts=attempts,
                scores=scores,
                notices=notices,
                split=split,
            ),
            drawn,
        )


def _previews(opened: Ledger, study: int) -> list[tuple[TrialKey, Preview]]:
    """Of each arm and case the first: thousands of trainings keep hundreds of KB each."""
    first: dict[tuple[int, str], TrialKey] = {}
    for key, case in opened.kept_previews(study):
        first.setdefault((key.arm, case), key)
    found = opened.previews(study, sorted(set(first.values())))
    return [(key, preview) for key, preview in found if first[key.arm, preview.case] == key]


def _slices(
    ledger: str | Path, study: int, trials: Sequence[TrialKey], cases: Sequence[str]
) -> dict[tuple[TrialKey, str], Stack]:
    with Ledger.open(ledger, read_only=True) as opened:
        return opened.sliced(study, trials, cases)


def _split(opened: Ledger, study: StudyRow) -> SplitRecords:
    """Lesion records and all voxel counts are read where something is made of them only: they can be millions."""
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
