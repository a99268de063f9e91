"""Slices of the gallery's cases: images and references once a study, predictions by trial."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from study.design import TrialKey
from study.ledger.database import schema
from study.ledger.database.find import chunks, key_of
from study.ledger.database.json import shown
from study.ledger.database.pictures import planes_of
from study.ledger.database.store import Store, patient
from trainables.pictures.kept import Preview, Stack


def slice_rows(
    connection: Connection,
    study_id: int,
    trial_id: int,
    previews: Sequence[Preview],
    cases: Mapping[str, tuple[int, tuple[str, ...]]],
) -> dict[Table, list[dict[str, Any]]]:
    """Return the rows of the slices that previews bring; images only where no other trial brought them.

    Args:
        connection: The transaction's.
        study_id: Which study.
        trial_id: The trial's row.
        previews: As reported.
        cases: Case name → (row id, its split in each fold).
    """
    stacks = {cases[shown.case][0]: shown.stack for shown in previews if shown.stack is not None}
    if not stacks:
        return {}
    row = schema.case_slices
    there = set(connection.scalars(select(row.c.case_id).where(row.c.study_id == study_id)))
    images = [
        {
            "case_id": case_id,
            "study_id": study_id,
            "slices": list(stack.slices),
            "height": stack.shape[0],
            "width": stack.shape[1],
            "image": stack.image,
            "reference": stack.reference,
        }
        for case_id, stack in stacks.items()
        if case_id not in there
    ]
    predictions = [
        {"trial_id": trial_id, "case_id": case_id, "prediction": stack.prediction} for case_id, stack in stacks.items()
    ]
    return {row: images, schema.predicted_slices: predictions}


@patient
def sliced(
    store: Store, study_id: int, trials: Iterable[TrialKey], cases: Iterable[str]
) -> dict[tuple[TrialKey, str], Stack]:
    """Return (trial, case) → its slices, of some trials and cases; those without slices are left out."""
    row, image, trial, case = schema.predicted_slices, schema.case_slices, schema.trials, schema.cases
    names = sorted(set(cases))
    query = (
        select(trial.c.key, case.c.name, image.c.slices, image.c.height, image.c.width)
        .add_columns(image.c.image, image.c.reference, row.c.prediction)
        .join_from(row, trial)
        .join(case, row.c.case_id == case.c.id)
        .join(image, image.c.case_id == row.c.case_id)
        .where(trial.c.study_id == study_id, case.c.name.in_(names))
    )
    found = {}
    with store.reading() as connection:
        for some in chunks(sorted(map(str, trials)), 400):
            for key, name, slices, height, width, *planes in connection.execute(query.where(trial.c.key.in_(some))):
                count = len(slices) if isinstance(slices, list) else 0
                pictures = planes_of(count, height, width, planes, shown(name))
                found[key_of(key), shown(name)] = Stack(tuple(slices), *pictures)
    return found
