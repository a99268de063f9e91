"""One disturbed study: the same command is repeated while its processes are killed, until nothing is left to do."""

import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import psutil

from tests.chaos.faults import Fault, Kind
from tests.chaos.servers import Away, MLflow, ObjectStore, Postgres

ROOT = pathlib.Path(__file__).parents[2]
LONGEST = 600.0  # seconds of a study, which takes one to three minutes
STARTS = 12  # starts of the command at most
OUTLIVE = 20.0  # seconds within which the processes of a killed driver must end


class LifeError(RuntimeError):
    """A study that does not complete."""


@dataclasses.dataclass
class Told:
    """Result of a disturbed study.

    Attributes:
        ended: Last output of the last driver: counts, digest.
        faults: Number of faults that hit something, by kind.
        starts: Number of starts of the command.
        fell: Last lines of drivers that ended by themselves before the study did.
        events: Number of lines printed by the drivers.
        seconds: Wall time.
    """

    ended: dict[str, Any]
    faults: collections.Counter[Kind]
    starts: int
    fell: list[str]
    events: int
    seconds: float


@dataclasses.dataclass
class Life:
    """A study's home and the servers that it uses; `storage` is the home, or a folder of the object store."""

    home: pathlib.Path
    data: pathlib.Path
    ledger: str
    storage: str
    postgres: Postgres
    mlflow: MLflow
    store: ObjectStore

    def live(self, faults: Sequence[Fault] = ()) -> Told:
        """Repeats the command until the study is complete.

        Raises:
            LifeError: It takes too long, or too many starts.
        """
        began = time.monotonic()
        self.home.mkdir(parents=True, exist_ok=True)
        told = Told({}, collections.Counter(), 0, [], 0, 0.0)
        left, away, seen = collections.deque(faults), Away(), _Seen()
        try:
            while not told.ended.get("complete"):
                away.all_back()
                if told.starts == STARTS or time.monotonic() - began > LONGEST:
                    raise LifeError(
                        f"not done after {told.starts} starts, {time.monotonic() - began:.0f} s: {told.fell}"
                    )
                told.starts += 1
                self._one_driver(told, left, away, seen, LONGEST - (time.monotonic() - began))
        finally:
            away.all_back()
            seen.end()
        told.seconds = time.monotonic() - began
        return told

    def _one_driver(
        self, told: Told, left: collections.deque[Fault], away: Away, seen: "_Seen", seconds: float
    ) -> None:
        """Runs one driver until a fault, its own end, or the timeout."""
        with self._driver() as process, open(self.home / "driver.log", "a") as log:
            watch = threading.Timer(seconds, process.kill)
            watch.daemon = True
            watch.start()
            lines, killed, without_ray = collections.deque[str](maxlen=3), False, False
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                log.flush()
                lines.append(line.rstrip())
                told.events += 1
                seen.gap += 1
                if left and seen.gap >= left[0].gap and self._hit(left[0], process, away, seen):
                    fault = left.popleft()
                    without_ray |= fault.kind in PARTS_OF_RAY
                    told.faults[fault.kind] += 1
                    seen.gap = 0
                    log.write(f"--- {fault}\n")
                    if killed := fault.kind == "driver":
                        break
            watch.cancel()
            process.stdout.close()
            status = process.wait()
        if killed:
            return
        told.ended = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
        said = told.ended.get("trouble") or any("Ray's own processes" in line for line in lines)
        if not told.ended.get("complete") and not (without_ray and said):
            told.fell.append(f"status {status}: {(lines or [''])[-1][:300]}")

    def _hit(self, fault: Fault, process: subprocess.Popen[str], away: Away, seen: "_Seen") -> bool:
        """Executes a fault; tells whether there was something to kill."""
        time.sleep(fault.delay)
        children = seen.look(process.pid)
        match fault.kind:
            case "driver":
                process.kill()
            case "worker" | "raylet" | "gcs":
                fit = [child for child in children if _is(fault.kind, child)]
                if not fit:
                    return False
                _kill(fit[int(fault.choice * len(fit))])
            case "database":
                away.take(self.postgres, fault.away)
            case "mlflow":
                away.take(self.mlflow, fault.away)
            case "store":
                away.take(self.store, fault.away)
        return True

    @contextlib.contextmanager
    def _driver(self) -> Iterator[subprocess.Popen[str]]:
        """Starts the command, which prints its events as lines."""
        line = [sys.executable, "-u", "-m", "tests.chaos.small_study", str(self.home)]
        options = {
            "--data": str(self.data),
            "--ledger": self.ledger,
            "--storage": self.storage,
            "--mlflow": self.mlflow.uri,
        }
        process = subprocess.Popen(
            [*line, *(part for pair in options.items() for part in pair)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SEGSTUDY_CACHE": str(self.home / "machine")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


class _Seen:
    """The processes that drivers started: candidates for faults, all of which must be gone in the end.

    Attributes:
        gap: Number of events since the last fault.
    """

    def __init__(self) -> None:
        self.gap = 0
        self._all: set[psutil.Process] = set()

    def look(self, driver: int) -> list[psutil.Process]:
        """Records a driver's processes; returns those that run now, by process number."""
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(driver).children(recursive=True)
            self._all.update(children)
            return sorted(children, key=lambda child: child.pid)
        return []

    def end(self) -> None:
        """Waits for all of them and kills those that stay. Only agents of a killed raylet may stay (Ray's fault).

        Raises:
            LifeError: Other processes stayed.
        """
        _, stay = psutil.wait_procs(self._all, timeout=OUTLIVE)
        names = [name for process in stay if (name := _name(process)) and "Agent" not in name]  # "": it has ended
        for process in stay:
            _kill(process)
        if names:
            raise LifeError(f"outlived their driver by {OUTLIVE:.0f} s: {', '.join(names)}")


PARTS_OF_RAY: dict[Kind, str] = {"raylet": "/raylet/raylet", "gcs": "/gcs/gcs_server"}


def _is(kind: Kind, process: psutil.Process) -> bool:
    name = _name(process)
    if kind in PARTS_OF_RAY:
        return PARTS_OF_RAY[kind] in name
    return "ray::" in name and "Agent" not in name  # killing an agent would end Ray's node


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline()).strip()[:120]
    return ""


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        os.kill(process.pid, signal.SIGKILL)
