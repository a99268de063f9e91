"""A study on three hosts: one is cut off for 20 s, one for 150 s, one dies; the digest is that of an undisturbed run.

`python -m tests.chaos.three_hosts`, as root, seven minutes. Hosts are namespaces with a raylet each; the study
computes numbers only. Exits with 0 if all checks that the last lines print hold, or if it cannot run here.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from study.design import TrialKey
from study.machines.ray_session import settings
from tests.chaos.hosts import Host, rack, why_not
from tests.study.dispatch_bench import undisturbed_digest

ROOT = pathlib.Path(__file__).parents[2]
RAY = str(pathlib.Path(sys.executable).with_name("ray"))
PORT = 6379
PAUSE = 2.0  # seconds of an iteration
SLICE = 4.0  # seconds between a worker's reports, for which a disconnected worker still writes
SHORT, LONG = 20.0, 150.0  # seconds without a network
BUSY = "ray::ResourceTrainable."  # a worker while Tune calls it
SETTLED = 15.0  # seconds afterwards in which delayed messages arrive, or are refused
LONGEST = 600.0  # seconds of the whole script
WORKERS = ("ray::NumbersSegmenter", BUSY)  # an idle worker, a working one


@dataclasses.dataclass
class Watched:
    """The driver's output lines with their times, read by a thread."""

    process: subprocess.Popen[str]
    lines: list[tuple[float, str]] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line.rstrip()))

    def losses(self, since: float) -> list[str]:
        """Segments lost with their machines."""
        return [line for at, line in self.lines if at >= since and line.startswith("SegmentLost")]

    def done(self) -> int:
        """Segments that reached their marks."""
        return sum(line.startswith("SegmentDone") for _, line in self.lines)

    def last(self) -> str:
        self._thread.join(10)
        return self.lines[-1][1] if self.lines else ""


class FailedError(RuntimeError):
    """A check failed."""


def main() -> int:
    if (reason := why_not()) is not None:
        print(f"three hosts: SKIPPED, {reason}")
        return 0
    signal.signal(signal.SIGTERM, _leave)
    with tempfile.TemporaryDirectory(prefix="segstudy-hosts-") as made, settings():
        folder = pathlib.Path(made)
        expected = undisturbed_digest(folder)
        with rack(("head", "left", "right"), folder) as hosts, _driver(hosts, folder / "home") as watched:
            try:
                _disturb(watched, *hosts, folder / "home")
                digest = _end(watched)
            except FailedError as error:
                print(f"three hosts: FAILED: {error}", *(line for _, line in watched.lines[-15:]), sep="\n    ")
                return 1
    print(
        f"three hosts: digest {digest[:12]}, undisturbed {expected[:12]}: {'equal' if digest == expected else 'FAILED'}"
    )
    return 0 if digest == expected else 1


def _disturb(watched: Watched, head: Host, left: Host, right: Host, home: pathlib.Path) -> None:
    """Executes all faults of the hosts."""
    began = time.monotonic()
    _until(
        watched,
        lambda: bool(left.processes(*WORKERS) and right.processes(*WORKERS)) and watched.done() > 3,
        90,
        "workers",
    )
    print(f"{_clock(began)} a worker on each host; {left.name} is cut off for {SHORT:.0f} s", flush=True)
    _cut_off(left, SHORT)
    time.sleep(SHORT + SETTLED)
    if lost := watched.losses(began):
        raise FailedError(f"{SHORT:.0f} s without a network cost a segment: {lost}")
    if not left.processes(*WORKERS):
        raise FailedError(f"{left.name} has no worker, only {[each.name() for each in left.processes()]}")
    print(f"{_clock(began)} nothing was lost; {right.name} is cut off for {LONG:.0f} s", flush=True)
    cut, wall = time.monotonic(), time.time()
    with _cable(right):
        _until(watched, lambda: bool(watched.losses(cut)), LONG, "the cut-off host's segment to move")
        lost = watched.losses(cut)[0]
        print(f"{_clock(began)} its segment goes back to be done elsewhere: {_reason(lost)}", flush=True)
        if not (late := _written(home, lost, wall + 0.1)):
            raise FailedError("the worker that was cut off wrote nothing: nothing was shown")
        print(f"{_clock(began)} meanwhile it had written, for nobody to take: {', '.join(late)}", flush=True)
        time.sleep(max(0.0, cut + LONG - time.monotonic()))
    print(f"{_clock(began)} {right.name} is back", flush=True)
    _until(
        watched,
        lambda: not right.processes("/raylet/raylet", *WORKERS),
        60,
        f"{right.name} to hear that it was given up",
    )
    _join(right, head)
    print(f"{_clock(began)} its raylet and workers ended by themselves; it was started again", flush=True)
    _until(watched, lambda: bool(left.processes(BUSY) or right.processes(BUSY)), 120, "a segment away from the head")
    victim = left if left.processes(BUSY) else right
    now = time.monotonic()
    print(f"{_clock(began)} {victim.name} dies for good, at work", flush=True)
    victim.kill()
    _until(watched, lambda: bool(watched.losses(now)), 120, "the dead host's segment to move")
    print(f"{_clock(began)} its segment goes back to be done elsewhere: {_reason(watched.losses(now)[0])}", flush=True)


