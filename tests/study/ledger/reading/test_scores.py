import dataclasses
import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from study.ledger import Lease, Ledger
from study.ledger.reading import columns
from study.ledger.rows import ScoreRow
from tests.study import small
from tests.study.small import key
from trainables.trial import Score

FINAL = key(0, stage="final")


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        small.fill(opened, "another")
        yield opened


@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    return small.fill(ledger)


class TestScores:
    def test_of_the_final_stage_by_default(self, ledger: Ledger, lease: Lease) -> None:
        rows = set(ledger.scores(lease.study_id).rows())
        assert rows == {
            ScoreRow(FINAL, mark, "tumor", metric, "case_4", "cem", value, None)
            for mark, base in ((5, 0.05), (10, 0.1))
            for metric, value in (("dice", base), ("hd95", base + 1 / 7))
        }

    @pytest.mark.parametrize(
        ("chosen", "count"),
        [
            ({"stage": "search"}, 12),
            ({"stage": None}, 16),
            ({"stage": None, "iteration": 10}, 6),
            ({"stage": None, "iteration": 7}, 0),
            ({"metrics": {"dice"}}, 2),
            ({"regions": {"tumor"}}, 4),
            ({"regions": {"kidney"}}, 0),
        ],
    )
    def test_of_some(self, ledger: Ledger, lease: Lease, chosen: dict, count: int) -> None:
        found = ledger.scores(lease.study_id, **chosen)
        assert len(found) == len(list(found.rows())) == count
        assert all(row.metric in chosen.get("metrics", {"dice", "hd95"}) for row in found.rows())
        assert all(row.iteration == chosen.get("iteration", row.iteration) for row in found.rows())

    def test_words_are_sorted_and_missing_values_told(
        self, ledger: Ledger, lease: Lease, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(columns, "BATCH", 3)
        trial = key(5, stage="final")
        ledger.insert_trials(lease, [small.plan(trial)], "random")
        scores = [Score("case_4", region, metric, 0.5) for region in "zay" for metric in ("recall", "dice")]
        scores[2] = dataclasses.replace(scores[2], value=None, note="miss")
        scores[3] = dataclasses.replace(scores[3], value=0.0, note="clean negative")
        ledger.complete_segment(lease, trial, 5, small.outcome(5, trial, scores=tuple(scores)), 0.5)
        found = ledger.scores(lease.study_id, iteration=5)
        assert (found.regions, found.metrics) == (("a", "tumor", "y", "z"), ("dice", "hd95", "recall"))
        assert found.notes == ("clean negative", "miss")
        rows = {(row.region, row.metric): (row.value, row.note) for row in found.rows() if row.trial == trial}
        assert rows == {(score.region, score.metric): (score.value, score.note) for score in scores}
        assert math.isnan(found.value[found.note == found.notes.index("miss")][0])

    def test_as_a_data_frame(self, ledger: Ledger, lease: Lease) -> None:
        found = ledger.scores(lease.study_id, stage=None)
        frame = pd.DataFrame(
            {
                "trial": pd.Categorical.from_codes(found.trial, [str(trial) for trial in found.trials]),
                "case": pd.Categorical.from_codes(found.case, [case.name for case in found.cases]),
                "metric": pd.Categorical.from_codes(found.metric, found.metrics),
                "value": found.value,
            }
        )
        assert frame[(frame.metric == "dice") & (frame.trial == str(FINAL))].value.tolist() == [0.05, 0.1]

    def test_of_a_study_without_any(self, ledger: Ledger) -> None:
        lease = small.begin(ledger, "empty")
        found = ledger.scores(lease.study_id)
        assert (len(found), found.regions, found.notes, found.trials) == (0, (), (), ())
        assert [case.name for case in found.cases] == [case.name for case in small.CASES]
        assert found.value.dtype == np.float64
