"""The driver killed at any point, workers killed beside it, the same command again: always the same digest."""

import contextlib
import dataclasses
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]
KILLS = 4  # kills of a study before it may complete


@dataclasses.dataclass
class Home:
    """A study's home, and the command that runs it."""

    path: pathlib.Path
    pause: float = 0.01

    def start(self) -> subprocess.Popen[str]:
        """Starts the command, which prints its events as lines."""
        started = self.path / "started"
        started.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "tests.study.numbers_study", str(self.path), "--events"],
            cwd=ROOT,
            env={**os.environ, "NUMBERS_PAUSE": str(self.pause), "NUMBERS_STARTED": str(started)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )

    def workers(self) -> list[int]:
        """Returns the process numbers of the running workers."""
        return [pid for name in os.listdir(self.path / "started") if _lives(pid := int(name))]

    def run_to_the_end(self) -> dict[str, object]:
        process = self.start()
        output = process.communicate(timeout=110)[0].splitlines()
        assert process.returncode == 0, "\n".join(output[-30:])
        assert not _noise(output), "Ray or Tune spoke to the user"
        ended: dict[str, object] = json.loads(output[-1])
        assert ended["complete"], ended
        return ended

    def signal_after(self, events: int, number: signal.Signals, *, group: bool) -> dict[str, object]:
        """Sends the command a signal after a number of events, as Ctrl-C or to it alone; returns its last output."""
        process = self.start()
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if len(lines) == events:
                (os.killpg if group else os.kill)(process.pid, number)
        assert process.wait(30) == 0, "\n".join(lines[-30:])
        assert not _noise(lines)
        ended: dict[str, object] = json.loads(lines[-1])
        return ended

    def kill_after(self, events: int, chance: random.Random, *, worker_after: int | None) -> bool:
        """Kills a worker and then the driver after a number of events; tells whether it was still running."""
        process = self.start()
        assert process.stdout is not None
        lines = []
        for seen, line in enumerate(process.stdout, 1):
            lines.append(line)
            if seen == worker_after and (workers := self.workers()):
                _kill(chance.choice(workers))
            if seen == events:
                time.sleep(chance.random() * 0.05)  # so that kills also fall between events
                process.kill()
                break
        process.stdout.close()
        assert process.wait() in (0, -signal.SIGKILL), "".join(lines[-30:])
        return len(lines) == events


def _noise(lines: list[str]) -> list[str]:
    """Returns lines that are neither events nor the result."""
    return [line for line in lines if not re.match(r"[A-Z][A-Za-z]+\(.*\)$|\{.*\}$", line)]


def _lives(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "ray::" in pathlib.Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    return False


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Digest of an undisturbed run."""
    return str(Home(tmp_path_factory.mktemp("undisturbed")).run_to_the_end()["digest"])


def survive(path: pathlib.Path, seed: int, kills: int) -> str:
    """Kills a study `kills` times, each time later than before, then runs it to its end; returns its digest."""
    chance = random.Random(seed)
    home = Home(path)
    killed = 0
    while killed < kills:
        events = chance.randint(2, 45)
        worker = chance.randint(4, 45) if chance.random() < 0.7 else None
        killed += home.kill_after(events, chance, worker_after=worker)
    ended = home.run_to_the_end()
    _check_nothing_is_left(home, ended)
    return str(ended["digest"])


def _check_nothing_is_left(home: Home, ended: dict[str, object]) -> None:
    """Checks that only the final trials' last checkpoints are left, and no partly written files."""
    folders = [path for path in (home.path / "trials" / "numbers").glob("*/*") if path.is_dir()]
    assert sorted(folder.parent.name for folder in folders) == [
        f"final-a{arm:02d}-r0-f0-n{number:03d}" for arm in (0, 1) for number in (0, 1)
    ], ended
    assert {folder.name.split("-")[0] for folder in folders} == {"32"}
    assert not list(home.path.rglob("*.part"))


@pytest.mark.ray
@pytest.mark.timeout(240)
def test_killed_at_three_points(tmp_path: pathlib.Path, undisturbed: str) -> None:
    assert survive(tmp_path, seed=1, kills=3) == undisturbed


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(2, 7))
def test_killed_at_twenty_points(tmp_path: pathlib.Path, undisturbed: str, seed: int) -> None:
    assert survive(tmp_path, seed=seed, kills=KILLS) == undisturbed


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_ctrl_c_and_sigterm_stop_where_nothing_is_lost(tmp_path: pathlib.Path, undisturbed: str) -> None:
    home = Home(tmp_path, pause=0.03)
    for events, number, group in ((20, signal.SIGINT, True), (12, signal.SIGTERM, False)):
        ended = home.signal_after(events, number, group=group)
        assert (ended["stopped"], ended["complete"], ended["trouble"]) == (True, False, None)
    assert home.run_to_the_end()["digest"] == undisturbed
