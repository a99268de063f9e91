"""A ledger filled one segment at a time, as by a driver, and the contents of an MLflow as plain data."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from search_spaces.grammar import Choice, Fixed, Range
from study.design import Arm, Design, KnownTrial, TrialKey
from study.ledger import Ledger
from study.ledger.rows import Case
from study.planning.planner import decide
from study.tracking.thread import Tracker
from tests.study.plans import hashed
from trainables.trial import Outcome, Point, Score

NAME = "toy"
CASES = [
    *(Case(f"v{number}", f"v{number}", ("validation",)) for number in range(3)),
    *(Case(f"t{number}", f"t{number}", ("test",)) for number in range(3)),
]
RATE = Range(1e-5, 1e-2, log=True)
DESIGN = Design(
    seed=1,
    arms=(
        Arm(
            0,
            "unet+dice",
            "unet",
            "dice",
            "none",
            {"loss.gamma": Choice((1, 2.5, None)), "training.learning_rate": RATE},
            {"loss.gamma": 1, "training.learning_rate": 1e-3},
        ),
        Arm(
            1,
            "unet+focal",
            "unet",
            "focal",
            "none",
            {"training.learning_rate": Fixed(0.001), "training.optimizer": Fixed("adam")},
            {"training.learning_rate": 0.001, "training.optimizer": "adam"},
        ),
    ),
    marks=(10, 20),
    eta=2,
    trials_per_arm=6,
    cohort=3,
    sampler="random",
    searches=1,
    final_seeds=2,
)


def create(path: Path, design: Design = DESIGN, name: str = NAME) -> None:
    """Creates a ledger with a study of which nothing was run."""
    with Ledger.open(path) as ledger:
        file = {"name": name, "seed": design.seed}
        versions = {"segstudy": "0.1.0", "torch": "2.13.0"}
        ledger.create_study(name, file, design, CASES, "d" * 64, versions, now=1_700_000_000.5)


def play(path: Path, design: Design = DESIGN, name: str = NAME) -> Iterator[TrialKey]:
    """Continues the study to its end; yields after each segment."""
    with Ledger.open(path) as ledger:
        study_id = ledger.study(name).id
        lease = ledger.acquire(study_id)
        clock = 1_700_000_000.5 + 100 * len(ledger.segments(study_id)) + 100
        try:
            while True:
                decision = decide(design, ledger.known(study_id))
                for batch in decision.insert:
                    ledger.insert_trials(lease, batch, "random, optuna 5.0.0", now=clock)
                ledger.halve(lease, decision.halved, now=clock)
                if decision.insert or decision.halved:
                    continue
                if not decision.owed:
                    return
                segment = decision.owed[0]
                known = {trial.plan.key: trial for trial in ledger.known(study_id)}[segment.trial]
                attempt = ledger.start_attempt(lease, segment.trial, segment.stop, segment.start, now=clock + 1)
                outcome = outcome_of(known, segment.start, segment.stop)
                value = None if outcome.failed else hashed(str(segment.trial), segment.stop)
                ledger.complete_segment(lease, segment.trial, segment.stop, outcome, value, attempt, now=clock + 50.25)
                clock += 100
                yield segment.trial
        finally:
            ledger.release(lease)


def outcome_of(trial: KnownTrial, start: int, stop: int) -> Outcome:
    """Returns the trial's outcome; the last trial of the search fails before the first mark."""
    key = trial.plan.key
    if key.stage == "search" and key.number == 5:
        return Outcome(iteration=start + 3, failed="the loss is nan at iteration 3", host="here")
    cases = [case.name for case in CASES if case.splits[0] == ("validation" if key.stage == "search" else "test")]
    return Outcome(
        iteration=stop,
        scores=tuple(
            Score(case, region, metric, None if case[1] == "0" and metric == "hd95" else hashed(str(key), stop, case))
            for case in cases
            for region in ("kidney", "kidney+tumor")
            for metric in ("dice", "hd95")
        ),
        curve=tuple(Point(at, "loss", 1 / at + hashed(str(key), at)) for at in range(start + 5, stop + 1, 5)),
        checkpoint=f"trials/{key}/{stop}-1",
        weights=f"{stop:064d}",
        seconds=20.0,
        evaluate_seconds=4.0,
        trained=stop - start,
        host="here",
        device="cpu",
    )


def everything(uri: str, name: str = NAME) -> dict[str, Any]:
    """Returns experiment, runs, parameters, tags and all points, without MLflow's own ids and times."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name(name)
    runs = client.search_runs([experiment.experiment_id], run_view_type=3, max_results=1000)
    keys = {run.info.run_id: run.data.tags["segstudy.key"] for run in runs}
    assert len(set(keys.values())) == len(keys), "a run is there twice"
    shown = {}
    for run in runs:
        tags = dict(run.data.tags)
        if parent := tags.pop("mlflow.parentRunId", None):
            tags["parent"] = keys[parent]
        shown[keys[run.info.run_id]] = {
            "name": run.info.run_name,
            "status": run.info.status,
            "stage": run.info.lifecycle_stage,
            "start": run.info.start_time,
            "end": run.info.end_time,
            "parameters": dict(run.data.params),
            "tags": tags,
            "metrics": {
                metric: [
                    (point.step, point.timestamp, point.value) for point in client.get_metric_history(run_id, metric)
                ]
                for run_id in [run.info.run_id]
                for metric in run.data.metrics
            },
        }
    tags = {tag: value for tag, value in experiment.tags.items() if not tag.startswith("mlflow.experiment.")}
    return {"tags": tags, "stage": experiment.lifecycle_stage, "runs": shown}


def sync(ledger: Path, name: str, *, uri: str, halted: bool = False, **options: Any) -> bool:
    """Sends to MLflow what it lacks of a study; tells whether it then has everything."""
    return Tracker(ledger, name, uri=uri, **options).start().catch_up(600.0, halted=halted)
