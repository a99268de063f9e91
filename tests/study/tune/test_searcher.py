"""The desk without Ray: segments handed out, carried out in this process, handed back. And what Tune is told."""

import dataclasses
import pathlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ray.tune.search import Searcher

from study.dispatch import dispatcher
from study.dispatch.bookkeeping import LOSSES
from study.errors import MachineTroubleError
from study.events import SegmentLost, TrialEnded
from study.ledger import FencedOut, Lease, Ledger
from study.machines.admission import Node, Shape
from study.running.leftover_checkpoints import sweep
from study.study_file import Study
from study.tune.searcher import PlanSearcher
from tests.study.numbers import Numbers
from tests.study.numbers_study import numbers_study
from tests.study.office import Office
from trainables.evaluation.objective import objective
from trainables.segment import Report, SegmentWork, driver_file
from trainables.storage.folder import Storage
from trainables.trial import Score


@pytest.fixture
def make(tmp_path: pathlib.Path) -> Iterator[Callable[..., Office]]:
    opened: list[Ledger] = []

    def made(where: str = "home", study: Study | None = None, **options: Any) -> Office:
        folder = tmp_path / where
        folder.mkdir(exist_ok=True)
        opened.append(Ledger.open(folder / "ledger.db"))
        return Office(study or numbers_study(), opened[-1], Storage(folder), **options)

    yield made
    for ledger in opened:
        ledger.close()


def random_study(trials: int = 2) -> Study:
    budget = {"trials_per_arm": trials, "cohort": trials, "sampler": "random", "final_seeds": 1}
    training = {"learning_rate": {"low": 1e-4, "high": 0.2, "log": True}, "iterations": 8}
    return numbers_study(budget=budget, training=training, losses={"dice": None})


def test_whatever_the_order_the_digest_is_the_same(make: Callable[..., Office]) -> None:
    digests = {
        make(f"home{seed}", nodes=(Node("a", width),)).finish(random.Random(seed))
        for seed, width in enumerate((1, 2, 5))
    }
    assert len(digests) == 1


def test_never_two_segments_of_one_trial(make: Callable[..., Office]) -> None:
    office = make(nodes=(Node("a", 50),))
    out = {}
    while (errand := office.desk.hand_out(f"h{len(out)}")) is not None:
        out[f"h{len(out)}"] = errand
    trials = [errand.assignment.folder for errand in out.values()]
    assert len(trials) == len(set(trials)) == 8  # two arms' first cohorts
    assert office.desk.out == 8


