"""Cases in threads: an error is raised at once."""

import pathlib
import threading

import pytest

from trainables.data.finding.layouts import CaseFiles
from trainables.data.inspecting.threads import in_threads

CASES = [CaseFiles(f"c{number}", (pathlib.Path("i.png"),), pathlib.Path("m.png")) for number in range(40)]


def test_results_come_in_order() -> None:
    assert in_threads(lambda case: case.name, CASES, 3) == [case.name for case in CASES]


def test_an_error_leaves_the_cases_that_are_not_open_and_waits_for_no_other() -> None:
    opened: list[str] = []
    go_on = threading.Event()

    def work(case: CaseFiles) -> None:
        opened.append(case.name)
        if case.name == "c0":
            raise KeyboardInterrupt
        go_on.wait(60)

    with pytest.raises(KeyboardInterrupt):
        in_threads(work, CASES, 2)
    go_on.set()
    assert len(opened) < 5
