"""Segmenter: the Ray Tune trainable that runs on a worker; an adapter from Tune's interface to `SegmentWork`."""

import contextlib
import dataclasses
from typing import Any

import ray
from ray import tune

from trainables.failures import BROKEN_DEVICE
from trainables.segment import Assignment, SegmentWork
from trainables.training.learner import Learner
from trainables.trial import TrialSpec

_FIELDS = frozenset(field.name for field in dataclasses.fields(Assignment))


class Segmenter(tune.Trainable):
    """Runs one segment after the other in one process. Tune's own checkpoints are not used.

    A subclass that trains something else overrides only `build`.
    """

    _work: SegmentWork | None = None
    _broken = False

    def build(self, spec: TrialSpec) -> Learner:
        """Return the learner of a trial, at iteration 0."""
        from trainables.training.training import Training

        return Training(spec)

    def setup(self, config: dict[str, Any]) -> None:
        """Accept the first segment. Errors are reported by `step`, not here."""
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Accept the next segment and release the one before.

        Raises:
            RuntimeError: An earlier segment left the device unusable: the process has to end.
        """
        if self._broken:
            raise RuntimeError(BROKEN_DEVICE)
        self.cleanup()
        assignment = Assignment(**{name: value for name, value in new_config.items() if name in _FIELDS})
        self._work = SegmentWork(assignment, self.build)
        return True

    def step(self) -> dict[str, Any]:
        """Run a slice of the segment; return its `Report` as a dict, with the node's id."""
        assert self._work is not None
        report = dataclasses.asdict(self._work.step())
        self._broken = report["broken"]
        if report["done"]:
            with contextlib.suppress(RuntimeError) if self._broken else contextlib.nullcontext():
                self.cleanup()  # which cannot release memory of a broken device
        return {**report, "node": ray.get_runtime_context().get_node_id()}

    def cleanup(self) -> None:
        """Release network, data and memory; the process stays for the next segment."""
        if self._work is not None:
            self._work.close()
        self._work = None
