import random
from collections.abc import Iterator

import pytest

from study.design import Segment
from study.planning.planner import Planner
from study.planning.shortest_time import shortest_seconds
from study.planning.simulate import simulate
from study.planning.time_left import Speeds
from tests.study.plans import SECOND, arm
from tests.study.plans import one_arm as design


class TestLowerBound:
    def test_by_hand(self) -> None:
        """Two untuned arms with three finals of 10 and 20 s: 180 s of work, 30 s one after the other."""
        finals = design(arms=(arm(0, tuned=False), arm(1, tuned=False)))
        assert shortest_seconds(finals, SECOND, 6) == 30.0
        assert shortest_seconds(finals, SECOND, 4) == 50.0  # 45, of tens
        assert shortest_seconds(finals, SECOND, 1) == 180.0
        assert shortest_seconds(finals, Speeds({"unet": 0.25}), 4) == 45.0 / 4  # no whole seconds, nothing to round

    def test_what_can_run_only_at_the_end_leaves_slots_empty(self) -> None:
        """Three arms on ten slots, 750 s of work: in the last 30 s nine finals leave one empty, so 30 + 480 / 10."""
        three = design(arms=tuple(arm(index) for index in range(3)))
        found = simulate(three, SECOND, 10)
        assert (found.work, found.bound) == (750, 75)
        assert shortest_seconds(three, Speeds({"unet": 0.25}), 10) == 78 / 4
        assert shortest_seconds(three, SECOND, 10) == 80 <= found.seconds  # of tens

    @pytest.mark.parametrize("seed", range(4))
    def test_no_order_goes_below(self, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        draw = random.Random(seed)
        owed = Planner.owed

        def shuffled(planner: Planner) -> Iterator[Segment]:
            segments = list(owed(planner))
            draw.shuffle(segments)
            return iter(segments)

        monkeypatch.setattr(Planner, "owed", shuffled)
        for _ in range(12):
            study = design(
                arms=tuple(arm(index, tuned=draw.random() < 0.8) for index in range(draw.randint(1, 4))),
                marks=draw.choice([(10,), (10, 30), (5, 10, 30)]),
                eta=draw.choice([1, 2, 3]),
                trials_per_arm=draw.choice([6, 12]),
                cohort=draw.choice([2, 3, 6]),
                sampler=draw.choice(["tpe", "random"]),
                searches=draw.choice([1, 2]),
                folds=draw.choice([1, 2]),
                search_in=draw.choice(["first_fold", "each_fold"]),
                independent=draw.random() < 0.3,
            )
            slots = draw.randint(1, 20)
            found = simulate(study, SECOND, slots)
            assert found.bound <= shortest_seconds(study, SECOND, slots) <= found.seconds + 1e-9, (study, slots)
