import dataclasses
import math
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.grammar import Scalar
from study.design import KnownTrial, PlannedTrial
from study.ledger import Lease, Ledger
from tests.study import small
from tests.study.databases import emptied
from tests.study.small import key


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    return small.begin(ledger)


def statuses(ledger: Ledger, lease: Lease) -> dict[str, str]:
    return {str(trial.plan.key): trial.status for trial in ledger.known(lease.study_id)}


def test_a_trial_comes_back_as_it_was_planned(ledger: Ledger, lease: Lease) -> None:
    parameters: dict[str, Scalar] = {"z": 1e-5 / 3, "a": None, "m": True, "n": 3, "f": 3.0, "t": "é", "big": 2**70}
    plan = PlannedTrial(key(1, stage="final"), 0, 2**63 - 1, parameters, source=key(4))
    ledger.insert_trials(lease, [small.plan(key(0)), plan], "tpe, optuna 5.0.0", now=9.0)
    final, search = ledger.known(lease.study_id)
    assert final == KnownTrial(plan)
    assert [type(value) for value in final.plan.parameters.values()] == [type(value) for value in parameters.values()]
    assert list(final.plan.parameters) == list(parameters)
    assert search.plan == small.plan(key(0))
    row = ledger.trials(lease.study_id)[0]
    assert (row.key, row.arm, row.source, row.sampled_by) == (plan.key, "unet+loss0", key(4), "tpe, optuna 5.0.0")
    assert (row.created, row.ended, row.status, row.reason) == (9.0, None, "open", None)


def test_known_trials_carry_their_objectives_in_the_order_of_keys(ledger: Ledger) -> None:
    lease = small.fill(ledger, "other")
    known = ledger.known(lease.study_id)
    assert [trial.plan.key for trial in known] == sorted(small.TRIALS)
    assert {str(trial.plan.key): (trial.status, trial.values) for trial in known} == {
        "final-a00-r0-f0-n000": ("finished", {5: 0.05, 10: 0.1}),
        "search-a00-r0-f0-n000": ("finished", {5: 0.05, 10: 0.1}),
        "search-a00-r0-f0-n001": ("halved", {5: small.objective(5, key(1))}),
        "search-a01-r0-f0-n000": ("failed", {}),
    }


def test_another_studys_trials_are_not_known(ledger: Ledger) -> None:
    small.fill(ledger, "one")
    lease = small.begin(ledger, "two")
    ledger.insert_trials(lease, [small.plan(key(3))], "random")
    assert [trial.plan.key for trial in ledger.known(lease.study_id)] == [key(3)]
    assert len(ledger.trials(lease.study_id)) == 1
    assert ledger.speeds(lease.study_id) == {}


class TestWhole:
    """A decision of the planner is carried out whole or not at all."""

    @pytest.fixture
    def before(self, ledger: Ledger, lease: Lease) -> dict[str, str]:
        ledger.insert_trials(lease, [small.plan(key(0)), small.plan(key(1))], "random")
        return statuses(ledger, lease)

    def test_new_trials_and_halved_ones(self, ledger: Ledger, lease: Lease, before: dict[str, str]) -> None:
        small.complete(ledger, lease, [(key(0), 5)])
        folders = ledger.insert_trials(lease, [small.plan(key(2))], "random", halved=[key(0)], now=11.0)
        assert folders == (f"{key(0)}/5",)
        assert statuses(ledger, lease) == {str(key(0)): "halved", str(key(1)): "open", str(key(2)): "open"}
        assert ledger.trials(lease.study_id)[0].ended == 11.0

    @pytest.mark.parametrize(
        ("trials", "halved", "message"),
        [
            ([key(2), key(1)], [], "trial search-a00-r0-f0-n001 exists already"),
            ([key(2), key(2)], [], "(?i)unique"),
            ([key(2), key(0, 9)], [], "trial search-a09-r0-f0-n000: the study has 2 arms"),
            ([key(2)], [key(7)], "there is no trial search-a00-r0-f0-n007"),
        ],
    )
    def test_nothing_half_done(
        self, ledger: Ledger, lease: Lease, before: dict[str, str], trials: list, halved: list, message: str
    ) -> None:
        with pytest.raises(Exception, match=message):
            ledger.insert_trials(lease, [small.plan(trial) for trial in trials], "random", halved=[key(0), *halved])
        assert statuses(ledger, lease) == before

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_numbers_that_json_has_no_word_for(
        self, ledger: Ledger, lease: Lease, before: dict[str, str], value: float
    ) -> None:
        with pytest.raises(Exception, match="JSON"):
            ledger.insert_trials(lease, [small.plan(key(2)), small.plan(key(3), x=value)], "random")
        assert statuses(ledger, lease) == before

    def test_more_trials_than_one_statement_takes(self, ledger: Ledger, lease: Lease) -> None:
        plans = [small.plan(key(number)) for number in range(1500)]
        ledger.insert_trials(lease, plans, "random")
        assert len(ledger.known(lease.study_id)) == 1500
        with pytest.raises(ValueError, match="n1499 exists already"):
            ledger.insert_trials(lease, [small.plan(key(n)) for n in (*range(1500, 2000), 1499)], "random")


