"""The notebook of the documentation runs as a reader would run it, and shows what it promises."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "docs" / "first_study.ipynb"


@pytest.mark.ray
@pytest.mark.timeout(900)
def test_the_first_study_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOK.parents[1]))
    notebook = nbformat.read(NOTEBOOK, 4)
    NotebookClient(
        notebook, timeout=800, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    shown = [output["data"] for output in outputs if "data" in output]
    assert any("image/png" in data for data in shown)
    live = next(data["text/html"] for data in shown if data.get("text/html", "").startswith("<div style"))
    assert "demo: done" in re.sub("<[^>]+>", "", live)  # the run's table, drawn in place to the end
    assert any("complete=True" in data.get("text/plain", "") for data in shown)
    assert (tmp_path / "report" / "report.html").exists()