def test_the_machines_are_looked_at_while_all_is_out(
    make: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(tuple[Node, ...]):
        def __iter__(self) -> Iterator[Node]:
            raise MachineTroubleError("Ray died")

    office = make(nodes=(Node("a", 1),))
    assert office.desk.hand_out("h0") is not None
    office.nodes = Died()
    office.desk.look_around()  # not again so soon
    monkeypatch.setattr(dispatcher, "LOOK_AROUND", 0.0)
    with pytest.raises(MachineTroubleError, match="Ray died"):
        office.desk.look_around()


def test_as_many_as_there_is_room_for(make: Callable[..., Office]) -> None:
    office = make(nodes=(Node("a", 3),))
    handed = [office.desk.hand_out(f"h{i}") for i in range(5)]
    assert [errand is not None for errand in handed] == [True, True, True, False, False]
    assert handed[0] is not None
    office.carry_out("h0", handed[0])
    assert office.desk.hand_out("h5") is not None
    assert office.desk.hand_out("h6") is None


def test_the_searcher_waits_ends_and_stops(make: Callable[..., Office]) -> None:
    office = make(study=random_study())
    closed = False
    searcher = PlanSearcher(office.desk, limit=100, closed=lambda: closed)
    first, second = searcher.suggest("t1"), searcher.suggest("t2")
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert (first["start"], first["stop"], first["cpu"]) == (0, 8, 1)
    assert first["folder"] != second["folder"]
    assert searcher.suggest("t3") is None  # no room
    closed = True
    assert searcher.suggest("t3") == Searcher.FINISHED
    closed = False
    office.desk.abandon("for this test")
    office.finish()
    assert searcher.suggest("t3") == Searcher.FINISHED  # nothing left


def test_the_searcher_hands_out_no_more_than_its_limit(make: Callable[..., Office]) -> None:
    office = make(nodes=(Node("a", 50),))
    searcher = PlanSearcher(office.desk, limit=3, closed=lambda: False)
    answers = [searcher.suggest(f"t{i}") for i in range(4)]
    assert answers[3] == Searcher.FINISHED
    assert all(isinstance(answer, dict) for answer in answers[:3])


def test_trouble_in_the_ledger_is_kept_from_tune(make: Callable[..., Office]) -> None:
    office = make(study=random_study())
    searcher = PlanSearcher(office.desk, limit=100, closed=lambda: False)
    office.ledger.acquire(office.id, now=office.lease.expires + 1)
    assert searcher.suggest("t1") == Searcher.FINISHED
    assert isinstance(searcher.trouble, FencedOut)
    assert office.desk.out == 0


def test_a_lost_segment_goes_on_from_its_last_checkpoint(make: Callable[..., Office]) -> None:
    office, undisturbed = make(study=random_study()), make("other", study=random_study()).finish()
    errand = office.next("x")
    slow = dataclasses.replace(errand.assignment, slice_seconds=0.0, checkpoint_seconds=0.0)
    office.carry_out("x", dataclasses.replace(errand, assignment=slow), steps=5)
    office.desk.lost("x", "the worker died")
    again = office.next("y").assignment
    while again.folder != errand.assignment.folder:  # what was just lost comes last
        again = office.next(again.folder).assignment
    assert again.resume == f"{again.folder}/5-{errand.assignment.attempt}"
    assert again.attempt != errand.assignment.attempt
    office.desk.abandon("for this test")
    assert office.finish() == undisturbed


def test_a_trial_that_alone_is_lost_is_given_up(make: Callable[..., Office]) -> None:
    office = make(study=random_study(trials=1), nodes=(Node("a", 1),))
    for attempt in range(LOSSES):
        assert not [event for event in office.events if isinstance(event, TrialEnded)], attempt
        office.next("x")
        office.desk.lost("x", "the worker died")
    ended = [event for event in office.events if isinstance(event, TrialEnded)]
    assert [event.status for event in ended] == ["lost"]
    assert ended[0].reason == "lost 3 times at the same iteration; the last time: the worker died"
    assert office.desk.nothing_left  # no winner, no final stage


def test_losses_with_progress_in_between_do_not_count(make: Callable[..., Office]) -> None:
    office = make(study=random_study(trials=1), nodes=(Node("a", 1),))
    for _ in range(2 * LOSSES):
        errand = office.next("x")
        slow = dataclasses.replace(errand.assignment, slice_seconds=0.0, checkpoint_seconds=0.0)
        office.carry_out("x", dataclasses.replace(errand, assignment=slow), steps=1)
        office.desk.lost("x", "the worker died")
    assert [event.times for event in office.events if isinstance(event, SegmentLost)] == [0] * 6
    office.finish()
    assert "lost" not in {trial.status for trial in office.ledger.known(office.id)}


def test_a_machine_that_loses_everything_ends_the_run_and_no_trial(make: Callable[..., Office]) -> None:
    office, undisturbed = make(study=random_study(4)), make("other", study=random_study(4)).finish()
    for _ in range(2 * LOSSES - 1):
        office.next("x")
        office.desk.lost("x", "OSError: No space left on device")
    office.next("x")
    with pytest.raises(MachineTroubleError, match=r"of 4 trials .* No space left .* mend the machine"):
        office.desk.lost("x", "OSError: No space left on device")
    assert {trial.status for trial in office.ledger.known(office.id)} == {"open"}
    office.reopen()
    assert office.finish() == undisturbed


def test_a_segment_that_ends_well_clears_the_machine(make: Callable[..., Office]) -> None:
    office = make(study=random_study(3), nodes=(Node("a", 1),))
    blamed = office.next("x").assignment.folder
    office.desk.lost("x", "the worker died")
    office.next("x")
    office.desk.lost("x", "the worker died")  # another trial's: a machine in trouble?
    office.carry_out("x", office.next("x"))  # no
    for _ in range(2):
        while (errand := office.next("x")).assignment.folder != blamed:
            office.carry_out("x", errand)
        office.desk.lost("x", "the worker died")
    lost = [event.trial for event in office.events if isinstance(event, TrialEnded) and event.status == "lost"]
    assert [f"trials/numbers/{trial}" for trial in lost] == [blamed]


def test_an_unreadable_checkpoint_is_left_for_the_one_before(make: Callable[..., Office]) -> None:
    office, undisturbed = make(study=random_study()), make("other", study=random_study()).finish()
    errand = office.next("x")
    slow = dataclasses.replace(errand.assignment, slice_seconds=0.0, checkpoint_seconds=0.0)
    office.carry_out("x", dataclasses.replace(errand, assignment=slow), steps=4)
    office.desk.lost("x", "the worker died")
    (
        pathlib.Path(office.storage.root) / errand.assignment.folder / f"4-{errand.assignment.attempt}/state.pt"
    ).write_bytes(b"")
    assert office.finish() == undisturbed
    notices = [notice.text for notice in office.ledger.notices(office.id)]
    assert len(notices) == 1
    assert "goes on from the one before" in notices[0]


def test_a_stop_keeps_what_was_trained(make: Callable[..., Office]) -> None:
    office, undisturbed = make(study=random_study()), make("other", study=random_study()).finish()
    errand = office.next("x")
    slow = dataclasses.replace(errand.assignment, slice_seconds=0.0)
    work = SegmentWork(slow, Numbers)
    for _ in range(3):
        office.desk.report("x", work.step(), "a")
    office.storage.write(slow.driver, driver_file(slow.fence, halt=True))
    report = work.step()
    office.desk.report("x", report, "a")
    office.desk.back("x", report)
    assert office.desk.out == 0
    office.reopen()
    assert office.next("x").assignment.resume == f"{slow.folder}/3-{slow.attempt}"
    office.desk.abandon("for this test")
    assert office.finish() == undisturbed


def test_where_a_segment_really_runs_is_what_counts(make: Callable[..., Office]) -> None:
    office = make(study=random_study(), nodes=(Node("a", 2), Node("b", 1)), shape=Shape(2))
    office.next("x")
    assert office.desk.hand_out("y") is None
    office.desk.report("x", Report(progress=1), "b")  # Ray thought it had room there
    assert office.desk.hand_out("y") is not None


def test_search_trials_keep_no_checkpoint_and_final_ones_their_last(make: Callable[..., Office]) -> None:
    office = make()
    office.finish()
    kept = office.ledger.folders(office.id)
    assert {folder.split("/")[2].partition("-")[0] for folder in kept} == {"final"}
    there = {
        f"trials/numbers/{trial}/{name}"
        for trial in office.storage.names("trials/numbers")
        for name in office.storage.names(f"trials/numbers/{trial}")
        if "." not in name
    }
    assert there == kept
    assert len(kept) == 4


def test_what_a_killed_run_left_is_swept_away(make: Callable[..., Office]) -> None:
    office = make(study=random_study())
    errand = office.next("x")
    slow = dataclasses.replace(errand.assignment, slice_seconds=0.0, checkpoint_seconds=0.0)
    office.carry_out("x", dataclasses.replace(errand, assignment=slow), steps=2)
    kept = office.ledger.folders(office.id)
    assert len(kept) == 2
    root = pathlib.Path(office.storage.root)
    for left in ("7-99/state.pt", ".8-12.4711.part/state.pt", "error.txt", "notes-of-mine/a.txt"):
        (root / slow.folder / left).parent.mkdir(parents=True, exist_ok=True)
        (root / slow.folder / left).touch()
    (root / "trials/numbers/my-folder/3-3").mkdir(parents=True)
    office.reopen()
    assert sweep(office.ledger, office.lease, office.storage, "trials/numbers") == 2
    there = set(office.storage.names(slow.folder))
    assert there == {"spec.json", "error.txt", "notes-of-mine", *(folder.rpartition("/")[2] for folder in kept)}
    assert office.storage.has("trials/numbers/my-folder/3-3")
    assert sweep(office.ledger, office.lease, office.storage, "trials/numbers") == 0


def test_the_search_sees_validation_cases_and_the_final_stage_test_cases(make: Callable[..., Office]) -> None:
    office = make(study=random_study())
    office.finish()
    scores = list(office.ledger.scores(office.id, stage=None).rows())
    assert {row.case for row in scores if row.trial.stage == "search"} == {"case3", "case4"}
    assert {row.case for row in scores if row.trial.stage == "final"} == {"case5", "case6"}


def test_objective_by_hand() -> None:
    def score(case: str, region: str, value: float | None, metric: str = "dice") -> Score:
        return Score(case, region, metric, value)

    scores = [
        score("a", "liver", 0.9),
        score("a", "lesion", 0.5),
        score("b", "liver", 0.8),
        score("b", "lesion", None),  # left out of b's mean
        score("c", "liver", None),
        score("c", "lesion", None),  # nothing of c: left out of the mean over cases
        score("a", "liver", 7.0, "hd95"),
    ]
    both = ("liver", "lesion")
    assert objective(scores, metric="dice", regions=both) == pytest.approx(((0.9 + 0.5) / 2 + 0.8) / 2)
    assert objective(scores, metric="dice", regions=("lesion",)) == 0.5
    assert objective(scores, metric="hd95", regions=both) == 7.0
    assert objective(scores, metric="recall", regions=both) is None
    assert objective([], metric="dice", regions=both) is None


def test_a_driver_that_lost_its_lease_writes_nothing_more(make: Callable[..., Office]) -> None:
    office = make(study=random_study())
    errand = office.next("x")
    before = office.ledger.digest(office.id)
    other: Lease = office.ledger.acquire(office.id, now=office.lease.expires + 1)
    assert other.fence > office.lease.fence
    with pytest.raises(FencedOut):
        office.carry_out("x", errand)
    assert office.ledger.digest(office.id) == before
