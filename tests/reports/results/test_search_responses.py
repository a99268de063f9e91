"""The trials that importance is asked of, its table, and the figures of the searches."""

from pathlib import Path

import numpy as np
import pytest

from reports.document import document
from reports.figures.files import figures
from reports.figures.search_plots import LEAST_FOR_LINES, log_ticks, over, pages
from reports.results.records import Pictures, read
from reports.results.results import Results, results
from reports.results.search_responses import Response, responses
from reports.statistics.parameter_importance import parts
from tests.reports.ledgers import MEMORY, Fake, build


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Results:
    fake = Fake(
        losses=("dice", "focal"), trials=12, marks=(100,), previews=False, patients=(1, 1, 1), seeds=1,
        tuned={"weight_decay": {"low": 1e-5, "high": 1e-3, "log": True}}, fates={"search-a01-r0-f0-n004": MEMORY},
    )  # fmt: skip
    path = build(tmp_path_factory.mktemp("tuned") / "ledger.db", fake)
    return results(read(path, "fake", pictures=False)[0])


def test_trials_answer_by_arm(tuned: Results) -> None:
    dice, focal = responses(tuned)
    assert (len(dice.values), len(focal.values), dice.mark) == (12, 11, 100)
    assert sorted(dice.columns) == ["training.learning_rate", "training.weight_decay"]
    assert dice.log == frozenset(dice.columns)
    trial = next(row for row in tuned.records.trials if row.key == focal.trials[4])
    assert trial.key.number == 5  # the fourth ran out of memory
    assert focal.columns["training.weight_decay"][4] == trial.parameters["training.weight_decay"]
    assert focal.values[4] == tuned.arms[1].progress.values[trial.key][100]
    shares = [share for share in dice.importance.values() if share is not None]
    assert len(shares) == 2
    assert shares == sorted(shares, reverse=True)


def test_with_halving_the_mark_that_all_reached_answers(full_ledger: Path) -> None:
    found = responses(results(read(full_ledger, "fake", pictures=False)[0]))
    assert {response.mark for response in found} == {250}
    assert len(found) == 5  # the sixth arm's trials all diverged
    assert len(found[0].values) == 6


def test_the_table_names_the_best_part(tuned: Results) -> None:
    table = document(tuned).importance
    assert table is not None
    assert len(table.rows) == 4
    for response in responses(tuned):
        for name, share in response.importance.items():
            (row,) = [
                [entry.text for entry in row.entries]
                for row in table.rows
                if [entry.text for entry in row.entries[:2]] == [response.arm.row.name, name]
            ]
            assert row[2:4] == [str(len(response.values)), f"{share:.2f}"]
            which = parts(response.columns[name])
            best = max(range(3), key=lambda part: float(np.median(response.values[which == part])))
            inside = sorted(
                float(str(value)) for value, part in zip(response.columns[name], which, strict=True) if part == best
            )
            assert row[4] == f"{inside[0]:.3g} to {inside[-1]:.3g}"


def test_figures_of_the_searches(tuned: Results) -> None:
    made = dict(figures(tuned, Pictures((), ())))
    slices = [(axes.get_title(), axes.get_xlabel()) for axes in made["response"].axes]
    assert slices == [(found.arm.row.name, name) for found in responses(tuned) for name in found.importance]
    assert {axes.get_xscale() for axes in made["response"].axes} == {"log"}
    assert [axes.get_title() for axes in made["response-surface"].axes if axes.get_title()] == [
        "unet+dice",
        "unet+focal",
    ]


def test_many_panels_go_to_several_figures(tuned: Results) -> None:
    assert [len(some) for some in pages(range(32))] == [15, 15, 2]


def test_a_surface_has_lines_where_trials_span_a_plane(tuned: Results) -> None:
    from matplotlib.figure import Figure

    response = responses(tuned)[0]

    def lines(changed: Response) -> int:
        axes = Figure().add_subplot()
        over(axes, changed, "training.learning_rate", "training.weight_decay")
        return len(axes.collections)

    assert len(response.values) >= LEAST_FOR_LINES
    assert lines(response) == 2  # points, and lines of equal value
    rate = response.columns["training.learning_rate"]
    in_line = {"training.learning_rate": rate, "training.weight_decay": rate}
    assert lines(Response(response.arm, 100, response.trials, in_line, response.values, response.log)) == 1


def test_ticks_of_a_logarithmic_axis_are_few_and_round() -> None:
    assert log_ticks(1.4e-4, 9e-4) == [2e-4, 5e-4]
    assert log_ticks(1e-5, 1e-3) == [1e-5, 1e-4, 1e-3]
    assert log_ticks(0.5, 8.0) == [1.0, 3.0]
    assert len(log_ticks(1e-9, 1.0)) <= 3
    assert log_ticks(2.1, 2.9) == [2.1, 2.9]
