import dataclasses
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from study.ledger import LeaseHeld, Ledger, Owner
from study.ledger.database import owner as lease_module
from tests.study import small


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


@pytest.fixture
def study_id(ledger: Ledger) -> int:
    return ledger.create_study("a", {}, small.DESIGN, small.CASES, "", {})


class TestDeadOwners:
    """The lease of a process that is known to have ended is taken at once."""

    def take_from(self, ledger: Ledger, study_id: int, owner: Owner) -> None:
        ledger.acquire(study_id, owner, seconds=1e6, now=1000.0)
        ledger.acquire(study_id, now=1001.0)

    def ended(self) -> Owner:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
            return dataclasses.replace(Owner.here(), pid=process.pid, started=lease_module._started(process.pid))

    def test_a_process_that_ended(self, ledger: Ledger, study_id: int) -> None:
        self.take_from(ledger, study_id, self.ended())

    def test_a_number_that_another_process_has_now(self, ledger: Ledger, study_id: int) -> None:
        self.take_from(ledger, study_id, dataclasses.replace(Owner.here(), started="1"))

    def test_a_killed_process_that_its_parent_has_not_collected(self, ledger: Ledger, study_id: int) -> None:
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        owner = dataclasses.replace(Owner.here(), pid=process.pid, started=lease_module._started(process.pid))
        assert not owner.is_dead()
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays uncollected
        self.take_from(ledger, study_id, owner)
        process.communicate()

    def test_not_this_process(self, ledger: Ledger, study_id: int) -> None:
        with pytest.raises(LeaseHeld, match=f"process {os.getpid()} on"):
            self.take_from(ledger, study_id, Owner.here())

    @pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"boot": "of another container"}])
    def test_not_one_that_cannot_be_seen(self, ledger: Ledger, study_id: int, change: dict[str, str]) -> None:
        with pytest.raises(LeaseHeld):
            self.take_from(ledger, study_id, dataclasses.replace(self.ended(), **change))

    def test_not_another_users_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbidden(pid: int, signal: int) -> None:
            raise PermissionError

        owner = Owner.here()
        monkeypatch.setattr(os, "kill", forbidden)
        monkeypatch.setattr(lease_module, "_started", lambda pid: "")  # and its start is hidden
        assert not owner.is_dead()

    def test_where_there_is_no_proc(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "darwin")
        here = Owner.here()
        assert here.started
        assert here.host == socket.gethostname()
        assert not here.is_dead()
        assert dataclasses.replace(here, started="Thu Jan  1 00:00:00 1970").is_dead()
