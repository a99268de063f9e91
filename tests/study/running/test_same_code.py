"""Code and versions that change between two runs: refused, accepted with a notice, or of no matter."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from study.design import Design
from study.ledger import Lease, Ledger
from study.planning.planner import decide
from study.running import same_code
from study.running.registration import enter, run_again
from study.running.same_code import changes, refuse_other_code
from study.study_file import Study
from tests.study.numbers_study import NoData, numbers_study
from trainables.errors import InputError
from trainables.training.machine import version
from trainables.trial import Outcome

NOW = {"torch": "2.13.0", "monai": "1.6.1", "segstudy": "2.0"}


def _machine(code: Mapping[str, str] | None = None, **versions: str) -> dict[str, Any]:
    return {"versions": {**NOW, **versions}, "code": dict(code or {})}


def test_what_changed_is_what_no_segment_had() -> None:
    assert list(changes([_machine()], NOW, {})) == []
    assert list(changes([_machine(torch="2.12.1"), _machine(torch="2.12.0")], NOW, {})) == [
        "torch 2.12.0 and 2.12.1, now 2.13.0"
    ]
    assert list(changes([_machine(torch="2.12.0"), _machine()], NOW, {})) == []  # accepted before
    mine = "my_package.losses:mine"
    assert list(changes([_machine({mine: "a"})], NOW, {mine: "b"})) == ["my_package.losses:mine was edited"]
    assert list(changes([_machine({mine: "a"})], NOW, {mine: "a"})) == []


def test_what_is_not_known_is_no_change() -> None:
    assert list(changes([], NOW, {"new:code": "a"})) == []
    assert list(changes([{}], NOW, {})) == []
    assert list(changes([_machine(monai="")], {"monai": "1.6.1"}, {})) == []
    assert list(changes([_machine()], {"monai": ""}, {"new:code": "a"})) == []


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    with Ledger.open(tmp_path / "ledger.db") as opened:
        yield opened


def _begun(ledger: Ledger, study: Study, machine: Mapping[str, Any]) -> tuple[Lease, Design]:
    """A study whose first trial has its first mark, trained by a machine."""
    row = enter(ledger, study, NoData().prepare(Path(), print, lambda: None))
    lease, design = ledger.acquire(row.id), study.design()
    ledger.insert_trials(lease, decide(design, []).insert[0], "random")
    first = ledger.known(row.id)[0].plan.key
    outcome = Outcome(iteration=design.marks[0], weights="w", machine=machine)
    ledger.complete_segment(lease, first, design.marks[0], outcome, 0.5)
    return lease, design


def _installed(**versions: str) -> dict[str, Any]:
    return {"versions": {name: version(name) for name in NOW} | versions, "code": {}}


def test_another_version_is_refused_or_goes_on_with_a_notice(ledger: Ledger) -> None:
    study = numbers_study()
    lease, _ = _begun(ledger, study, _installed(torch="1.0.0"))
    with pytest.raises(InputError) as caught:
        refuse_other_code(ledger, study, accepted=False)
    said = str(caught.value)
    assert f"was trained by other code: torch 1.0.0, now {version('torch')}. Bring that back, give" in said
    assert said.endswith("by --accept-changes")
    assert ledger.notices(lease.study_id) == []
    refuse_other_code(ledger, study, accepted=True)
    assert [notice.text for notice in ledger.notices(lease.study_id)] == [
        f"trials before and after a change of code are compared: torch 1.0.0, now {version('torch')}"
    ]


def test_the_same_code_says_nothing(ledger: Ledger) -> None:
    study = numbers_study()
    refuse_other_code(ledger, study, accepted=False)  # a new study
    lease, _ = _begun(ledger, study, _installed())
    refuse_other_code(ledger, study, accepted=True)
    assert ledger.notices(lease.study_id) == []


def test_a_complete_study_is_looked_at_with_any_version(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    study = numbers_study()
    _begun(ledger, study, _installed(torch="1.0.0"))
    done = dataclasses.replace(decide(study.design(), []), insert=(), halved=(), owed=())
    monkeypatch.setattr(same_code, "decide", lambda *_: done)
    refuse_other_code(ledger, study, accepted=False)


def test_lost_trials_run_again_and_are_told(ledger: Ledger) -> None:
    study = numbers_study()
    lease, design = _begun(ledger, study, _installed())
    lost = [trial.plan.key for trial in ledger.known(lease.study_id) if trial.status == "open"][:2]
    for key in lost:
        ledger.lose(lease, key, "the machine is gone")
    told: list[Any] = []
    run_again(ledger, lease, design, (), told.append)
    assert told == []
    run_again(ledger, lease, design, ("failed",), told.append)
    assert [step.text for step in told] == ["0 trials that ended failed run again"]
    run_again(ledger, lease, design, ("lost", "failed"), told.append)
    assert told[-1].text == "2 trials that ended lost or failed run again"
    assert [retry.trial for retry in ledger.retries(lease.study_id)] == lost
    assert {trial.status for trial in ledger.known(lease.study_id)} == {"open"}
