"""A trainable that only computes numbers: a walk with a seed, losses on the way, scores by case at each mark.

It has all that a network's training has (state, curve, scores, previews, divergence) and takes milliseconds.
Environment variables, which a local Ray's workers inherit: `NUMBERS_PAUSE`, seconds of an iteration; `NUMBERS_STARTED`,
a folder where each worker process writes a file named after its number; `NUMBERS_TOGETHER`, the number of processes
that must have started before any begins to work.
"""

import hashlib
import math
import os
import pathlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from trainables.evaluation.evaluated import Evaluation
from trainables.pictures.kept import Preview
from trainables.random_streams import stream
from trainables.segmenter import Segmenter
from trainables.training.learner import Diverged
from trainables.trial import Point, Score, TrialSpec

EVERY = 4  # iterations per point of the curve


class Numbers:
    """A Learner: a walk of four numbers whose steps shrink at the learning rate."""

    def __init__(self, spec: TrialSpec) -> None:
        self.spec = spec
        self.iteration = self.passed = 0
        self.place = stream(spec.seed, "weights").normal(size=4)
        self.sum = 0.0
        self.pause = float(os.environ.get("NUMBERS_PAUSE", "0"))

    def advance(self, to: int, *, seconds: float | None = None) -> tuple[Point, ...]:
        end = time.monotonic() + (math.inf if seconds is None else seconds)
        points = []
        while self.iteration < to:
            if self.spec.learning_rate > 0.3 and self.iteration >= 7:
                raise Diverged(f"non-finite loss at iteration {self.iteration}")
            wind = stream(self.spec.seed, "patches", self.iteration).normal(size=4)
            self.place = self.place * (1 - self.spec.learning_rate) + 0.01 * wind
            self.sum += float(np.square(self.place).mean())
            self.iteration += 1
            time.sleep(self.pause)
            if self.iteration % EVERY == 0:
                points.append(Point(self.iteration, "loss", self.sum / EVERY))
                self.sum = 0.0
            if time.monotonic() >= end:
                break
        return tuple(points)

    def evaluate(self, cases: Sequence[str], *, previews: Sequence[str] = ()) -> Evaluation:
        level = math.exp(-float(np.square(self.place).mean())) * _quality(self.spec)
        scores = [
            Score(
                case, region, metric, None if _hashed(case, region) < 0.1 else level * (0.5 + _hashed(region, case) / 2)
            )
            for case in cases
            for region in self.spec.regions
            for metric in self.spec.metrics
        ]
        grey = np.full((2, 3), int(255 * level), dtype=np.uint8)
        pictures = tuple(Preview.of(case, 0, grey, grey, grey) for case in previews)
        return Evaluation(tuple(scores), pictures)

    def evaluations(self, cases: Sequence[str], *, previews: Sequence[str] = ()) -> Iterator[Evaluation]:
        return (self.evaluate((case,), previews=[case] if case in previews else []) for case in cases)

    def state_dict(self) -> dict[str, Any]:
        return {"iteration": self.iteration, "place": torch.from_numpy(self.place.copy()), "sum": self.sum}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.iteration, self.sum = state["iteration"], state["sum"]
        self.place = state["place"].numpy().copy()

    def digest(self) -> str:
        return hashlib.sha256(self.place.tobytes()).hexdigest()

    def close(self) -> None:
        pass


class NumbersSegmenter(Segmenter):
    def setup(self, config: dict[str, Any]) -> None:
        if folder := os.environ.get("NUMBERS_STARTED"):
            pathlib.Path(folder, str(os.getpid())).touch()
            deadline = time.monotonic() + 60
            while len(os.listdir(folder)) < int(os.environ.get("NUMBERS_TOGETHER", "1")):
                assert time.monotonic() < deadline, "the others never came"
                time.sleep(0.05)
        super().setup(config)

    def build(self, spec: TrialSpec) -> Numbers:
        return Numbers(spec)


def _quality(spec: TrialSpec) -> float:
    """Returns the quality of a configuration in (0, 1): a peak over the learning rate, a small factor for the loss."""
    return math.exp(-((math.log10(spec.learning_rate) + 2.5) ** 2) / 4) * (0.9 + _hashed(spec.loss) / 10)


def _hashed(*parts: str) -> float:
    return int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest()[:6], "big") / 2**48


def spec(**changes: Any) -> TrialSpec:
    """Returns a TrialSpec for `Numbers`."""
    values: dict[str, Any] = {
        "key": "search-a00-r0-f0-n000",
        "seed": 5,
        "data": "none",
        "train": ("t1", "t2"),
        "evaluate": ("v1", "v2", "v3"),
        "model": "unet",
        "loss": "dice",
        "iterations": 30,
        "patch_size": (8, 8),
        "patch_overlap": (4, 4),
        "classes": ("background", "organ"),
        "regions": {"organ": (1,)},
        "marks": (10, 30),
        "learning_rate": 0.01,
    }
    return TrialSpec(**{**values, **changes})
