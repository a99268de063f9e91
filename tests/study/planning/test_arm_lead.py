from study.planning.arm_lead import best_lead
from study.planning.simulate import simulate
from study.planning.time_left import Speeds
from tests.study.plans import SECOND, arm
from tests.study.plans import one_arm as design


class TestLead:
    """Small studies let their first arms go ahead where that ends them sooner."""

    FOUR = design(arms=tuple(arm(index, tuned=False) for index in range(4)), marks=(10, 30), final_seeds=3)

    def test_it_is_chosen_by_trying(self) -> None:
        many = design(arms=tuple(arm(index) for index in range(12)), trials_per_arm=18, cohort=6, marks=(10, 20, 60))
        lead = best_lead(many, SECOND, 32)
        assert lead > 0
        assert simulate(many, SECOND, 32, lead=lead).seconds < simulate(many, SECOND, 32).seconds

    def test_without_a_gain_or_with_many_trials_there_is_none(self) -> None:
        assert best_lead(self.FOUR, SECOND, 12) == 0.0
        assert best_lead(design(), SECOND, 3) == 0.0
        huge = design(arms=tuple(arm(index) for index in range(60)))
        assert best_lead(huge, SECOND, 32) == 0.0

    def test_unknown_speeds_count_as_equal(self) -> None:
        assert best_lead(self.FOUR, Speeds({}), 5) == best_lead(self.FOUR, SECOND, 5)
