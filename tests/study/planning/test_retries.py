import dataclasses

import pytest

from study.design import KnownTrial, PlannedTrial, Status, TrialKey
from study.planning.planner import Planner, decide
from study.planning.retries import retryable
from tests.study.plans import Memory, arm, run
from tests.study.plans import two_arms as design


def _trial(stage: str, arm: int, number: int, status: Status, search: int = 0) -> KnownTrial:
    key = TrialKey("final" if stage == "final" else "search", arm, search, 0, number)
    return KnownTrial(PlannedTrial(key, 0, 1, {}), status)


def test_a_search_trial_may_run_again_until_its_final_stage_begins() -> None:
    study = design(searches=2)
    trials = [
        _trial("search", 0, 0, "lost"),
        _trial("search", 0, 1, "failed"),
        _trial("search", 0, 0, "lost", search=1),  # of a search that goes on
        _trial("search", 1, 0, "halved"),
        _trial("search", 1, 1, "lost"),
        _trial("final", 0, 0, "finished"),
        _trial("final", 0, 1, "lost"),
        _trial("final", 0, 2, "failed"),
    ]
    assert [str(key) for key in retryable(study, trials, ["lost"])] == [
        "final-a00-r0-f0-n001",
        "search-a00-r1-f0-n000",
        "search-a01-r0-f0-n001",
    ]
    assert [str(key) for key in retryable(study, trials, ["failed"])] == ["final-a00-r0-f0-n002"]
    assert retryable(study, trials, []) == []


@pytest.mark.parametrize("stage", ["search", "final"])
def test_a_trial_that_runs_again_leads_to_the_study_that_lost_none(stage: str) -> None:
    """The plan takes the trial up where it is, and the study ends as it would have ended."""
    study = design(arms=(arm(0),), final_seeds=3)
    whole = run(Memory(study), [0])
    memory, lost = Memory(study), None
    planner = Planner(study)
    while True:
        memory.take_in(planner)
        segment = next(planner.owed(), None)
        if segment is None:
            break
        trial = memory.trials[segment.trial]
        if lost is None and segment.trial.stage == stage and segment.trial.number == 1:
            trial.status, lost = "lost", trial
            if stage == "search":  # before the others decide without it
                break
        else:
            memory.complete(segment)
        planner.record(trial)
    assert lost is not None
    assert decide(study, memory.trials.values()).nothing == (stage == "final")
    assert retryable(study, memory.trials.values(), ["lost"]) == [lost.plan.key]
    memory.trials[lost.plan.key] = dataclasses.replace(lost, status="open")
    assert run(memory, [0]) == whole
