"""The dispatcher without Ray: segments handed out, run in this process and recorded; answers of the searcher."""

import dataclasses
import pathlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ray.tune.search import Searcher

from study.dispatch import dispatcher
from study.dispatch.bookkeeping import LOSSES
from study.dispatch.checkpoint_removal import remove_leftovers
from study.errors import MachineTroubleError
from study.events import SegmentLost, TrialEnded
from study.ledger import FencedOut, Lease, Ledger
from study.machines.admission import Node, Shape
from study.study_file import Study
from study.tune.searcher import PlanSearcher
from tests.study.dispatch_bench import DispatchBench
from tests.study.numbers import Numbers
from tests.study.numbers_study import numbers_study
from trainables.evaluation.objective import objective
from trainables.segment import Report, SegmentWork, driver_file
from trainables.storage.folder import Storage
from trainables.trial import Score


@pytest.fixture
def make(tmp_path: pathlib.Path) -> Iterator[Callable[..., DispatchBench]]:
    opened: list[Ledger] = []

    def made(where: str = "home", study: Study | None = None, **options: Any) -> DispatchBench:
        folder = tmp_path / where
        folder.mkdir(exist_ok=True)
        opened.append(Ledger.open(folder / "ledger.db"))
        return DispatchBench(study or numbers_study(), opened[-1], Storage(folder), **options)

    yield made
    for ledger in opened:
        ledger.close()


def random_study(trials: int = 2) -> Study:
    budget = {"trials_per_arm": trials, "cohort": trials, "sampler": "random", "final_seeds": 1}
    training = {"learning_rate": {"low": 1e-4, "high": 0.2, "log": True}, "iterations": 8}
    return numbers_study(budget=budget, training=training, losses={"dice": None})


def test_whatever_the_order_the_digest_is_the_same(make: Callable[..., DispatchBench]) -> None:
    digests = {
        make(f"home{seed}", nodes=(Node("a", width),)).finish(random.Random(seed))
        for seed, width in enumerate((1, 2, 5))
    }
    assert len(digests) == 1


def test_never_two_segments_of_one_trial(make: Callable[..., DispatchBench]) -> None:
    bench = make(nodes=(Node("a", 50),))
    out = {}
    while (handout := bench.dispatcher.hand_out(f"h{len(out)}")) is not None:
        out[f"h{len(out)}"] = handout
    trials = [handout.assignment.folder for handout in out.values()]
    assert len(trials) == len(set(trials)) == 8  # two arms' first cohorts
    assert bench.dispatcher.running == 8


def test_a_segment_names_its_nodes_only_where_others_are_there(make: Callable[..., DispatchBench]) -> None:
    nodes = (Node("a", 1), Node("c", 2))
    for named, expected in ((True, ["a", "c"]), (False, [])):
        handout = make(f"home {named}", nodes=nodes, named_nodes=named).dispatcher.hand_out("h0")
        assert handout is not None
        assert dispatcher.tune_config(handout)["nodes"] == expected


