"""`segstudy run` as a user gives it: a real study in a process of its own, stopped by Ctrl-C, and gone on with."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest
import yaml

from study.ledger import Ledger
from trainables.data.phantom.phantom import generate

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]
PATIENCE = 250
"""Seconds: a machine that does other things too may take long to start Ray's processes."""

STUDY = {
    "name": "tiny",
    "dataset": {
        "path": "data",
        "labels": {"organ": 1, "lesion": 2},
        "group": "^(phantom_p[0-9]+)",
        "split": {"validation": 0.25, "test": 0.5},
    },
    "patch": {"size": [32, 32], "overlap": [0, 0]},
    "models": {"unet": {"width": 2}},
    "losses": {"dice": None, "focal": "default"},
    "training": {"learning_rate": 1e-3, "batch_size": 1, "iterations": 4},
    "budget": {"final_seeds": 1, "halving": {"eta": 1, "marks": [2, 4]}},
    "report": {"metrics": ["dice"]},
    "resources": {"cpu": 1, "gpu": 0},
}
COMMAND = [str(pathlib.Path(sys.executable).with_name("segstudy"))]


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    generate(tmp_path / "data", 6, dim=2, seed=1)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    return tmp_path


def _segstudy(folder: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, encoding="utf-8", timeout=PATIENCE)


def test_from_a_file_to_a_table(folder: pathlib.Path) -> None:
    done = _segstudy(folder, "run", "tiny.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "tiny: 2 arms, 2 trials, 6 cases"
    assert lines[1] == "Note: nothing to tune in any arm: all are trained at their defaults"
    told = [line[9:] for line in lines if re.match(r"\d\d:\d\d:\d\d ", line)]
    assert told[0] == "starting Ray"
    assert "prepared 6 of 6 cases" in told
    for arm in ("unet+dice", "unet+focal"):
        assert any(
            re.fullmatch(rf"{re.escape(arm)}: final seed 0 reached 4: 0\.\d{{4}} \(\d+\.\d s\)", line) for line in told
        )
        assert f"{arm}: final seed 0 finished" in told
        assert re.search(rf"^{re.escape(arm)} +[01]\.\d\d\d", done.stdout, re.MULTILINE)
    assert re.search(r"^tiny: done after \d+ (s|min); trials: 2 finished, 0 halved away$", done.stdout, re.MULTILINE)
    written = [pathlib.Path(line.partition(": ")[2]) for line in lines[-5:]]
    assert all((folder / path).stat().st_size > 0 for path in written)
    assert sorted(path.name for path in (folder / "runs").iterdir() if not path.name.startswith("mlflow")) == [
        "artifacts",
        "cache",
        "ledger.db",
        "reports",
        "trials",
    ]
    with Ledger.open(folder / "runs" / "ledger.db", read_only=True) as ledger:
        study = ledger.study("tiny")
        noted = [notice.text for notice in ledger.notices(study.id)]
    assert noted == [lines[1].removeprefix("Note: ")]
    assert study.report_reads == 1


def test_stopped_by_ctrl_c_and_by_another_process(folder: pathlib.Path) -> None:
    endless = ("--set", "training.iterations=1000000", "--set", "budget.halving.marks=[500000, 1000000]")
    running = _until_it_runs(folder, endless)
    assert json.loads(_segstudy(folder, "status", "tiny", "--json").stdout)["state"] == "running"
    running.send_signal(signal.SIGINT)
    said, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130, errors
    assert errors == ""
    first, second = said.splitlines()[-2:]
    assert re.fullmatch(r"tiny: stopped after \d+ (s|min); nothing is lost. Go on with:", first)
    assert second == f"  segstudy run tiny.yaml {' '.join(endless[:3])} '{endless[3]}'"
    assert json.loads(_segstudy(folder, "status", "tiny", "--json").stdout)["state"] == "stopped"

    running = _until_it_runs(folder, endless)
    stopped = _segstudy(folder, "stop", "tiny")
    assert stopped.returncode == 0
    assert re.fullmatch(r"tiny: asked .+ to stop; it saves what is under way first\n", stopped.stdout)
    said, errors = running.communicate(timeout=PATIENCE)
    assert (running.returncode, errors) == (130, "")
    assert "tiny: stopped after" in said


def _until_it_runs(folder: pathlib.Path, settings: tuple[str, ...]) -> subprocess.Popen[str]:
    """A run in a process of its own whose workers are at work."""
    running = subprocess.Popen(
        [*COMMAND, "run", "tiny.yaml", *settings],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert running.stdout is not None
    for line in running.stdout:
        if re.match(r"\d\d:\d\d:\d\d running, ", line):
            return running
    pytest.fail(f"it ended: {running.communicate()}")
