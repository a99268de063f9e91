"""Reads of voxel counts by case, scores pooled over cases, and lesions."""

import dataclasses
import struct
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Table, select

from study.design import Stage, TrialKey
from study.errors import LedgerDamagedError
from study.ledger.database import schema
from study.ledger.database.find import key_of
from study.ledger.database.json import shown
from study.ledger.database.store import Store, patient
from study.ledger.reading.columns import grouped
from study.ledger.reading.scores import by_word, coded, known_cases, known_trials, positions
from study.ledger.rows import Case
from trainables.lesion_records import Lesions


@dataclasses.dataclass(frozen=True, eq=False)
class VoxelCounts:
    """Voxel counts by columns, as in `rows.Scores`: row i is of `trials[trial[i]]`, and so on.

    Attributes:
        trials: Names that `trial` indexes, sorted.
        cases: Cases that `case` indexes, in the order of names.
        regions: Names that `region` indexes, sorted.
        trial: `(R,)` int32.
        iteration: `(R,)` int32, the mark itself.
        region: `(R,)` int32.
        case: `(R,)` int32.
        voxels: `(R, 4)` int64: tp, fp, fn, tn.
    """

    trials: tuple[TrialKey, ...]
    cases: tuple[Case, ...]
    regions: tuple[str, ...]
    trial: NDArray[np.int32]
    iteration: NDArray[np.int32]
    region: NDArray[np.int32]
    case: NDArray[np.int32]
    voxels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.voxels)


@dataclasses.dataclass(frozen=True, slots=True)
class PooledRow:
    """One metric of one region at one mark of one trial, over all cases together; None where none has the region."""

    trial: TrialKey
    iteration: int
    region: str
    metric: str
    value: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class LesionRow:
    """The lesions of one region of one case at one mark of one trial."""

    trial: TrialKey
    iteration: int
    lesions: Lesions


@patient
def counts(
    store: Store,
    study_id: int,
    stage: Stage | None = "final",
    iteration: int | None = None,
    *,
    only_false: bool = False,
) -> VoxelCounts:
    """Return voxel counts by trial, mark and region. Trials that an older version scored have none.

    Args:
        store: The ledger.
        study_id: Which study.
        stage: `final` (test cases), `search` (validation cases), or None for both.
        iteration: Only this mark.
        only_false: Only where something was found of a region that is not there: a few of millions.
    """
    row = schema.case_counts
    where: list[ColumnElement[bool]] = [] if iteration is None else [row.c.iteration == iteration]
    if only_false:
        where += [row.c.tp == 0, row.c.fn == 0, row.c.fp > 0]
    with store.reading() as connection:
        trials, cases = known_trials(connection, study_id, stage), known_cases(connection, study_id)
        of_trial = {id_: index for index, (_, id_) in enumerate(trials)}
        words: dict[str, int] = {}
        parts = []
        columns = (row.c.case_id, row.c.tp, row.c.fp, row.c.fn, row.c.tn)
        for groups, sizes, (ids, *voxels) in grouped(connection, row, list(of_trial), columns, where):
            trial_ids, marks, in_region = zip(*groups, strict=True)
            shared = np.stack(
                [np.array([of_trial[id_] for id_ in trial_ids]), np.array(marks), coded(in_region, words)], axis=1
            )
            own = np.stack([positions(ids, [id_ for _, id_ in cases]), *(np.array(part) for part in voxels)], axis=1)
            parts.append(np.hstack([np.repeat(shared, sizes, axis=0), own]).astype(np.int64))
    table = np.concatenate(parts) if parts else np.empty((0, 8), np.int64)
    region, regions = by_word(table[:, 2].astype(np.int32), words)
    return VoxelCounts(
        trials=tuple(key for key, _ in trials),
        cases=tuple(found for found, _ in cases),
        regions=regions,
        trial=table[:, 0].astype(np.int32),
        iteration=table[:, 1].astype(np.int32),
        region=region,
        case=table[:, 3].astype(np.int32),
        voxels=table[:, 4:],
    )


@patient
def pooled(store: Store, study_id: int, stage: Stage | None = "final") -> list[PooledRow]:
    """Return scores over all cases of a trial together, by trial, mark, region and metric."""
    row, trial = schema.pooled_scores, schema.trials
    query = select(trial.c.key, row.c.iteration, row.c.region, row.c.metric, row.c.value).join_from(row, trial)
    with store.reading() as connection:
        found = connection.execute(query.where(_of(row, study_id, stage, None)))
        rows = [
            PooledRow(key_of(key), mark, shown(region), shown(metric), value)
            for key, mark, region, metric, value in found
        ]
    return sorted(rows, key=lambda each: (each.trial, each.iteration, each.region, each.metric))


@patient
def lesions(
    store: Store,
    study_id: int,
    stage: Stage | None = "final",
    iteration: int | None = None,
    regions: Collection[str] | None = None,
) -> list[LesionRow]:
    """Return lesions with all their records, by trial, mark, region and case.

    Args:
        store: The ledger.
        study_id: Which study.
        stage: `final`, `search`, or None for both.
        iteration: Only this mark.
        regions: Only these.
    """
    row, trial, case = schema.lesion_scores, schema.trials, schema.cases
    query = select(trial.c.key, row.c.iteration, case.c.name, row.c.region, row.c.records).join_from(row, trial)
    query = query.join(case, row.c.case_id == case.c.id).where(_of(row, study_id, stage, iteration))
    if regions is not None:
        query = query.where(row.c.region.in_(sorted(regions)))
    with store.reading() as connection:
        rows = [
            LesionRow(key_of(key), mark, _unpacked(shown(name), shown(region), records))
            for key, mark, name, region, records in connection.execute(query)
        ]
    return sorted(rows, key=lambda each: (each.trial, each.iteration, each.lesions.region, each.lesions.case))


def _unpacked(case: str, region: str, records: bytes) -> Lesions:
    try:
        return Lesions.unpack(case, region, records)
    except (struct.error, ValueError, IndexError, OverflowError, MemoryError) as error:
        raise LedgerDamagedError(f"the lesions of {case!r}, {region}, cannot be read ({error})") from error


def _study(study_id: int, stage: Stage | None) -> ColumnElement[bool]:
    ours = schema.trials.c.study_id == study_id
    return ours if stage is None else ours & (schema.trials.c.stage == stage)


def _of(table: Table, study_id: int, stage: Stage | None, iteration: int | None) -> ColumnElement[bool]:
    ours = _study(study_id, stage)
    return ours if iteration is None else ours & (table.c.iteration == iteration)
