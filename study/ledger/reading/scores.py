"""Reads of case scores by columns, for reports; millions of them take seconds."""

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, select

from study.design import Stage, TrialKey
from study.ledger.database import schema
from study.ledger.database.find import case_of, key_of
from study.ledger.database.json import shown
from study.ledger.database.store import Store, patient
from study.ledger.reading.columns import grouped
from study.ledger.rows import Case, Scores


@patient
def scores(
    store: Store,
    study_id: int,
    stage: Stage | None = "final",
    iteration: int | None = None,
    regions: Collection[str] | None = None,
    metrics: Collection[str] | None = None,
) -> Scores:
    """Return case scores by columns, by trial, mark, region and metric.

    Args:
        store: The ledger.
        study_id: Which study.
        stage: `final` (test cases), `search` (validation cases), or None for both.
        iteration: Only this mark.
        regions: Only these.
        metrics: Only these.
    """
    row = schema.case_scores
    where: list[ColumnElement[bool]] = [] if iteration is None else [row.c.iteration == iteration]
    for column, wanted in ((row.c.region, regions), (row.c.metric, metrics)):
        if wanted is not None:
            where.append(column.in_(sorted(wanted)))
    with store.reading() as connection:
        trials, cases = known_trials(connection, study_id, stage), known_cases(connection, study_id)
        of_trial = {id_: index for index, (_, id_) in enumerate(trials)}
        words: tuple[dict[str, int], ...] = ({}, {}, {})  # regions, metrics, notes
        parts: list[tuple[NDArray[np.int32] | NDArray[np.float64], ...]] = []
        columns = (row.c.case_id, row.c.value, row.c.note)
        for groups, sizes, (ids, values, notes) in grouped(connection, row, list(of_trial), columns, where):
            trial_ids, marks, in_region, by_metric = zip(*groups, strict=True)
            shared = (
                np.array([of_trial[id_] for id_ in trial_ids], np.int32),
                np.array(marks, np.int32),
                coded(in_region, words[0]),
                coded(by_metric, words[1]),
            )
            own = (positions(ids, [id_ for _, id_ in cases]), np.array(values, np.float64), coded(notes, words[2]))
            parts.append((*(np.repeat(part, sizes) for part in shared), *own))
    kinds = (np.int32, np.int32, np.int32, np.int32, np.int32, np.float64, np.int32)
    trial, mark, region, metric, case, value, note = (
        np.concatenate([part[index] for part in parts]) if parts else np.empty(0, kind)
        for index, kind in enumerate(kinds)
    )
    (region, region_words), (metric, metric_words), (note, note_words) = (
        by_word(column, known) for column, known in zip((region, metric, note), words, strict=True)
    )
    return Scores(
        trials=tuple(key for key, _ in trials),
        cases=tuple(found for found, _ in cases),
        regions=region_words,
        metrics=metric_words,
        notes=note_words,
        trial=trial,
        iteration=mark,
        region=region,
        metric=metric,
        case=case,
        value=value,
        note=note,
    )


def known_trials(connection: Connection, study_id: int, stage: Stage | None) -> list[tuple[TrialKey, int]]:
    """Return the keys of a study's trials with their row ids, sorted."""
    row = schema.trials
    ours = row.c.study_id == study_id
    keys = connection.execute(
        select(row.c.key, row.c.id).where(ours if stage is None else ours & (row.c.stage == stage))
    )
    return sorted((key_of(key), id_) for key, id_ in keys)


def known_cases(connection: Connection, study_id: int) -> list[tuple[Case, int]]:
    """Return a study's cases with their row ids, by name."""
    row = schema.cases
    query = select(row.c.name, row.c.group_name, row.c.splits, row.c.facts, row.c.id).where(row.c.study_id == study_id)
    found = [(case_of(*row), id_) for *row, id_ in connection.execute(query)]
    return sorted(found, key=lambda pair: pair[0].name)


def positions(ids: Iterable[int], known: list[int]) -> NDArray[np.int32]:
    """Return the position of each row id in a list of row ids."""
    asked = np.array(ids, np.int64)
    if not known:
        return asked.astype(np.int32)
    order = np.argsort(known)
    return order[np.searchsorted(np.asarray(known)[order], asked)].astype(np.int32)


def coded(words: Collection[str | None], known: dict[str, int]) -> NDArray[np.int32]:
    """Return a column of strings as numbers, which grow with each new string; None as -1."""
    here = set(words) - {None}
    for word in sorted(here - known.keys(), key=str):
        known[str(word)] = len(known)
    if not here:
        return np.full(len(words), -1, np.int32)
    return np.array([-1 if word is None else known[word] for word in words], np.int32)


def by_word(column: NDArray[np.int32], known: dict[str, int]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return numbers in the order of their strings, and those strings."""
    ranks = {word: rank for rank, word in enumerate(sorted(known))}
    renumber = np.full(len(known) + 1, -1, np.int32)  # the last for -1
    for word, code in known.items():
        renumber[code] = ranks[word]
    return renumber[column], tuple(map(shown, ranks))
