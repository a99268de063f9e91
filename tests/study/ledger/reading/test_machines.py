from study.ledger import Ledger
from tests.study import small


def test_different_machines_each_once_and_of_this_study_only(where: str) -> None:
    with Ledger.open(where) as ledger:
        for name, gpus in (("other", ("C",)), ("small", ("B", "A", "B"))):
            lease = small.begin(ledger, name)
            trials = [small.key(number) for number in range(len(gpus))]
            ledger.insert_trials(lease, [small.plan(trial) for trial in trials], "random")
            for trial, gpu in zip(trials, gpus, strict=True):
                outcome = small.outcome(5, trial, machine={"gpu": gpu, "versions": {"torch": "2.13.0"}})
                ledger.complete_segment(lease, trial, 5, outcome, 0.5)
        assert [machine["gpu"] for machine in ledger.machines(lease.study_id)] == ["A", "B"]


def test_segments_of_older_versions_tell_none(where: str) -> None:
    with Ledger.open(where) as ledger:
        assert ledger.machines(small.fill(ledger).study_id) == []