def _cut_off(host: Host, seconds: float) -> None:
    """Disconnects a host for a while; its worker must resume by itself."""
    host.cut_off()
    threading.Timer(seconds, host.join_again).start()


@contextlib.contextmanager
def _cable(host: Host) -> Iterator[None]:
    """Disconnects a host while the block runs."""
    host.cut_off()
    try:
        yield
    finally:
        host.join_again()


def _written(home: pathlib.Path, lost: str, since: float) -> list[str]:
    """Lists checkpoints of a lost segment's trial that were written after a time in seconds since 1970."""
    found = re.search(r"TrialKey\(stage='(\w+)', arm=(\d+), search=(\d+), fold=(\d+), number=(\d+)\)", lost)
    assert found is not None, lost
    stage, *numbers = found.groups()
    key = TrialKey("final" if stage == "final" else "search", *map(int, numbers))
    folders = (home / "trials" / "numbers" / str(key)).glob("*-*")
    return sorted(f"{key}/{path.name}" for path in folders if path.is_dir() and path.stat().st_mtime > since)


@contextlib.contextmanager
def _driver(hosts: Sequence[Host], home: pathlib.Path) -> Iterator[Watched]:
    """Starts a cluster of the hosts, and the study's driver on the first."""
    head = hosts[0]
    environment = _environment()
    start = [RAY, "start", "--head", f"--node-ip-address={head.address}", f"--port={PORT}", "--num-cpus=1"]
    head.run([*start, "--include-dashboard=false", "--object-store-memory=100000000"], environment)
    for host in hosts[1:]:
        _join(host, head)
    line = [sys.executable, "-u", "-m", "tests.study.numbers_study", str(home), "--events", "--slice", str(SLICE)]
    process = head.start(
        [*line, "--ray", f"{head.address}:{PORT}"],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    watch = threading.Timer(LONGEST, process.kill)
    watch.start()
    try:
        yield Watched(process)
    finally:
        watch.cancel()
        process.kill()
        process.wait()


def _join(host: Host, head: Host) -> None:
    """Starts a raylet on a host, with room for one worker."""
    line = [RAY, "start", f"--address={head.address}:{PORT}", f"--node-ip-address={host.address}", "--num-cpus=1"]
    host.run([*line, "--object-store-memory=100000000"], _environment())


def _environment() -> dict[str, str]:
    """Returns the environment of the cluster's processes: segstudy is installed, its tests are not."""
    return {**os.environ, "RAY_AUTH_MODE": "token", "PYTHONPATH": str(ROOT), "NUMBERS_PAUSE": str(PAUSE)}


def _until(watched: Watched, there: Callable[[], bool], seconds: float, what: str) -> None:
    """Waits for a condition, as long as the driver runs.

    Raises:
        FailedError: The driver ended, or the time is over.
    """
    deadline = time.monotonic() + seconds
    while not there():
        if watched.process.poll() is not None:
            raise FailedError(f"the driver ended while waiting for {what}")
        if time.monotonic() > deadline:
            raise FailedError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)


def _end(watched: Watched) -> str:
    """Returns the study's digest, once it is complete.

    Raises:
        FailedError: It did not complete, or lost a trial.
    """
    watched.process.wait()
    line = watched.last()
    ended = json.loads(line) if line.startswith("{") else {}
    if not ended.get("complete") or ended["lost"]:
        raise FailedError(f"the study was not done, or lost trials: {ended}")
    return str(ended["digest"])


def _reason(lost: str) -> str:
    found = re.search(r"reason=(['\"])(.*?)\1, times", lost)
    return found[2] if found else lost


def _clock(began: float) -> str:
    return f"{time.monotonic() - began:5.0f} s:"


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
