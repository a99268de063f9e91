"""Places of a command: reports stay inside the home, whatever a study is called."""

from pathlib import Path

import pytest

from study.command.options import Places


@pytest.mark.parametrize(
    "name", ["../../elsewhere", "/etc/cron.d/x", "a/../../b", "..", ".", "a\\..\\b", "plain", "a+b"]
)
def test_reports_stay_inside_the_home(tmp_path: Path, name: str) -> None:
    folder = Places.of(tmp_path, None).reports(name)
    assert folder.resolve().parent == tmp_path.resolve() / "reports"
    assert name not in ("plain", "a+b") or folder.name == name
