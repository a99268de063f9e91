"""Losses of workers: when a trial is given up, and when the machine is to blame."""

import pathlib
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from study.dispatch.bookkeeping import LOSSES, NOT_STARTED
from study.errors import MachineTroubleError
from study.events import SegmentLost, TrialEnded
from study.ledger import Ledger
from study.machines.admission import Node
from study.study_file import Study
from tests.study.dispatch_bench import DispatchBench, undisturbed_digest
from tests.study.numbers_study import numbers_study
from trainables.failures import BROKEN_DEVICE
from trainables.storage.folder import Storage

DIED = "its process died"
Made = Callable[..., DispatchBench]


def study(losses: dict[str, Any], trials: int = 3, models: dict[str, Any] | None = None) -> Study:
    return numbers_study(
        budget={"trials_per_arm": trials, "cohort": trials, "sampler": "random", "final_seeds": 1},
        training={"learning_rate": {"low": 1e-4, "high": 0.2, "log": True}, "iterations": 8},
        losses=losses,
        models=models or {"unet": {"width": 8}},
    )


@pytest.fixture
def make(tmp_path: pathlib.Path) -> Iterator[Made]:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        yield lambda found, **options: DispatchBench(found, ledger, Storage(tmp_path), **options)


def crash(bench: DispatchBench, *arms: str, reason: str = DIED) -> list[tuple[str, str]]:
    """Run the study while each segment of some arms loses its worker; return (arm, status) of all trials."""
    while not bench.dispatcher.nothing_left:
        handout = bench.next("x")
        number = int(handout.assignment.folder.split("-a")[1][:2])
        if bench.study.arms[number].name in arms:
            bench.dispatcher.lost("x", reason)
        else:
            bench.carry_out("x", handout)
    known = bench.ledger.known(bench.id)
    return sorted((bench.study.arms[trial.plan.key.arm].name, trial.status) for trial in known)


def test_every_trial_of_a_crashing_arm_is_given_up_in_one_run(make: Made) -> None:
    bench = make(study({"dice": None, "focal": {"gamma": 2.0}}, trials=6), nodes=(Node("a", 1),))
    ended = crash(bench, "unet+dice")
    assert ended == [("unet+dice", "lost")] * 6 + [("unet+focal", "finished")] * 7  # six trials and the winner's
    assert sum(isinstance(event, SegmentLost) for event in bench.events) == 6 * LOSSES
    reasons = {event.reason for event in bench.events if isinstance(event, TrialEnded) and event.status == "lost"}
    assert reasons == {f"lost 3 times at the same iteration; the last time: {DIED}"}


def test_a_loss_of_the_users_own_that_crashes_in_two_networks_is_no_machine(make: Made) -> None:
    own = Study.from_plain(
        {
            **study({"dice": None}, models={"unet": {"width": 8}, "vnet": None}).plain(),
            "losses": {"dice": None, "mine": "mine.losses:mine"},
        },
    )
    bench = make(own, nodes=(Node("a", 1),))
    ended = crash(bench, "unet+mine", "vnet+mine")
    assert [each for each in ended if "mine" in each[0]] == [("unet+mine", "lost")] * 3 + [("vnet+mine", "lost")] * 3


def test_losses_of_several_arms_on_one_node_are_the_machines(make: Made, tmp_path: pathlib.Path) -> None:
    two = study({"dice": None, "focal": {"gamma": 2.0}})
    bench = make(two, nodes=(Node("a", 1),))
    with pytest.raises(MachineTroubleError, match=r"^6 segments of \d trials were lost .* No trial is to blame"):
        crash(bench, "unet+dice", "unet+focal")
    assert {trial.status for trial in bench.ledger.known(bench.id)} == {"open"}
    bench.reopen()
    assert bench.finish() == undisturbed_digest(tmp_path, two)


def test_a_node_that_takes_many_segments_with_it_is_lost_once(make: Made, tmp_path: pathlib.Path) -> None:
    two = study({"dice": None, "focal": {"gamma": 2.0}}, trials=4)
    bench = make(two, nodes=(Node("a", 8),))
    handles = [f"slot {number}" for number in range(8)]  # eight trials of two arms, as on a machine with eight GPUs
    assert all(bench.dispatcher.hand_out(handle) is not None for handle in handles)
    for handle in handles:
        bench.dispatcher.lost(handle, DIED)
    assert bench.finish() == undisturbed_digest(tmp_path, two)


def _lose_all(bench: DispatchBench, rounds: int) -> None:
    for _ in range(rounds):
        handles = [name for name in "wxyz" if bench.dispatcher.hand_out(name) is not None]
        for handle in handles:
            bench.dispatcher.lost(handle, DIED)


def test_a_machine_with_several_slots_that_loses_all_again_and_again_is_to_blame(make: Made) -> None:
    bench = make(study({"dice": None, "focal": {"gamma": 2.0}}, trials=4), nodes=(Node("a", 4),))
    with pytest.raises(MachineTroubleError, match="No trial is to blame"):
        _lose_all(bench, 2 * LOSSES)
    assert {trial.status for trial in bench.ledger.known(bench.id)} == {"open"}


def test_losses_on_different_nodes_do_not_add_up(make: Made) -> None:
    bench = make(study({"dice": None, "focal": {"gamma": 2.0}}, trials=1), nodes=(Node("a", 1), Node("b", 1)))
    for _ in range(LOSSES):  # one arm's trial on each node
        handles = [bench.dispatcher.hand_out("x"), bench.dispatcher.hand_out("y")]
        assert None not in handles
        for handle in "xy":
            bench.dispatcher.lost(handle, DIED)
    assert {trial.status for trial in bench.ledger.known(bench.id)} == {"lost"}


def test_workers_that_do_not_start_are_the_machines(make: Made) -> None:
    bench = make(study({"dice": None}), nodes=(Node("a", 1),))
    with pytest.raises(MachineTroubleError, match="could not start: no such library"):
        crash(bench, "unet+dice", reason=f"{NOT_STARTED}: no such library")
    assert {trial.status for trial in bench.ledger.known(bench.id)} == {"open"}


def test_a_segment_that_meets_a_broken_device_is_not_counted(make: Made, tmp_path: pathlib.Path) -> None:
    one = study({"dice": None})
    bench = make(one, nodes=(Node("a", 1),))
    for _ in range(3 * LOSSES):
        bench.next("x")
        bench.dispatcher.lost("x", f"RuntimeError: {BROKEN_DEVICE}")
    assert {attempt.result for attempt in bench.ledger.attempts(bench.id)} == {"stopped"}
    assert bench.finish() == undisturbed_digest(tmp_path, one)


def test_the_folder_of_a_trial_that_was_removed_is_made_again_after_a_loss(make: Made, tmp_path: pathlib.Path) -> None:
    bench = make(study({"dice": None}))
    handout = bench.next("x")
    shutil.rmtree(tmp_path / handout.assignment.folder)
    bench.dispatcher.lost("x", f"FileNotFoundError: [Errno 2] No such file: '{handout.assignment.folder}/spec.json'")
    while (again := bench.next("x")).assignment.folder != handout.assignment.folder:  # the others come first
        bench.carry_out("x", again)
    assert (tmp_path / again.assignment.folder / "spec.json").is_file()