class TestEnds:
    """A trial ends once."""

    @pytest.fixture
    def open_trial(self, ledger: Ledger, lease: Lease) -> None:
        ledger.insert_trials(lease, [small.plan(key(0))], "random")
        ledger.record_checkpoint(lease, key(0), 3, "three")

    @pytest.mark.usefixtures("open_trial")
    def test_halving_again_changes_nothing(self, ledger: Ledger, lease: Lease) -> None:
        assert ledger.halve(lease, [key(0)], now=1.0) == ("three",)
        assert ledger.halve(lease, [key(0)], now=2.0) == ()
        assert ledger.trials(lease.study_id)[0].ended == 1.0

    @pytest.mark.usefixtures("open_trial")
    def test_a_lost_trial(self, ledger: Ledger, lease: Lease) -> None:
        assert ledger.lose(lease, key(0), "lost 3 times at iteration 3\x00", now=4.0) == ("three",)
        row = ledger.trials(lease.study_id)[0]
        assert (row.status, row.reason, row.ended) == ("lost", "lost 3 times at iteration 3�", 4.0)
        with pytest.raises(ValueError, match="is lost, and cannot become halved"):
            ledger.halve(lease, [key(0)])

    def test_an_ended_trial_is_not_halved(self, ledger: Ledger) -> None:
        lease = small.fill(ledger, "filled")
        with pytest.raises(ValueError, match="is finished, and cannot become halved"):
            ledger.halve(lease, [key(0)])
        with pytest.raises(ValueError, match="is failed, and cannot become lost"):
            ledger.lose(lease, key(0, 1), "gone")


def test_speeds_are_seconds_per_iteration_by_model(ledger: Ledger, lease: Lease) -> None:
    ledger.insert_trials(lease, [small.plan(key(0)), small.plan(key(0, 1)), small.plan(key(1))], "random")
    assert ledger.speeds(lease.study_id) == {}
    for trial, seconds, trained in ((key(0), 2.0, 5), (key(1), 4.0, 1), (key(0, 1), 3.0, 0)):
        reported = small.outcome(5, trial, seconds=seconds, trained=trained)
        ledger.complete_segment(lease, trial, 5, reported, 0.5)
    assert ledger.speeds(lease.study_id) == {"unet": 1.0}  # 6 s for 6 iterations; nothing is known of the vnet


doubles = st.floats(allow_nan=False, allow_infinity=False)
log_uniform = st.floats(-5, -1).map(lambda exponent: 10**exponent)
surrogates = st.text(st.characters(codec=None), max_size=5)  # a file's name may hold half a pair
scalars = doubles | log_uniform | st.integers(-(2**80), 2**80) | st.booleans() | st.none() | st.text() | surrogates


def same(one: Scalar, other: Scalar) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one.hex() == other.hex()  # -0.0 too
    return type(one) is type(other) and one == other


@pytest.fixture(scope="module")
def long_lived(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Ledger, Lease]]]:
    ledgers = [Ledger.open(tmp_path_factory.mktemp("exact") / "ledger.db"), Ledger.open(emptied(postgres))]
    yield [(ledger, small.begin(ledger)) for ledger in ledgers]
    for ledger in ledgers:
        ledger.close()


_number = iter(range(10**9))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=5), scalars, max_size=5), min_size=1, max_size=20))
def test_parameters_come_back_as_the_very_same(
    long_lived: list[tuple[Ledger, Lease]], drawn: list[dict[str, Scalar]]
) -> None:
    plans = [dataclasses.replace(small.plan(key(next(_number))), parameters=parameters) for parameters in drawn]
    for ledger, lease in long_lived:
        ledger.insert_trials(lease, plans, "random")
        back = {trial.plan.key: trial.plan.parameters for trial in ledger.known(lease.study_id)}
        for plan in plans:
            found = back[plan.key]
            assert list(found) == list(plan.parameters)
            assert all(same(found[name], value) for name, value in plan.parameters.items()), (found, plan.parameters)
