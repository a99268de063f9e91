"""Commands whose output lies on a full disk: one line with file, cause and remedy; nothing half written is left."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.reports.ledgers import Fake, build
from tests.study.command.mounts import own_mounts
from tests.study.command.test_cli_run import STUDY
from trainables.data.phantom.phantom import generate

ROOM = {  # KiB on the disk, the command, what is left
    "export": (200, ["export", "fake", "full/s.sqlite", "--ledger", "ledger.db"], []),
    "report": (40, ["report", "fake", "--ledger", "ledger.db", "--out", "full/r"], ["full/r"]),
    "html": (16, ["check", "tiny.yaml", "--html", "full/page.html", "--home", "home"], []),
    "schema": (8, ["schema", "--output", "full/schema.json"], []),
    "phantom": (40, ["phantom", "full/ph", "--cases", "8", "--dim", "2"], []),
    "run": (4, ["run", "tiny.yaml", "--ledger", "full/ledger.db"], ["full/ledger.db"]),
    "ui": (40, ["ui", "--home", "full"], ["full/mlflow.db.lock"]),
}
FULL = "cannot be written (No space left on device). Make room there"
LINES = {
    "export": "full/s.sqlite: cannot be written (database or disk is full); make room there, or name a file on another "
    "disk",
    "report": f"full/r: cases.csv {FULL}, or name another folder by --out.",
    "html": f"--html full/page.html: {FULL}, or name another file.",
    "schema": f"--output full/schema.json: {FULL}, or name another file.",
    "phantom": f"full/ph: {FULL}, or name another folder.",
    "run": "full/ledger.db cannot be opened: database or disk is full; make room on its disk, or name another by "
    "`--ledger`",
    "ui": "database or disk is full. Make room, or mend the disk's rights, or name another by --mlflow.",
}

SCRIPT = """
import contextlib, io, json, os, pathlib, subprocess, sys
from study.command.cli import run_command
results = {}
for name, (kib, command, _) in json.loads(sys.argv[1]).items():
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", "full"], check=True)
    told, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(complained):
        code = run_command(command)
    left = sorted(str(path) for path in pathlib.Path("full").rglob("*"))
    results[name] = code, complained.getvalue(), left
    subprocess.run(["umount", "full"], check=True)
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, list[str]]]:
    line = own_mounts()
    folder = tmp_path_factory.mktemp("full_disk")
    (folder / "full").mkdir()
    generate(folder / "data", 6, dim=2, seed=1)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    build(folder / "ledger.db", Fake())
    line += [sys.executable, "-c", SCRIPT, json.dumps(ROOM)]
    done = subprocess.run(line, cwd=folder, capture_output=True, encoding="utf-8", timeout=100)
    assert done.returncode == 0, done.stderr
    found: dict[str, tuple[int, str, list[str]]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ROOM)
def test_one_line_and_nothing_half_written(name: str, results: dict[str, tuple[int, str, list[str]]]) -> None:
    code, said, left = results[name]
    assert said.endswith(f"{LINES[name]}\n")
    assert said.startswith("Error: ")
    assert said.count("\n") == 1
    assert code == 2
    assert left == ROOM[name][2]


def test_output_to_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        line = [sys.executable, "-m", "study.command.cli", "losses"]
        ended = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, encoding="utf-8")
    assert ended.stderr == (f"Error: the output: {FULL}, or send it to another file.\n")
    assert ended.returncode == 2


def test_a_run_goes_on_without_its_log(tmp_path: Path) -> None:
    script = (
        "import sys; from study.command.audience import audience\n"
        "with audience(goes_on=True):\n"
        "    for number in range(3): print('x' * 9000); sys.stdout.flush()\n"
        "    print('done', file=sys.stderr)\n"
        "sys.exit(7)"
    )
    with open("/dev/full", "w") as full:
        ended = subprocess.run([sys.executable, "-c", script], stdout=full, stderr=subprocess.PIPE, encoding="utf-8")
    assert (ended.stderr, ended.returncode) == ("done\n", 7)
