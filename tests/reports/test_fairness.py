"""Fairness figures of METHOD.md §3: result of a smaller search, detectable difference, wins and ties."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update

from reports.document import document
from reports.results.records import read
from reports.results.results import Results, results
from reports.tables.best_of_n import best_of_first, expected_best
from reports.tables.cost_tables import budget_table
from reports.tables.table import Table
from study.ledger import Ledger
from study.ledger.database import schema
from tests.reports.ledgers import MEMORY, Fake, build


def made(tmp_path: Path, fake: Fake) -> Results:
    return results(read(build(tmp_path / "ledger.db", fake), fake.name, pictures=False)[0])


def column(table: Table | None, heading: str) -> dict[str, str]:
    assert table is not None
    index = table.columns.index(heading)
    return {row.entries[0].text: row.entries[index].text for row in table.rows}


@pytest.mark.parametrize("greater", [True, False])
@pytest.mark.parametrize("values", [[0.5, 0.9, 0.7, 0.6], [0.5, None, 0.7, 0.7, 0.2], [0.4]])
def test_expected_best_is_the_mean_over_all_choices(values: list[float | None], greater: bool) -> None:
    best = max if greater else min
    for n in range(1, len(values) + 1):
        chosen = [[v for v in part if v is not None] for part in itertools.combinations(values, n)]
        expected = None if any(not part for part in chosen) else np.mean([best(part) for part in chosen])
        assert expected_best(values, n, greater=greater) == (None if expected is None else pytest.approx(expected))


def test_best_of_the_first_n_keeps_the_order() -> None:
    values = [None, 0.5, 0.9, 0.7]
    assert [best_of_first(values, n, greater=True) for n in (1, 2, 3, 4, 5)] == [None, 0.5, 0.9, 0.9, None]
    assert best_of_first(values, 4, greater=False) == 0.5


def test_best_of_n_by_arm(tmp_path: Path) -> None:
    found = made(tmp_path, Fake(trials=6, marks=(1000,), fates={"search-a01-r0-f0-n003": MEMORY}, previews=False))
    table = document(found).best_of
    assert table is not None
    assert table.columns == ("Arm", "n = 1", "n = 2", "n = 3", "n = 5", "n = 6")
    assert "validation cases only" in table.title
    values = [found.arms[0].progress.values[key][1000] for key in sorted(found.arms[0].progress.values)]
    assert column(table, "n = 1")["unet+dice"] == f"{np.mean([v for v in values if v is not None]):.3f}"
    assert column(table, "n = 6")["unet+dice"] == f"{max(v for v in values if v is not None):.3f}"
    assert column(table, "n = 1")["unet+focal"] == "–"  # the one trial may be the one that failed
    assert column(table, "n = 2")["unet+focal"] != "–"


def test_with_halving_the_order_decides(tmp_path: Path) -> None:
    table = document(made(tmp_path, Fake(trials=6, marks=(250, 1000), previews=False))).best_of
    assert table is not None
    assert table.columns == ("Arm", "n = 6")  # one cohort of six
    assert any("order matters" in note for note in table.notes)


def test_grids_of_different_size_are_compared_at_the_fewest(tmp_path: Path) -> None:
    found = made(tmp_path, Fake(trials=6, marks=(1000,), previews=False))
    trials = [trial for trial in found.records.trials if not (trial.key.arm == 2 and trial.key.number > 2)]
    object.__setattr__(found.records, "trials", trials)
    table = document(found).best_of
    assert table is not None
    assert table.notes[0] == "Arms tried different numbers of trials: compare them at n = 3."
    assert column(table, "n = 3")["unet+tversky"] != "–"
    assert column(table, "n = 6")["unet+tversky"] == "–"


def test_nothing_tuned_has_no_best_of(plain_ledger: Path) -> None:
    assert document(results(read(plain_ledger, "fake", pictures=False)[0])).best_of is None


def test_wins_ties_and_losses_by_hand(plain_ledger: Path, tmp_path: Path) -> None:
    fake = Fake(
        losses=("dice", "focal"), patients=(1,) * 8, seeds=2, trials=0, empty=0, marks=(100,), previews=False,
        equivalence=0.02, region="organ",
    )  # fmt: skip
    found = made(tmp_path, fake)
    scores = found.scores
    difference = (scores.of("unet+focal", 100, "organ", "dice") - scores.of("unet+dice", 100, "organ", "dice"))[0, 0]
    by_case = difference.mean(axis=0)
    wins, losses = int((by_case > 0.02).sum()), int((by_case < -0.02).sum())
    assert 0 < 8 - wins - losses < 8
    table = document(found).differences
    assert column(table, "wins, ties, losses")["unet+focal"] == f"{wins}, {8 - wins - losses}, {losses}"
    plain = document(results(read(plain_ledger, "fake", pictures=False)[0])).differences
    assert plain is not None
    assert "wins, ties, losses" not in plain.columns


@pytest.mark.parametrize(("half", "word"), [(0.5, "equivalent"), (0.0001, "")])
def test_equivalent_is_an_interval_inside_the_region(tmp_path: Path, half: float, word: str) -> None:
    fake = Fake(losses=("dice", "focal"), metrics=("hd95", "dice"), region="organ", equivalence=40 * half)
    table = document(made(tmp_path, fake)).differences
    assert table is not None
    assert table.rows[0].entries[-1].detail == word
    wins, ties, losses = (int(number) for number in table.rows[0].entries[-1].text.split(", "))
    assert wins + ties + losses == 18
    assert (ties == 18) == (half == 0.5)


def test_a_smaller_distance_wins(tmp_path: Path) -> None:
    fake = Fake(
        losses=("dice", "focal"), metrics=("hd95", "dice"), region="organ", equivalence=0.1,
        quality={"unet+focal": 0.95}, empty=0,
    )  # fmt: skip
    table = document(made(tmp_path, fake)).differences
    wins, _, losses = (int(number) for number in column(table, "wins, ties, losses")["unet+focal"].split(", "))
    assert wins > 12 > losses


def test_the_effect_size_in_the_table_is_that_of_the_differences_by_patient(plain_ledger: Path) -> None:
    found = results(read(plain_ledger, "fake", pictures=False)[0])
    how = found.protocol
    arm, baseline = (
        found.scores.of(name, how.last, how.region, how.metric)[0, 0, 0] for name in ("unet+focal", "unet+dice")
    )
    difference = arm - baseline  # eight patients of one case, one seed
    expected = (1 - 3 / 27) * difference.mean() / difference.std(ddof=1)
    table = document(found).differences
    assert table is not None
    shown = table.rows[0].entries[table.columns.index("effect size")].text
    assert shown == f"{expected:+.2f}".replace("-", "−")


def test_hours_on_a_gpu_count_with_their_share(tmp_path: Path) -> None:
    path = build(
        tmp_path / "ledger.db", Fake(losses=("dice", "focal"), previews=False, patients=(1, 1), trials=0, seeds=2)
    )
    with Ledger.open(path) as ledger:
        wanted = select(schema.trials.c.id).where(schema.trials.c.key == "final-a01-r0-f0-n001")
        row = schema.segments
        ledger.write(lambda c: c.execute(update(row).where(row.c.trial_id.in_(wanted)).values(device="NVIDIA H200")))
        study = ledger.study("fake")
        for gpu, hours, note in (("auto", 0.269, "whatever share"), (0.25, 0.0674, "the share of 0.25")):
            file = study.file | {"resources": study.file["resources"] | {"gpu": gpu}}
            ledger.write(lambda c, f=file: c.execute(update(schema.studies).values(file=f)))
            found = results(read(path, "fake", pictures=False)[0])
            assert found.arms[0].progress.gpu_hours == 0
            assert found.arms[1].progress.gpu_hours == pytest.approx(hours, abs=1e-3)  # 970 s
            table = budget_table(found)
            assert table.columns[-1] == "GPU h"
            assert [row.entries[-1].text for row in table.rows] == ["0.00", f"{hours:.2f}"]
            assert note in table.notes[1]
    calm = build(tmp_path / "calm.db", Fake(losses=("dice",), previews=False, patients=(1, 1), trials=0))
    assert budget_table(results(read(calm, "fake", pictures=False)[0])).columns[-1] == "final h"
