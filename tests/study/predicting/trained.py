"""Tiny studies that were really trained, without Ray: in the ledger, with checkpoints in a storage."""

import pathlib
from collections.abc import Mapping
from typing import Any

from study.cases import prepare
from study.cases.prepare import find
from study.design import PlannedTrial, TrialKey
from study.ledger import Ledger
from study.study_file import Study
from study.trial_specs import Data, trial_spec, write_spec
from trainables.data.cache import cache
from trainables.data.cache.cache import CaseRecord
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.layouts import CaseFiles
from trainables.evaluation.objective import objective
from trainables.segment import Assignment, SegmentWork, driver_file
from trainables.storage.folder import Storage
from trainables.training.training import Training
from trainables.trial import Outcome

NAME = "tiny"
FENCE = 1


def file(data: pathlib.Path, changes: Mapping[str, Any]) -> Study:
    """Returns a study of one arm and a few iterations, with other values by section and key."""
    tree: dict[str, Any] = {
        "name": NAME,
        "dataset": {"path": str(data), "labels": {"blob": 1}, "split": {"validation": ["c0"], "test": ["c1", "c2"]}},
        "patch": {"size": [18, 20, 20]},
        "preprocess": {},
        "models": {"unet3d": {"width": 2}},
        "losses": {"dice": None},
        "training": {"iterations": 6, "learning_rate": 0.01},
        "budget": {"trials_per_arm": 1, "cohort": 1, "final_seeds": 2},
        "report": {"metrics": ["dice", "hd95"]},
        "resources": {"cpu": 1},
    }
    for section, values in changes.items():
        tree[section] = (
            {**tree[section], **values} if section in ("dataset", "preprocess", "budget", "training") else values
        )
    return Study.from_plain(tree)


def prepared(study: Study, home: pathlib.Path, monkeypatch: Any) -> Data:
    """Prepares the study's cases in this process."""

    def here(
        found: prepare.FoundCases, options: PreprocessOptions, where: str, *_: object
    ) -> dict[str, CaseRecord | str]:
        def one(case: CaseFiles) -> CaseRecord:
            return cache.prepare_case(case, options, where, found.group[case.name])

        return {case.name: one(case) for case in found.files}

    monkeypatch.setattr(prepare, "_records", here)
    return find(study).prepare(home, lambda _: None, lambda: None)


def trained(study: Study, home: pathlib.Path, monkeypatch: Any, seeds: int = 2, folds: int = 1) -> Data:
    """Trains the final seeds of every arm and records them in `home/ledger.db`; returns the data."""
    data = prepared(study, home, monkeypatch)
    storage, design = Storage(home), study.design()
    storage.write(f"trials/{NAME}/driver.json", driver_file(FENCE))
    with Ledger.open(home / "ledger.db") as ledger:
        id_ = ledger.create_study(study.name, study.plain(), design, data.cases, data.digest, {})
        lease = ledger.acquire(id_, seconds=1e6)
        for arm in design.arms:
            for fold in range(folds):
                for number in range(seeds):
                    key = TrialKey("final", arm.index, 0, fold, number)
                    plan = PlannedTrial(key, 0, 7 + 31 * number + fold, dict(arm.default))
                    ledger.insert_trials(lease, [plan], "default")
                    spec = trial_spec(study, arm, plan, data, gpu=0.0)
                    folder = f"trials/{NAME}/{key}"
                    write_spec(storage, spec, folder)
                    for mark in spec.marks:
                        outcome = worked(storage, folder, mark, ledger.resume_point(id_, key))
                        value = objective(outcome.scores, metric="dice", regions=list(spec.regions))
                        assert ledger.complete_segment(lease, key, mark, outcome, value).result == "recorded"
        ledger.release(lease)
    return data


def worked(storage: Storage, folder: str, mark: int, resume: tuple[int, str] | None) -> Outcome:
    """Runs a segment as a worker does."""
    work = SegmentWork(
        Assignment(
            storage=str(storage.root),
            folder=folder,
            start=0 if resume is None else resume[0],
            stop=mark,
            resume=None if resume is None else resume[1],
            attempt=mark,
            driver=f"trials/{NAME}/driver.json",
            fence=FENCE,
            slice_seconds=60.0,
        ),
        Training,
    )
    report = work.step()
    while not report.done:
        report = work.step()
    work.close()
    assert report.outcome is not None
    outcome = Outcome.from_json(report.outcome)
    assert outcome.failed is None
    return outcome
