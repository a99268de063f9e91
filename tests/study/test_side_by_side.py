"""Runs beside each other on one home, on tight machines, and with folders that are removed under them."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from study.ledger import Ledger
from tests.study.command.mounts import own_mounts
from tests.study.dispatch_bench import undisturbed_digest
from tests.study.numbers_study import digest, run_numbers

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]
RUN = [sys.executable, "-u", "-m", "tests.study.numbers_study"]
ROOT = pathlib.Path(__file__).parents[2]


def started(line: Sequence[str]) -> "subprocess.Popen[str]":
    environment = {**os.environ, "NUMBERS_PAUSE": "0.01", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT)


def ended(run: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = run.communicate(timeout=200)
    assert run.returncode == 0, err
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def test_two_runs_of_one_study_are_one_after_the_other(tmp_path: pathlib.Path) -> None:
    home = str(tmp_path / "home")
    runs = [started([*RUN, home]) for _ in range(2)]
    both = [ended(run) for run in runs]
    assert [each["complete"] for each in both] == [True, True]
    assert {each["digest"] for each in both} == {undisturbed_digest(tmp_path)}
    with Ledger.open(f"{home}/ledger.db", read_only=True) as ledger:
        done = [(str(each.trial), each.stop) for each in ledger.attempts(1) if each.result == "done"]
        assert len(done) == len(set(done))


def test_two_studies_on_one_home_disturb_each_other_in_nothing(tmp_path: pathlib.Path) -> None:
    together, alone = str(tmp_path / "together"), str(tmp_path / "alone")
    runs = {name: started([*RUN, together, "--name", name]) for name in ("numbers", "others")}
    found = {name: ended(run)["digest"] for name, run in runs.items()}
    assert found["numbers"] == undisturbed_digest(tmp_path)
    assert found["others"] == ended(started([*RUN, alone, "--name", "others"]))["digest"]


def test_trials_that_are_removed_under_a_run_are_trained_again(tmp_path: pathlib.Path) -> None:
    home = tmp_path / "home"
    with started([*RUN, str(home), "--events"]) as run:
        assert run.stdout is not None
        removed = False
        for line in run.stdout:
            if line.startswith("SegmentDone") and not removed:
                shutil.rmtree(home / "trials", ignore_errors=True)
                removed = True
    assert removed
    assert run_numbers(home).complete
    assert digest(home) == undisturbed_digest(tmp_path)


@pytest.mark.parametrize("tight", ["few open files", "little shared memory"])
def test_a_tight_machine_is_enough(tight: str, tmp_path: pathlib.Path) -> None:
    line = [*RUN, str(tmp_path / "home")]
    if tight == "few open files":
        line = ["bash", "-c", 'ulimit -n 256; exec "$@"', "run", *line]
    else:
        script = 'mount -t tmpfs -o size=64m none /dev/shm; exec "$@"'
        line = [*own_mounts(), "bash", "-c", script, "run", *line]
    found = ended(started(line))
    assert found["complete"]
    assert found["digest"] == undisturbed_digest(tmp_path)
