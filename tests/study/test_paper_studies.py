"""The papers' studies run completely with --smoke, from generated images to the table with the printed rows."""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest

from trainables.data.phantom.phantom import generate

SECONDS = 1800
PAPERS = {
    "chest-ct": 2,
    "matthews": 3,
    "liver": 3,
    "inverse-weighting": 3,
    "inverse-weighting-luna16": 3,
    "kits19": 3,
}
"""Study → dimensions of the phantom that it runs on."""


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("name", PAPERS)
def test_a_papers_study_runs_whole_in_its_smoke_version(name: str, tmp_path: pathlib.Path) -> None:
    generate(tmp_path / "data", 24 if PAPERS[name] == 2 else 16, PAPERS[name], 1)
    segstudy = pathlib.Path(sys.executable).with_name("segstudy")
    command = [str(segstudy), "run", name, "--smoke", "--data", "data"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=SECONDS)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    status = subprocess.run(
        [str(segstudy), "status", f"{name}-smoke", "--json"], cwd=tmp_path, capture_output=True, encoding="utf-8"
    )
    found = json.loads(status.stdout)
    assert found["state"] == "done"
    assert found["losses"] == sum(arm["failed"] for arm in found["arms"]) == 0
    assert all(arm["finals"] == arm["finals_planned"] > 0 for arm in found["arms"])
    reports = tmp_path / "runs" / "reports" / f"{name}-smoke"
    markdown = (reports / "report.md").read_text(encoding="utf-8")
    assert ("printed" in markdown) is (name != "liver"), "its report printed none"
    page = (reports / "report.html").read_text(encoding="utf-8")
    assert ('class="slices"' in page) is (PAPERS[name] == 3), "volumes are scrolled"
    if shutil.which("pdflatex"):
        latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
        made = subprocess.run(latex, cwd=reports, capture_output=True, encoding="utf-8", errors="replace")
        assert made.returncode == 0, made.stdout[-2000:]
        assert "Overfull" not in made.stdout
