"""Segmenter: what Ray Tune runs on a worker. The thin adapter between Tune's interface and a segment's work."""

import dataclasses
from typing import Any

import ray
from ray import tune

from trainables.segment import Assignment, SegmentWork
from trainables.training.learner import Learner
from trainables.trial import TrialSpec

_FIELDS = frozenset(field.name for field in dataclasses.fields(Assignment))


class Segmenter(tune.Trainable):
    """Carries out one segment after the other in one process. Tune's own checkpoints stay unused.

    A subclass that learns something else overrides `build` and nothing more.
    """

    _work: SegmentWork | None = None

    def build(self, spec: TrialSpec) -> Learner:
        """What learns, at iteration 0."""
        from trainables.training.training import Training

        return Training(spec)

    def setup(self, config: dict[str, Any]) -> None:
        """Takes the first segment. Nothing here can fail: what goes wrong is reported by `step`."""
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes the next segment and drops all that is left of the one before."""
        self.cleanup()
        assignment = Assignment(**{name: value for name, value in new_config.items() if name in _FIELDS})
        self._work = SegmentWork(assignment, self.build)
        return True

    def step(self) -> dict[str, Any]:
        """A slice of the segment; its `Report` as a dict, with the node where it was made."""
        assert self._work is not None
        report = dataclasses.asdict(self._work.step())
        if report["done"]:
            self.cleanup()
        return {**report, "node": ray.get_runtime_context().get_node_id()}

    def cleanup(self) -> None:
        """Lets go of network, data and memory; the process stays for the next segment."""
        if self._work is not None:
            self._work.close()
        self._work = None
