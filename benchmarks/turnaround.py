"""Turnaround of 48 trials that only compute numbers, beside Ray Tune with OptunaSearch and MLflowLoggerCallback.

    python benchmarks/turnaround.py [--trials 48] [--rounds 3] [--peer-trials 48] [--home FOLDER] [--profile]

Both run `tests.study.numbers.Numbers` (32 trivial iterations, then the scores of two cases) on the same Ray of two CPUs
in this process, with TPE over the same learning rate and an MLflow on SQLite, in turn; the first one alternates. Ours
is a whole `running.run.run` with its ledger and one final trial more, until MLflow has everything; the peer is a
function written after Ray's and MLflow's guides, with their defaults. A warm-up round of four trials starts Ray and
creates both MLflow databases; with `--home` these are kept for the next call.

The last line is `ratio turnaround=VALUE`, the peer's wall time of a trial over ours, median over the rounds; the exit
status is 0 only if it is at least 8. On a loaded machine the peer needs minutes for a round: `--peer-trials` gives it
fewer; its time per trial hardly depends on their number. `--profile` profiles our driver's thread in one more run.
"""

import argparse
import contextlib
import cProfile
import os
import pathlib
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # Ray's workers import the numbers by their name

from study.machines.ray_session import settings
from study.running.run import run
from tests.study.numbers import Numbers, NumbersSegmenter, spec
from tests.study.numbers_study import NoData, numbers_study

NEEDED = 8.0
WARM = 4
ITERATIONS = 32
LOW, HIGH = 1e-4, 0.2
"""Range of the learning rate; below 0.3 no walk diverges."""
CASES = ("case3", "case4")
"""The validation cases of `NoData`."""


def ours(home: pathlib.Path, trials: int) -> None:
    """Runs a study of one arm, its trials in cohorts of eight."""
    name = f"turnaround-{time.time_ns()}"
    study = numbers_study(
        name=name,
        losses={"dice": None},
        training={"learning_rate": {"low": LOW, "high": HIGH, "log": True}, "iterations": ITERATIONS},
        budget={"trials_per_arm": trials, "cohort": min(8, trials // 2), "sampler": "tpe", "final_seeds": 1},
    )
    mlflow = f"sqlite:///{home / 'ours.db'}"
    result = run(study, home=home / name, mlflow_uri=mlflow, trainable=NumbersSegmenter, source=NoData())
    assert result.complete, result
    assert result.finished == trials + 1, result


def objective(config: dict[str, Any]) -> None:
    """Runs one trial of the peer: the same walk and the same scores."""
    from ray import tune

    walk = Numbers(spec(learning_rate=config["learning_rate"], iterations=ITERATIONS, marks=(ITERATIONS,)))
    walk.advance(ITERATIONS)
    values = [score.value or 0.0 for score in walk.evaluate(CASES).scores]
    tune.report({"dice": sum(values) / len(values)})


def peer(home: pathlib.Path, trials: int) -> None:
    """Runs Ray Tune with OptunaSearch and MLflow's callback, after their guides."""
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback
    from ray.tune.search.optuna import OptunaSearch

    name = f"turnaround-{time.time_ns()}"
    follow = MLflowLoggerCallback(tracking_uri=f"sqlite:///{home / 'peer.db'}", experiment_name=name)
    tuner = tune.Tuner(
        tune.with_resources(objective, {"cpu": 1}),
        param_space={"learning_rate": tune.loguniform(LOW, HIGH)},
        tune_config=tune.TuneConfig(metric="dice", mode="max", num_samples=trials, search_alg=OptunaSearch()),
        run_config=tune.RunConfig(name=name, storage_path=str(home / "tune"), callbacks=[follow], verbose=0),
    )
    results = tuner.fit()
    assert len(results) == trials
    assert not results.errors, results.errors


def measure(home: pathlib.Path, trials: dict[str, int], rounds: int) -> dict[str, list[float]]:
    """Returns wall seconds per trial of each round of both; a new home runs a warm-up round first."""
    ways: dict[str, Callable[[pathlib.Path, int], None]] = {"segstudy": ours, "Ray Tune": peer}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range((home / "peer.db").exists(), rounds + 1):
        for name in list(ways)[:: 1 if number % 2 else -1]:
            start = time.perf_counter()
            ways[name](home, trials[name] if number else WARM)
            if number:
                wall = time.perf_counter() - start
                seconds[name].append(wall / trials[name])
                print(f"round {number}: {name} {wall:.1f} s for {trials[name]} trials", flush=True)
    return seconds


def main() -> int:
    """Prints the rounds, seconds a trial and the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-trials", type=int, help="as many as ours by default")
    parser.add_argument("--home", type=pathlib.Path, help="an existing folder of the runs, not removed")
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    import ray

    profile, trials = cProfile.Profile(), {"segstudy": given.trials, "Ray Tune": given.peer_trials or given.trials}
    with contextlib.nullcontext(given.home) if given.home else tempfile.TemporaryDirectory() as folder:
        with settings():  # for the workers of both; the peer keeps Tune's default switches
            ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        try:
            seconds = measure(pathlib.Path(folder), trials, given.rounds)
            if given.profile:
                profile.runcall(ours, pathlib.Path(folder), given.trials)
        finally:
            ray.shutdown()
    if given.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    for name, values in seconds.items():
        print(f"{name:9} {statistics.median(values):6.3f} s a trial, {trials[name]} trials")
    ratio = statistics.median(b / a for a, b in zip(seconds["segstudy"], seconds["Ray Tune"], strict=True))
    print(f"load {os.getloadavg()[0]:.1f}")
    print(f"ratio turnaround={ratio:.2f}")
    return 0 if ratio >= NEEDED else 1


if __name__ == "__main__":
    sys.exit(main())
