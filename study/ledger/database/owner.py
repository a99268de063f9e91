"""Owners of a lease: processes, identified so that a reused process number or another container is not mistaken."""

import dataclasses
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Self


@dataclasses.dataclass(frozen=True, slots=True)
class Owner:
    """A process, identified by host, boot, number and start time.

    Attributes:
        host: Host name.
        boot: The kernel's boot id and process-number space, empty where the system tells none.
        pid: Process number.
        started: When it started, as the system counts: from boot on Linux, where clocks set back do not matter.
    """

    host: str
    boot: str
    pid: int
    started: str

    @classmethod
    def here(cls) -> Self:
        """Return this process."""
        return cls(socket.gethostname(), _boot(), os.getpid(), _started(os.getpid()))

    def is_dead(self) -> bool:
        """Return whether the process is known to have ended; False for one on another host or in another container."""
        if (self.host, self.boot) != (socket.gethostname(), _boot()):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # another user's: it is there
        return _started(self.pid) not in (self.started, "")


@dataclasses.dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to a study.

    Attributes:
        study_id: Which study.
        fence: Its number; greater than that of every owner before.
        expires: When it ends unless renewed, seconds since 1970.
    """

    study_id: int
    fence: int
    expires: float


def who(owner: dict[str, Any] | None) -> str:
    """Return an owner for a person to read."""
    return "nobody" if owner is None else f"process {owner['pid']} on {owner['host']}"


def _boot() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Return when a process started; `over` if it is a zombie, empty if the system does not tell."""
    if sys.platform == "linux":
        try:
            line = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return ""
        fields = line.rpartition(")")[2].split()  # the second field is the command in brackets, and may hold anything
        return "over" if fields[0] in ("Z", "X") else fields[19]
    listed = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = listed.stdout.strip().partition(" ")
    return "over" if state.startswith("Z") else started.strip()
