"""Recorder: a Ray Tune callback that passes results, ends and errors to the dispatcher.

Tune calls `on_trial_result`, then the searcher's `on_trial_complete`, then this one's. A segment counts as done in
`on_trial_complete` and not before, since a result may be delivered twice.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from ray import cloudpickle
from ray.tune import Callback
from ray.tune.experiment import Trial

from study.dispatch.dispatcher import Dispatcher
from study.tune.lost_workers import why
from trainables.segment import Report

_FIELDS = tuple(field.name for field in dataclasses.fields(Report))
SWEEP = 50  # steps of Tune's loop between two searches for trials that ended without a callback


class Recorder(Callback):
    """Passes what Tune reports to the dispatcher.

    An error in this class is not the trial's: it is kept as `trouble` and raised where Tune lets it end the run.
    """

    def __init__(self, dispatcher: Dispatcher, *, each_step: Callable[[], None]) -> None:
        """Initialise; `each_step` is called at least ten times a second and may raise to end the run."""
        self._dispatcher, self._each_step = dispatcher, each_step
        self._reports: dict[str, Report] = {}
        self.trouble: Exception | None = None
        self._steps = 0

    def __getstate__(self) -> dict[str, Any]:
        """Return no state: Tune pickles its Tuner for a restore, which is never used."""
        return {}

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """Record a slice. The outcome is removed from the result, which Tune keeps in memory."""
        report = Report(**{name: result[name] for name in _FIELDS})
        result.pop("outcome", None)
        if self._dispatcher.has(trial.trial_id):
            self._reports[trial.trial_id] = report
            self._do(lambda: self._dispatcher.report(trial.trial_id, report, result.get("node")))

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Record a segment that its worker ended."""
        report = self._reports.pop(trial.trial_id, None)
        if not self._dispatcher.has(trial.trial_id):
            return
        if report is None or not report.done:
            self._do(lambda: self._dispatcher.lost(trial.trial_id, "Ray Tune ended it without a result"))
        else:
            self._do(lambda: self._dispatcher.finished(trial.trial_id, report))

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Record a worker that died or raised an error that is not the trial's fault."""
        self._reports.pop(trial.trial_id, None)
        if self._dispatcher.has(trial.trial_id):
            self._do(lambda: self._dispatcher.lost(trial.trial_id, _why(trial)))

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Call `each_step` and raise a kept error, which ends Tune's loop."""
        self._steps += 1
        if self._steps % SWEEP == 0:
            self._do(lambda: self._sweep(trials))
        self._do(self._each_step)
        if self.trouble is not None:
            raise self.trouble

    def _sweep(self, trials: list[Trial]) -> None:
        """Record as lost the segments of trials that Tune ended without a callback."""
        ended = {trial.trial_id for trial in trials if trial.status in (Trial.ERROR, Trial.TERMINATED)}
        for handle in self._dispatcher.handles():
            if handle in ended:
                self._dispatcher.lost(handle, "Ray Tune ended it without a callback")

    def _do(self, work: Callable[[], None]) -> None:
        """Run `work` and keep its error; after an error nothing more is recorded."""
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
