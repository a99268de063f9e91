"""A home on a file system that is mounted read-only: reading works, writing is refused in one line."""

import json
import subprocess
import sys

import pytest
import yaml

from tests.reports.ledgers import Fake, build
from tests.study.command.mounts import own_mounts
from tests.study.command.test_cli_run import STUDY
from trainables.data.phantom.phantom import generate

COMMANDS = {
    "list": ["list", "--home", "home"],
    "status": ["status", "fake", "--home", "home"],
    "report elsewhere": ["report", "fake", "--home", "home", "--out", "page"],
    "export": ["export", "fake", "fake.sqlite", "--home", "home"],
    "check": ["check", "tiny.yaml", "--home", "home"],
    "report": ["report", "fake", "--home", "home"],
    "run": ["run", "tiny.yaml", "--home", "home"],
    "run in a new home": ["run", "tiny.yaml", "--home", "home/new"],
}
REFUSED = {
    "report": "home/reports/fake: report.md cannot be written (Read-only file system). Name another folder by --out.",
    "run": "ledger 'home/ledger.db' cannot be written (Read-only file system: home); mend the rights there, or name "
    "another place by --home or --ledger",
    "run in a new home": "--home home/new: cannot be made a folder (Read-only file system). Name another.",
}
SCRIPT = """
import contextlib, io, json, subprocess, sys
from study.command.cli import run_command
subprocess.run(["mount", "--bind", "home", "home"], check=True)
subprocess.run(["mount", "-o", "remount,ro,bind", "home"], check=True)
results = {}
for name, command in json.loads(sys.argv[1]).items():
    told, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(complained):
        code = run_command(command)
    results[name] = code, complained.getvalue()
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    line = own_mounts()
    folder = tmp_path_factory.mktemp("read_only")
    generate(folder / "data", 6, dim=2, seed=1)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    (folder / "home" / "reports" / "fake").mkdir(parents=True)
    build(folder / "home" / "ledger.db", Fake())
    line += [sys.executable, "-c", SCRIPT, json.dumps(COMMANDS)]
    done = subprocess.run(line, cwd=folder, capture_output=True, encoding="utf-8", timeout=100)
    assert done.returncode == 0, done.stderr
    found: dict[str, tuple[int, str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_what_reads_works_and_what_writes_is_refused(name: str, results: dict[str, tuple[int, str]]) -> None:
    code, said = results[name]
    if name in REFUSED:
        assert (code, said) == (2, f"Error: {REFUSED[name]}\n")
    else:
        assert (code, "Error" in said) == (0, False), said
