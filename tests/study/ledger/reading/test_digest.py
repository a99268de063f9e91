import contextlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, Float, Table, delete, select, update

from study.ledger import Lease, Ledger
from study.ledger.database import schema
from study.ledger.reading.digest import covered, digest_in
from tests.study import small
from tests.study.databases import emptied, schema_of_its_own
from tests.study.small import MARKS, key, objective, outcome
from trainables.training.footprint import Footprint
from trainables.trial import Outcome, Point, Score

FAILED = key(0, 1)


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


def test_it_is_the_same_on_both_databases(tmp_path: Path, database: str) -> None:
    with Ledger.open(tmp_path / "ledger.db") as one, Ledger.open(database) as other:
        small.fill(other, "comes first, so that row ids differ")
        assert one.digest(small.fill(one).study_id) == other.digest(small.fill(other).study_id)


def test_it_stays_the_same_over_versions_of_the_code(ledger: Ledger) -> None:
    # It may be printed in a paper. It changes only with `digest.FORM`, or with a column that counts.
    study = small.fill(ledger).study_id
    ledger.write(lambda connection: connection.execute(delete(schema.predicted_slices)))  # they came later
    digest = ledger.digest(study)
    assert digest == "4bc5bd6f0fa6234e3aa52801e36a9e1ea40fdf5633f4fb5e64865a86a9f20cd2"


def test_another_study_does_not_matter(ledger: Ledger) -> None:
    study_id = small.fill(ledger).study_id
    before = ledger.digest(study_id)
    other = small.fill(ledger, "other").study_id
    assert ledger.digest(study_id) == before
    assert ledger.digest(other) != before  # the name counts


def in_some_order(ledger: Ledger, order: random.Random) -> Lease:
    """The steps of `small.fill`, the independent ones in another order, after a study that moves all row ids on."""
    small.fill(ledger, "before")
    cases = list(small.CASES)
    order.shuffle(cases)
    study_id = ledger.create_study("small", {**small.FILE}, small.DESIGN, cases, "d" * 64, {})
    lease = ledger.acquire(study_id)

    def insert(trial: Any) -> Callable[[], Any]:
        return lambda: ledger.insert_trials(lease, [small.plan(trial)], "tpe, optuna 5.0.0")

    def reach(trial: Any, mark: int) -> Callable[[], Any]:
        whole = outcome(mark, trial)
        scores, curve = list(whole.scores), list(whole.curve)
        order.shuffle(scores)
        order.shuffle(curve)
        shuffled = outcome(mark, trial, scores=tuple(scores), curve=tuple(curve), seconds=order.random(), host="x")
        return lambda: ledger.complete_segment(lease, trial, mark, shuffled, objective(mark, trial))

    failed = Outcome(iteration=3, curve=(Point(2, "loss", 9.0),), failed="non-finite loss at iteration 3")
    queues: list[list[Callable[[], Any]]] = []
    for trial in small.TRIALS:
        queue = [insert(trial)]
        if trial == FAILED:
            queue.append(lambda: ledger.complete_segment(lease, FAILED, 5, failed, None))
        elif trial == key(1):
            queue += [reach(trial, 5), lambda: ledger.halve(lease, [key(1)])]
        else:
            queue += [reach(trial, mark) for mark in MARKS]
        queues.append(queue)
    while queues := [queue for queue in queues if queue]:
        order.choice(queues).pop(0)()
    return lease


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_order_of_events_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, postgres: str, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("orders")
    with Ledger.open(folder / "straight.db") as ledger:
        expected = ledger.digest(small.fill(ledger).study_id)
    for where in (folder / "ledger.db", emptied(postgres)):
        with Ledger.open(where) as ledger:
            assert ledger.digest(in_some_order(ledger, random.Random(seed)).study_id) == expected


def rich(ledger: Ledger) -> int:
    """A study with rows in every table."""
    lease = small.fill(ledger)
    ledger.insert_trials(lease, [small.plan(key(2))], "tpe, optuna 5.0.0")
    ledger.start_attempt(lease, key(2), 5, 0)
    ledger.record_checkpoint(lease, key(2), 3, "three")
    ledger.add_notice(lease.study_id, "a warning")
    ledger.insert_trials(lease, [small.plan(key(3))], "tpe, optuna 5.0.0")
    ledger.lose(lease, key(3), "gone")
    ledger.reopen(lease, [key(3)])
    by_machine = small.outcome(5, key(3), machine={"gpu": "H200"})
    ledger.complete_segment(lease, key(3), 5, by_machine, small.objective(5, key(3)))
    ledger.set_view_position(lease.study_id, "http://mlflow", 3)
    return lease.study_id


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stays(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, int]]:
    """A ledger that the tests change and change back."""
    if request.param == "sqlite":
        address = str(tmp_path_factory.mktemp("stays") / "ledger.db")
    else:
        address = schema_of_its_own(request.getfixturevalue("postgres"))
    with Ledger.open(address) as ledger:
        ledger.add_footprint("unet at 32", "unet", Footprint("cpu of here", 1.0, 0.1, 1e-7, 2**31, 2**33))
        yield ledger, rich(ledger)


class Undo(Exception):  # noqa: N818  not an error
    pass


def digest_after(stays: tuple[Ledger, int], work: Callable[[Connection], Any]) -> tuple[str, str]:
    """The digest before `work` and after it, which is then taken back."""
    ledger, study_id = stays
    digests = [ledger.digest(study_id)]

    def change_and_undo(connection: Connection) -> None:
        work(connection)
        digests.append(digest_in(connection, study_id))
        raise Undo

    with contextlib.suppress(Undo):
        ledger.write(change_and_undo)
    before, after = digests
    return before, after


