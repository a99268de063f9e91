"""Reading what was measured beside the scores: voxel counts by case, scores pooled over cases, lesions."""

import dataclasses
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Table, select

from study.design import Stage, TrialKey
from study.ledger import schema
from study.ledger.rows import Case
from study.ledger.store import Store
from trainables.lesion_records import Lesions

BATCH = 50_000  # rows fetched at a time


@dataclasses.dataclass(frozen=True, eq=False)
class VoxelCounts:
    """Voxel counts by columns, for many rows; row i is about `trials[trial[i]]`, and so on, as in `rows.Scores`.

    Attributes:
        trials: What `trial` points into, sorted.
        cases: What `case` points into, in the order of names.
        regions: What `region` points into, sorted.
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


def counts(store: Store, study_id: int, stage: Stage | None = "final", iteration: int | None = None) -> VoxelCounts:
    """Voxel counts, unordered. Trials that an older version scored have none.

    Args:
        store: The ledger.
        study_id: Which study.
        stage: Of the final stage (test cases) by default; `search` (validation cases), or None for both.
        iteration: At one mark only.
    """
    row, trial, case = schema.case_counts, schema.trials, schema.cases
    numbers = (row.c.trial_id, row.c.iteration, row.c.case_id, row.c.tp, row.c.fp, row.c.fn, row.c.tn)
    query = select(*numbers, row.c.region).join_from(row, trial).where(_of(row, study_id, stage, iteration))
    with store.reading() as connection:
        keys = connection.execute(select(trial.c.key, trial.c.id).where(_study(study_id, stage)))
        known_trials = sorted((TrialKey.parse(key), id_) for key, id_ in keys)
        listed = connection.execute(
            select(case.c.name, case.c.id, case.c.group_name, case.c.splits, case.c.facts).where(
                case.c.study_id == study_id
            )
        )
        known_cases = sorted(listed, key=lambda found: found.name)
        values, words = [np.empty((0, len(numbers)), np.int64)], []
        cursor = connection.execution_options(stream_results=True).execute(query)
        while batch := cursor.fetchmany(BATCH):
            values.append(np.array([tuple(found)[:-1] for found in batch], np.int64))
            words += [found.region for found in batch]
    table, regions = np.concatenate(values), tuple(sorted(set(words)))
    return VoxelCounts(
        trials=tuple(key for key, _ in known_trials),
        cases=tuple(Case(found.name, found.group_name, tuple(found.splits), found.facts) for found in known_cases),
        regions=regions,
        trial=_positions(table[:, 0], [id_ for _, id_ in known_trials]),
        iteration=table[:, 1].astype(np.int32),
        region=np.array([regions.index(word) for word in words], np.int32),
        case=_positions(table[:, 2], [found.id for found in known_cases]),
        voxels=table[:, 3:],
    )


def pooled(store: Store, study_id: int, stage: Stage | None = "final") -> list[PooledRow]:
    """Scores over all cases of a trial together, by trial, mark, region and metric."""
    row, trial = schema.pooled_scores, schema.trials
    query = select(trial.c.key, row.c.iteration, row.c.region, row.c.metric, row.c.value).join_from(row, trial)
    with store.reading() as connection:
        found = connection.execute(query.where(_of(row, study_id, stage, None)))
        rows = [PooledRow(TrialKey.parse(key), *rest) for key, *rest in found]
    return sorted(rows, key=lambda each: (each.trial, each.iteration, each.region, each.metric))


def lesions(
    store: Store,
    study_id: int,
    stage: Stage | None = "final",
    iteration: int | None = None,
    regions: Collection[str] | None = None,
) -> list[LesionRow]:
    """Lesions with all their records, by trial, mark, region and case.

    Args:
        store: The ledger.
        study_id: Which study.
        stage: Of the final stage by default, or None for both.
        iteration: At one mark only.
        regions: Of these only.
    """
    row, trial, case = schema.lesion_scores, schema.trials, schema.cases
    query = select(trial.c.key, row.c.iteration, case.c.name, row.c.region, row.c.records).join_from(row, trial)
    query = query.join(case, row.c.case_id == case.c.id).where(_of(row, study_id, stage, iteration))
    if regions is not None:
        query = query.where(row.c.region.in_(sorted(regions)))
    with store.reading() as connection:
        rows = [
            LesionRow(TrialKey.parse(key), mark, Lesions.unpack(name, region, records))
            for key, mark, name, region, records in connection.execute(query)
        ]
    return sorted(rows, key=lambda each: (each.trial, each.iteration, each.lesions.region, each.lesions.case))


def _study(study_id: int, stage: Stage | None) -> ColumnElement[bool]:
    ours = schema.trials.c.study_id == study_id
    return ours if stage is None else ours & (schema.trials.c.stage == stage)


def _of(table: Table, study_id: int, stage: Stage | None, iteration: int | None) -> ColumnElement[bool]:
    ours = _study(study_id, stage)
    return ours if iteration is None else ours & (table.c.iteration == iteration)


def _positions(ids: NDArray[np.int64], known: list[int]) -> NDArray[np.int32]:
    """Where each row id is in a list of them."""
    order = np.argsort(known)
    return order[np.searchsorted(np.asarray(known)[order], ids)].astype(np.int32) if known else ids.astype(np.int32)
