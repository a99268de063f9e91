"""Recorder: Ray Tune's callback that takes results, ends and errors to the desk.

Tune's order is `on_trial_result`, the searcher's `on_trial_complete`, then this one's. A segment counts as done in
`on_trial_complete` and not before: a result may come twice.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from ray import cloudpickle
from ray.tune import Callback
from ray.tune.experiment import Trial

from study.dispatch.dispatcher import Desk
from study.tune.lost_workers import why
from trainables.segment import Report

_FIELDS = tuple(field.name for field in dataclasses.fields(Report))
SWEEP = 50  # steps of Tune's loop between looks for trials that ended without a word


class Recorder(Callback):
    """Between Tune and the desk.

    An error in here is not a trial's: it is kept as `trouble`, and raised where Tune lets it through, to end the run.
    """

    def __init__(self, desk: Desk, *, each_step: Callable[[], None]) -> None:
        """Args: `each_step` is called ten times a second or more, and may raise to end the run."""
        self._desk, self._each_step = desk, each_step
        self._reports: dict[str, Report] = {}
        self.trouble: Exception | None = None
        self._steps = 0

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its Tuner for a restore that never comes."""
        return {}

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """A slice was done. What is large leaves the result, which Tune keeps as long as it runs."""
        report = Report(**{name: result[name] for name in _FIELDS})
        result.pop("outcome", None)
        if self._desk.has(trial.trial_id):
            self._reports[trial.trial_id] = report
            self._do(lambda: self._desk.report(trial.trial_id, report, result.get("node")))

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """A segment ended as its worker meant it to."""
        report = self._reports.pop(trial.trial_id, None)
        if not self._desk.has(trial.trial_id):
            return
        if report is None or not report.done:
            self._do(lambda: self._desk.lost(trial.trial_id, "Ray Tune ended it without a result"))
        else:
            self._do(lambda: self._desk.back(trial.trial_id, report))

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """A worker is gone, or raised what is not the trial's fault."""
        self._reports.pop(trial.trial_id, None)
        if self._desk.has(trial.trial_id):
            self._do(lambda: self._desk.lost(trial.trial_id, _why(trial)))

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Lets trouble out, and gives the run its turn."""
        self._steps += 1
        if self._steps % SWEEP == 0:
            self._do(lambda: self._sweep(trials))
        self._do(self._each_step)
        if self.trouble is not None:
            raise self.trouble

    def _sweep(self, trials: list[Trial]) -> None:
        """Segments of trials that Tune has ended and never spoke of."""
        ended = {trial.trial_id for trial in trials if trial.status in (Trial.ERROR, Trial.TERMINATED)}
        for handle in self._desk.handles():
            if handle in ended:
                self._desk.lost(handle, "Ray Tune ended it without a word")

    def _do(self, work: Callable[[], None]) -> None:
        """Does it and keeps what goes wrong; afterwards nothing more is recorded."""
        if self.trouble is None:
            try:
                work()
            except Exception as error:
                self.trouble = error


def _why(trial: Trial) -> str:
    try:
        with open(trial.pickled_error_file, "rb") as file:
            return why(cloudpickle.load(file))
    except (OSError, TypeError):
        return "an error that Ray Tune did not keep"
