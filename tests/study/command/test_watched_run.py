"""`run` in the terminal: what it hears of a study and passes on."""

from study.command.watched_run import _with_slots
from study.console.follower import Follower
from study.events import Event, Step


def test_time_left_goes_by_what_really_runs_at_once() -> None:
    follower, heard = Follower("nowhere.db", "study", slots=1), list[Event]()
    hear = _with_slots(heard.append, follower)
    hear(Step("starting Ray"))
    assert follower.slots == 1  # what this machine would run
    hear(Step("running, 6 at once", 6))  # six share its GPUs
    assert follower.slots == 6
    assert heard == [Step("starting Ray"), Step("running, 6 at once", 6)]
