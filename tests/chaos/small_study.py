"""A small real study as a command: phantoms, networks, Ray, a ledger and an MLflow at any address.

`python -m tests.chaos.small_study HOME --data DIR --ledger URL --mlflow URL` prints its events and, last, its digest.
"""

import argparse
import dataclasses
import json
from typing import Any

from study.ledger import Ledger
from study.running.assembly import Pace
from study.running.run import run
from study.study_file import Study

NAME = "chaos"
PACE = Pace(slice_seconds=0.2, checkpoint_seconds=0.2, lease_seconds=10.0)
FINALS = ("final-a00-r0-f0-n000", "final-a01-r0-f0-n000")
"""Trials whose last checkpoint is kept; others have none."""
CASES = 8


def small_study(data: str) -> Study:
    """Returns a study of two arms, TPE with two cohorts, halving at two marks, and one final training per arm."""
    plain: dict[str, Any] = {
        "name": NAME,
        "seed": 3,
        "dataset": {
            "path": data,
            "labels": {"organ": 1, "lesion": 2},
            "group": "case",
            "split": {"validation": 0.25, "test": 0.25, "seed": 1},
        },
        "preprocess": {"spacing": "unknown", "normalize": "minmax"},
        "patch": {"size": [64, 64], "foreground": 0.8},
        "models": {"unet": {"width": 4}},
        "losses": {"dice": None, "focal": {"gamma": {"low": 0.5, "high": 4}}},
        "training": {"learning_rate": {"low": 1e-3, "high": 1e-2, "log": True}, "batch_size": 2, "iterations": 24},
        "budget": {
            "trials_per_arm": 4,
            "cohort": 2,
            "sampler": "tpe",
            "halving": {"eta": 2, "marks": [8, 24]},
            "final_seeds": 1,
        },
        "report": {"metrics": ["dice"]},
        "resources": {"cpu": 1, "gpu": 0},
    }
    return Study.from_plain(plain)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home")
    for name in ("data", "ledger", "mlflow"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--storage")
    given = parser.parse_args()
    ended = run(
        small_study(given.data),
        home=given.home,
        ledger_url=given.ledger,
        storage=given.storage,
        mlflow_uri=given.mlflow,
        on_event=print,
        pace=PACE,
    )
    with Ledger.open(given.ledger, read_only=True) as ledger:
        digest = ledger.digest(ledger.study(NAME).id)
    print(json.dumps({**dataclasses.asdict(ended), "digest": digest}))


if __name__ == "__main__":
    main()