def test_the_machines_are_looked_at_while_all_is_out(
    make: Callable[..., DispatchBench], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(tuple[Node, ...]):
        def __iter__(self) -> Iterator[Node]:
            raise MachineTroubleError("Ray died")

    bench = make(nodes=(Node("a", 1),))
    assert bench.dispatcher.hand_out("h0") is not None
    bench.nodes = Died()
    bench.dispatcher.refresh_nodes()  # not again so soon
    monkeypatch.setattr(dispatcher, "REFRESH_SECONDS", 0.0)
    with pytest.raises(MachineTroubleError, match="Ray died"):
        bench.dispatcher.refresh_nodes()


def test_as_many_as_there_is_room_for(make: Callable[..., DispatchBench]) -> None:
    bench = make(nodes=(Node("a", 3),))
    handed = [bench.dispatcher.hand_out(f"h{i}") for i in range(5)]
    assert [handout is not None for handout in handed] == [True, True, True, False, False]
    assert handed[0] is not None
    bench.carry_out("h0", handed[0])
    assert bench.dispatcher.hand_out("h5") is not None
    assert bench.dispatcher.hand_out("h6") is None


def test_the_searcher_waits_ends_and_stops(make: Callable[..., DispatchBench]) -> None:
    bench = make(study=random_study())
    closed = False
    searcher = PlanSearcher(bench.dispatcher, limit=100, closed=lambda: closed)
    first, second = searcher.suggest("t1"), searcher.suggest("t2")
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert (first["start"], first["stop"], first["cpu"]) == (0, 8, 1)
    assert first["folder"] != second["folder"]
    assert searcher.suggest("t3") is None  # no room
    closed = True
    assert searcher.suggest("t3") == Searcher.FINISHED
    closed = False
    bench.dispatcher.abandon("for this test")
    bench.finish()
    assert searcher.suggest("t3") == Searcher.FINISHED  # nothing left


def test_the_searcher_hands_out_no_more_than_its_limit(make: Callable[..., DispatchBench]) -> None:
    bench = make(nodes=(Node("a", 50),))
    searcher = PlanSearcher(bench.dispatcher, limit=3, closed=lambda: False)
    answers = [searcher.suggest(f"t{i}") for i in range(4)]
    assert answers[3] == Searcher.FINISHED
    assert all(isinstance(answer, dict) for answer in answers[:3])


def test_trouble_in_the_ledger_is_kept_from_tune(make: Callable[..., DispatchBench]) -> None:
    bench = make(study=random_study())
    searcher = PlanSearcher(bench.dispatcher, limit=100, closed=lambda: False)
    bench.ledger.acquire(bench.id, now=bench.lease.expires + 1)
    assert searcher.suggest("t1") == Searcher.FINISHED
    assert isinstance(searcher.trouble, FencedOut)
    assert bench.dispatcher.running == 0


def test_a_lost_segment_goes_on_from_its_last_checkpoint(make: Callable[..., DispatchBench]) -> None:
    bench, undisturbed = make(study=random_study()), make("other", study=random_study()).finish()
    handout = bench.next("x")
    slow = dataclasses.replace(handout.assignment, slice_seconds=0.0, checkpoint_seconds=0.0)
    bench.carry_out("x", dataclasses.replace(handout, assignment=slow), steps=5)
    bench.dispatcher.lost("x", "the worker died")
    again = bench.next("y").assignment
    while again.folder != handout.assignment.folder:  # what was just lost comes last
        again = bench.next(again.folder).assignment
    assert again.resume == f"{again.folder}/5-{handout.assignment.attempt}"
    assert again.attempt != handout.assignment.attempt
    bench.dispatcher.abandon("for this test")
    assert bench.finish() == undisturbed


def test_a_trial_that_alone_is_lost_is_given_up(make: Callable[..., DispatchBench]) -> None:
    bench = make(study=random_study(trials=1), nodes=(Node("a", 1),))
    for attempt in range(LOSSES):
        assert not [event for event in bench.events if isinstance(event, TrialEnded)], attempt
        bench.next("x")
        bench.dispatcher.lost("x", "the worker died")
    ended = [event for event in bench.events if isinstance(event, TrialEnded)]
    assert [event.status for event in ended] == ["lost"]
    assert ended[0].reason == "lost 3 times at the same iteration; the last time: the worker died"
    assert bench.dispatcher.nothing_left  # no winner, no final stage


def test_losses_with_progress_in_between_do_not_count(make: Callable[..., DispatchBench]) -> None:
    bench = make(study=random_study(trials=1), nodes=(Node("a", 1),))
    for _ in range(2 * LOSSES):
        handout = bench.next("x")
        slow = dataclasses.replace(handout.assignment, slice_seconds=0.0, checkpoint_seconds=0.0)
        bench.carry_out("x", dataclasses.replace(handout, assignment=slow), steps=1)
        bench.dispatcher.lost("x", "the worker died")
    assert [event.times for event in bench.events if isinstance(event, SegmentLost)] == [0] * 6
    bench.finish()
    assert "lost" not in {trial.status for trial in bench.ledger.known(bench.id)}


def test_a_segment_that_ends_well_clears_the_machine(make: Callable[..., DispatchBench]) -> None:
    bench = make(study=random_study(3), nodes=(Node("a", 1),))
    blamed = bench.next("x").assignment.folder
    bench.dispatcher.lost("x", "the worker died")
    bench.next("x")
    bench.dispatcher.lost("x", "the worker died")  # another trial's: a machine in trouble?
    bench.carry_out("x", bench.next("x"))  # no
    for _ in range(2):
        while (handout := bench.next("x")).assignment.folder != blamed:
            bench.carry_out("x", handout)
        bench.dispatcher.lost("x", "the worker died")
    lost = [event.trial for event in bench.events if isinstance(event, TrialEnded) and event.status == "lost"]
    assert [f"trials/numbers/{trial}" for trial in lost] == [blamed]


def test_an_unreadable_checkpoint_is_left_for_the_one_before(make: Callable[..., DispatchBench]) -> None:
    bench, undisturbed = make(study=random_study()), make("other", study=random_study()).finish()
    handout = bench.next("x")
    slow = dataclasses.replace(handout.assignment, slice_seconds=0.0, checkpoint_seconds=0.0)
    bench.carry_out("x", dataclasses.replace(handout, assignment=slow), steps=4)
    bench.dispatcher.lost("x", "the worker died")
    (
        pathlib.Path(bench.storage.root) / handout.assignment.folder / f"4-{handout.assignment.attempt}/state.pt"
    ).write_bytes(b"")
    assert bench.finish() == undisturbed
    notices = [notice.text for notice in bench.ledger.notices(bench.id)]
    assert len(notices) == 1
    assert "goes on from the one before" in notices[0]


def test_a_stop_keeps_what_was_trained(make: Callable[..., DispatchBench]) -> None:
    bench, undisturbed = make(study=random_study()), make("other", study=random_study()).finish()
    handout = bench.next("x")
    slow = dataclasses.replace(handout.assignment, slice_seconds=0.0)
    work = SegmentWork(slow, Numbers)
    for _ in range(3):
        bench.dispatcher.report("x", work.step(), "a")
    bench.storage.write(slow.driver, driver_file(slow.fence, halt=True))
    report = work.step()
    bench.dispatcher.report("x", report, "a")
    bench.dispatcher.finished("x", report)
    assert bench.dispatcher.running == 0
    bench.reopen()
    assert bench.next("x").assignment.resume == f"{slow.folder}/3-{slow.attempt}"
    bench.dispatcher.abandon("for this test")
    assert bench.finish() == undisturbed


def test_where_a_segment_really_runs_is_what_counts(make: Callable[..., DispatchBench]) -> None:
    bench = make(study=random_study(), nodes=(Node("a", 2), Node("b", 1)), shape=Shape(2))
    bench.next("x")
    assert bench.dispatcher.hand_out("y") is None
    bench.dispatcher.report("x", Report(progress=1), "b")  # Ray thought it had room there
    assert bench.dispatcher.hand_out("y") is not None


def test_search_trials_keep_no_checkpoint_and_final_ones_their_last(make: Callable[..., DispatchBench]) -> None:
    bench = make()
    bench.finish()
    kept = bench.ledger.folders(bench.id)
    assert {folder.split("/")[2].partition("-")[0] for folder in kept} == {"final"}
    there = {
        f"trials/numbers/{trial}/{name}"
        for trial in bench.storage.names("trials/numbers")
        for name in bench.storage.names(f"trials/numbers/{trial}")
        if "." not in name
    }
    assert there == kept
    assert len(kept) == 4


def test_what_a_killed_run_left_is_swept_away(make: Callable[..., DispatchBench]) -> None:
    bench = make(study=random_study())
    handout = bench.next("x")
    slow = dataclasses.replace(handout.assignment, slice_seconds=0.0, checkpoint_seconds=0.0)
    bench.carry_out("x", dataclasses.replace(handout, assignment=slow), steps=2)
    kept = bench.ledger.folders(bench.id)
    assert len(kept) == 2
    root = pathlib.Path(bench.storage.root)
    for left in ("7-99/state.pt", ".8-12.4711.part/state.pt", "error.txt", "notes-of-mine/a.txt"):
        (root / slow.folder / left).parent.mkdir(parents=True, exist_ok=True)
        (root / slow.folder / left).touch()
    (root / "trials/numbers/my-folder/3-3").mkdir(parents=True)
    bench.reopen()
    assert remove_leftovers(bench.ledger, bench.lease, bench.storage, "trials/numbers") == 2
    there = set(bench.storage.names(slow.folder))
    assert there == {"spec.json", "error.txt", "notes-of-mine", *(folder.rpartition("/")[2] for folder in kept)}
    assert bench.storage.has("trials/numbers/my-folder/3-3")
    assert remove_leftovers(bench.ledger, bench.lease, bench.storage, "trials/numbers") == 0


def test_the_search_sees_validation_cases_and_the_final_stage_test_cases(make: Callable[..., DispatchBench]) -> None:
    bench = make(study=random_study())
    bench.finish()
    scores = list(bench.ledger.scores(bench.id, stage=None).rows())
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


def test_a_driver_that_lost_its_lease_writes_nothing_more(make: Callable[..., DispatchBench]) -> None:
    bench = make(study=random_study())
    handout = bench.next("x")
    before = bench.ledger.digest(bench.id)
    other: Lease = bench.ledger.acquire(bench.id, now=bench.lease.expires + 1)
    assert other.fence > bench.lease.fence
    with pytest.raises(FencedOut):
        bench.carry_out("x", handout)
    assert bench.ledger.digest(bench.id) == before
