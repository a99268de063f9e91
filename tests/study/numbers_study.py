"""A real small study of the numbers trainable, as a command: `python -m tests.study.numbers_study HOME`.

Two arms, TPE with two cohorts, halving at three marks, final seeds. Prints its digest at the end.
"""

import argparse
import dataclasses
import json
import pathlib
from collections.abc import Callable
from typing import Any

from study.events import OnEvent, ignore
from study.ledger import Ledger
from study.ledger.rows import Case
from study.running.assembly import Pace
from study.running.run import Result, run
from study.study_file import Study
from study.trial_specs import Data
from tests.study.numbers import NumbersSegmenter

SPLITS = ("train", "train", "train", "validation", "validation", "test", "test")
PACE = Pace(slice_seconds=0.2, checkpoint_seconds=0.3, lease_seconds=10.0)


class NoData:
    """A source of cases that are never opened."""

    def prepare(self, root: pathlib.Path, on_event: OnEvent, stopping: Callable[[], None]) -> Data:
        cases = tuple(Case(f"case{i}", f"case{i}", (split,)) for i, split in enumerate(SPLITS))
        return Data("none", "0" * 64, cases)


def numbers_study(**changes: Any) -> Study:
    """Returns the study file; `changes` replace whole sections."""
    plain: dict[str, Any] = {
        "name": "numbers",
        "seed": 3,
        "dataset": {"path": "nowhere", "labels": {"organ": 1, "lesion": 2}},
        "patch": {"size": [32, 32]},
        "models": {"unet": {"width": 8}},
        "losses": {"dice": None, "focal": {"gamma": {"low": 0.5, "high": 4}}},
        "training": {"learning_rate": {"low": 1e-4, "high": 1.0, "log": True}, "iterations": 32},
        "budget": {
            "trials_per_arm": 8,
            "cohort": 4,
            "sampler": "tpe",
            "halving": {"eta": 2, "marks": [8, 16, 32]},
            "final_seeds": 2,
        },
        "report": {"metrics": ["dice"]},
        "resources": {"cpu": 1, "gpu": 0},
    }
    return Study.from_plain({**plain, **changes})


def run_numbers(home: str | pathlib.Path, study: Study | None = None, **options: Any) -> Result:
    """Runs it in this process."""
    given = {"pace": PACE, "on_event": ignore, "trainable": NumbersSegmenter, "source": NoData(), **options}
    return run(study or numbers_study(), home=home, **given)


def digest(home: str | pathlib.Path, name: str = "numbers") -> str:
    with Ledger.open(pathlib.Path(home) / "ledger.db", read_only=True) as ledger:
        return ledger.digest(ledger.study(name).id)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("home")
    parser.add_argument("--events", action="store_true")
    parser.add_argument("--ray", help="a cluster's address")
    parser.add_argument("--slice", type=float, default=PACE.slice_seconds, help="seconds between a worker's reports")
    parser.add_argument(
        "--lease", type=float, default=PACE.lease_seconds, help="seconds that a frozen driver is waited for"
    )
    parser.add_argument("--name", default="numbers", help="the study's name")
    arguments = parser.parse_args()
    ended = run_numbers(
        arguments.home,
        numbers_study(name=arguments.name),
        ray_address=arguments.ray,
        on_event=print if arguments.events else ignore,
        pace=dataclasses.replace(PACE, slice_seconds=arguments.slice, lease_seconds=arguments.lease),
    )
    print(json.dumps({**dataclasses.asdict(ended), "digest": digest(arguments.home, arguments.name)}))
