"""The lease as a run takes it: who comes second waits, and for how long."""

import pathlib
import threading
import time

import pytest

from study.errors import Stopped
from study.events import Event, Waiting
from study.ledger import LeaseHeld, Ledger, Owner
from study.running.held_lease import Heartbeat, take_lease
from study.signals import Stopping
from tests.study.numbers_study import NoData, numbers_study


def test_who_comes_second_waits_and_is_told_until_when(tmp_path: pathlib.Path) -> None:
    study, data = numbers_study(), NoData().prepare(tmp_path, print, lambda: None)
    events: list[Event] = []
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        id_ = ledger.create_study(study.name, study.plain(), study.design(), data.cases, data.digest, {})
        first = ledger.acquire(id_, Owner("elsewhere", "", 7, ""), seconds=1.5)
        began = time.monotonic()
        second = take_lease(ledger, id_, 10.0, Stopping(), events.append)
        assert time.monotonic() - began > 1
        assert second.fence > first.fence
        assert len(events) == 1
        assert isinstance(events[0], Waiting)
        assert "process 7 on elsewhere" in events[0].text
        assert events[0].until == pytest.approx(first.expires)
        ledger.release(second)
        ledger.acquire(id_, Owner("elsewhere", "", 7, ""), seconds=60)
        stopping = Stopping()
        stopping.ask()
        with pytest.raises(Stopped):
            take_lease(ledger, id_, 10.0, stopping, events.append)
        with pytest.raises(LeaseHeld):
            ledger.acquire(id_)


def test_a_lease_of_another_host_whose_clock_was_ahead(tmp_path: pathlib.Path) -> None:
    """It ends tomorrow, and nobody renews it; one that is renewed stays, however far its end is."""
    study, data = numbers_study(), NoData().prepare(tmp_path, print, lambda: None)
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        id_ = ledger.create_study(study.name, study.plain(), study.design(), data.cases, data.digest, {})
        first = ledger.acquire(id_, Owner("elsewhere", "", 7, ""), seconds=0.4, now=time.time() + 86_400)
        renewals = iter(range(4))

        def renewed() -> None:
            if next(renewals, None) is not None:
                ledger.renew(first, seconds=0.4, now=time.time() + 86_400)

        stopping = Stopping()
        stopping.check = renewed  # type: ignore[method-assign]  # called between two looks
        began = time.monotonic()
        second = take_lease(ledger, id_, 0.4, stopping, print)
        assert second.fence > first.fence
        assert next(renewals, None) is None
        assert time.monotonic() - began > 4 * 0.5
        assert second.expires < time.time() + 60


def test_a_stop_that_was_asked_for_in_the_ledger_is_passed_on_in_every_phase(tmp_path: pathlib.Path) -> None:
    study, data = numbers_study(), NoData().prepare(tmp_path, print, lambda: None)
    heard = threading.Event()
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        id_ = ledger.create_study(study.name, study.plain(), study.design(), data.cases, data.digest, {})
        with Heartbeat(ledger, ledger.acquire(id_), listen=0.02, stop=heard.set):
            assert not heard.wait(0.3)
            ledger.request_stop(id_)
            assert heard.wait(10)