COLUMNS = {
    f"{column.table.name}.{column.name}": column for table in schema.metadata.sorted_tables for column in table.c
}
COUNTS = {name: column for name, column in COLUMNS.items() if column in covered(column.table)}
VIEW = {name: column for name, column in COLUMNS.items() if name not in COUNTS}


def another(connection: Connection, column: Column[Any], value: Any) -> Any:
    """A value of the column's kind, and not the same."""
    for foreign in column.foreign_keys:  # rows that are free to be pointed at
        free = {"trials": ("key", str(FAILED)), "cases": ("name", "case_1"), "arms": ("number", 1)}
        name, word = free[foreign.column.table.name]
        return connection.scalar(select(foreign.column).where(foreign.column.table.c[name] == word))
    if isinstance(value, bool):
        return not value
    if isinstance(value, dict):
        return {**value, "another": 1}
    if isinstance(value, list):
        return [*value, 11]
    if isinstance(value, bytes):
        return value + b"x"
    if isinstance(value, str):
        return value + "x"
    if value is None:
        return 0.25 if isinstance(column.type, Float) else "x"
    return value + 100


def change(connection: Connection, column: Column[Any]) -> None:
    """Change the column in one row."""
    table: Table = column.table
    row = next(
        row
        for row in connection.execute(select(table)).mappings()
        if column.foreign_keys == set() or row[column.name] != another(connection, column, row[column.name])
    )
    here = [table.c[name] == row[name] for name in table.primary_key.columns.keys()]  # noqa: SIM118  a collection
    changed = connection.execute(
        update(table).where(*here).values({column.name: another(connection, column, row[column.name])})
    )
    assert changed.rowcount == 1


@pytest.mark.parametrize("name", COUNTS)
def test_what_counts_changes_it(stays: tuple[Ledger, int], name: str) -> None:
    before, after = digest_after(stays, lambda connection: change(connection, COUNTS[name]))
    assert after != before


@pytest.mark.parametrize(
    "name", [name for name, column in VIEW.items() if not column.primary_key and not column.foreign_keys]
)
def test_what_is_for_viewing_does_not(stays: tuple[Ledger, int], name: str) -> None:
    before, after = digest_after(stays, lambda connection: change(connection, VIEW[name]))
    assert after == before


@pytest.mark.parametrize("name", ["attempts", "checkpoints", "footprints", "notices", "views"])
def test_rows_for_viewing_do_not(stays: tuple[Ledger, int], name: str) -> None:
    def remove_all(connection: Connection) -> None:
        assert connection.execute(delete(schema.metadata.tables[name])).rowcount > 0

    before, after = digest_after(stays, remove_all)
    assert after == before


TABLES = ["segments", "curves", "case_scores", "case_counts", "pooled_scores", "lesion_scores", "previews"]
TABLES += ["predicted_slices"]


@pytest.mark.parametrize("name", TABLES)
def test_a_row_more_or_less_changes_it(stays: tuple[Ledger, int], name: str) -> None:
    table = schema.metadata.tables[name]

    def remove_one(connection: Connection) -> None:
        row = connection.execute(select(table)).mappings().first()
        assert row is not None
        here = [column == row[column.name] for column in table.primary_key]
        assert connection.execute(delete(table).where(*here)).rowcount == 1

    before, after = digest_after(stays, remove_one)
    assert after != before


def test_two_cases_that_change_places_change_it(ledger: Ledger) -> None:
    lease = small.begin(ledger)
    ledger.insert_trials(lease, [small.plan(key(0))], "random")
    scores = (Score("case_2", "tumor", "dice", 0.25), Score("case_3", "tumor", "dice", 0.75))
    ledger.complete_segment(lease, key(0), 5, outcome(5, key(0), scores=scores), 0.5)
    before = ledger.digest(lease.study_id)
    row = schema.case_scores
    ledger.write(lambda connection: connection.execute(update(row).values(value=1 - row.c.value)))
    assert ledger.digest(lease.study_id) != before


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ({"dataset": {"path": "elsewhere", "labels": {"tumor": 1}}}, False),
        ({"resources": {"cpu": 8}}, False),
        ({"report": {"baseline": "unet+dice"}}, False),
        ({"dataset": {"path": "data", "labels": {"tumor": 2}}}, True),
        ({"dataset": {"path": "data", "labels": {"tumor": 1}, "report": {}}}, True),
        ({"budget": {"resources": 1}}, True),
    ],
)
def test_parts_of_the_file_that_say_where_it_ran_do_not_count(
    ledger: Ledger, file: dict[str, Any], counts: bool
) -> None:
    lease = small.fill(ledger)
    before = ledger.digest(lease.study_id)
    ledger.update_file(lease, {**small.FILE, **file}, small.DESIGN)
    assert (ledger.digest(lease.study_id) != before) == counts


def test_the_order_of_names_in_a_file_does_not_count(ledger: Ledger) -> None:
    lease = small.fill(ledger)
    before = ledger.digest(lease.study_id)
    ledger.update_file(lease, dict(reversed(small.FILE.items())), small.DESIGN)
    assert ledger.digest(lease.study_id) == before


def test_the_sign_of_zero_does_not_count_since_one_database_drops_it(ledger: Ledger) -> None:
    lease = small.begin(ledger)
    ledger.insert_trials(lease, [small.plan(key(0))], "random")
    ledger.complete_segment(lease, key(0), 5, outcome(5, key(0)), 0.0)
    before = ledger.digest(lease.study_id)
    ledger.write(lambda connection: connection.execute(update(schema.segments).values(objective=-0.0)))
    assert ledger.digest(lease.study_id) == before
