"""Properties of the tables on which the digest and the migrations rely."""

from sqlalchemy import Float, LargeBinary

from study.ledger.database import schema
from study.ledger.reading.digest import covered


def test_every_row_belongs_to_a_study_but_measurements_of_machines() -> None:
    owned = {table.name for table in schema.metadata.tables.values() if {"study_id", "trial_id"} & set(table.c.keys())}
    assert {table.name for table in schema.metadata.tables.values()} - owned == {"studies", "footprints"}


def test_times_and_places_are_left_out_of_the_digest() -> None:
    names = {f"{table.name}.{column.name}" for table in schema.metadata.tables.values() for column in covered(table)}
    assert {"segments.objective", "segments.weights", "trials.status", "case_scores.value"} <= names
    words = ("created", "ended", "started", "host", "device", "seconds", "folder", "checkpoint", "attempts", "expires")
    assert [name for name in names if name.split(".")[1] in words] == []


def test_floats_are_doubles_and_bytes_are_bytes_on_both_databases() -> None:
    kinds = [column.type for table in schema.metadata.tables.values() for column in table.columns]
    assert all(kind.precision is None for kind in kinds if isinstance(kind, Float))
    assert not any(kind.length for kind in kinds if isinstance(kind, LargeBinary))


def test_every_foreign_key_and_constraint_has_a_name_for_migrations() -> None:
    for table in schema.metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints), table.name
