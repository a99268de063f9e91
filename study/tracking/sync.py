"""Sends one study from the ledger to MLflow, step by step; an interrupted or repeated step does no harm."""

import dataclasses
import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from study.design import Design, TrialKey
from study.ledger import Ledger
from study.ledger.rows import ArmRow, StudyRow, TrialRow
from study.study_file import Study
from study.tracking.arm_runs import arm, arm_done
from study.tracking.experiment import View
from study.tracking.models import FinalModel, Models
from study.tracking.naming import milliseconds
from study.tracking.reads import Details, details, reached, running
from study.tracking.training_runs import Run, experiment, trial, trial_name
from study.tracking.views import labels, view_tags

_BATCH = 50  # trials between two writes of the position
_GATHER_SECONDS = 120.0


class Follower:
    """Sends what is new. Its position is stored in MLflow and in the ledger; the smaller one counts.

    So a database of either that was lost or restored from a copy is brought up to date as well.

    Args:
        ledger: Opened for this object alone; only the position is written.
        name: The study's name.
        view: The study in MLflow.
        address: Key of the position in the ledger.
        design: The study's; None reads it from the recorded study file.
        models: Logs the final models; None leaves them out.
        say: Receives messages for the user.
        stopped: Returns whether to return early.
    """

    def __init__(
        self,
        ledger: Ledger,
        name: str,
        view: View,
        *,
        address: str,
        design: Design | None = None,
        models: Models | None = None,
        say: Callable[[str], None] = print,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ledger, self._view, self._address = ledger, view, address
        self._models, self._say, self._stopped = models, say, stopped
        self._study: StudyRow = ledger.study(name)
        self._arms: dict[int, ArmRow] = {row.number: row for row in ledger.arms(self._study.id)}
        self._design = design or Study.from_plain(self._study.file).design([row.name for row in self._arms.values()])
        self._labels = labels(self._arms.values())
        self._trials: dict[int, dict[TrialKey, TrialRow]] = defaultdict(dict)
        there = view.open(experiment(self._study, view_tags(self._study, list(self._arms.values()))))
        saved = ledger.view_position(self._study.id, address) or {}
        self._position = min(there, int(saved.get("revision", 0)))
        for row in ledger.trials(self._study.id):
            self._trials[row.key.arm][row.key] = row
        self._shown: set[TrialKey] = set()  # running trials whose run exists
        self._logged: set[str] = set()  # trials whose model is complete, or cannot be exported
        self._asked = False  # whether MLflow was queried for them
        self._models_since: float | None = None

    def step(self, finishing: bool = False) -> bool:
        """Send the next trials, then the next model; return whether there may be more to send.

        Args:
            finishing: Log models now. Otherwise they wait for others, since the process that exports them takes 5 s to
                start and half a GB while it lives.

        Raises:
            Exception: MLflow is unavailable. Construct another follower when it is back.
        """
        changes = self._ledger.changes_since(self._study.id, self._position, _BATCH)
        for row in changes.trials:
            self._trials[row.key.arm][row.key] = row
        new = {row.key for row in changes.trials} | (running(self._ledger, self._study.id) - self._shown)
        self._send(new)
        if self._stopped():
            return False
        if changes.position != self._position:
            self._view.leave(changes.position)
            position = {"experiment": self._view.experiment_id, "revision": changes.position}
            self._ledger.set_view_position(self._study.id, self._address, position)
            self._position = changes.position
        return bool(changes.trials) or self._log_models(finishing)

    def halt(self) -> None:
        """Show what no driver trains any more as killed; a run that goes on shows it as running again.

        Raises:
            Exception: MLflow is unavailable.
        """
        left = {
            key for key in self._shown if (row := self._trials[key.arm].get(key)) is not None and row.status == "open"
        }
        now = milliseconds(time.time())
        arms = (self._arm(number) for number, rows in sorted(self._trials.items()) if rows)
        trials = (self._trial(self._trials[key.arm][key], each) for key, each in self._details(left).items())
        for run in (*trials, *arms):
            if run.status == "RUNNING":
                self._send_run(dataclasses.replace(run, status="KILLED", end=now))

    def _send(self, keys: Iterable[TrialKey]) -> None:
        found = details(self._ledger, self._study.id, keys)
        for number in sorted({key.arm for key in found}):
            self._send_run(self._arm(number))
        for key in sorted(found):
            if self._stopped():
                return
            row = self._trials[key.arm].get(key)
            if row is None or (row.status == "open" and found[key].started is None):  # sampled, and waiting
                continue
            self._send_run(self._trial(row, found[key]))
            self._shown.add(key)

    def _send_run(self, run: Run) -> None:
        for again in (True, False):
            try:
                self._view.send(run)
            except Exception as error:
                if getattr(error, "error_code", None) != "INVALID_PARAMETER_VALUE":
                    raise
                if again:  # its run may just have been deleted, which this lookup finds
                    continue
                self._say(f"MLflow refuses {run.key}, which it will lack: {str(error).splitlines()[0]}")
            return

    def _arm(self, number: int) -> Run:
        rows = list(self._trials[number].values())
        done = arm_done(self._design, number, rows)
        finals: dict[TrialKey, Run] = {}
        if done:
            last = {row.key: row for row in rows if row.key.stage == "final"}
            finals = {key: self._trial(last[key], each) for key, each in self._details(last).items()}
        searched = reached(self._ledger, self._study.id, number, self._study.marks[-1])
        return arm(self._study, self._arms[number], rows, finals, done, searched, self._labels[number])

    def _trial(self, row: TrialRow, found: Details) -> Run:
        return trial(
            self._study,
            self._arms[row.key.arm],
            row,
            label=self._labels[row.key.arm],
            started=found.started,
            segments=found.segments,
            curve=found.curve,
            means=found.means,
        )

    def _details(self, keys: Iterable[TrialKey]) -> dict[TrialKey, Details]:
        return details(self._ledger, self._study.id, keys)

    def _log_models(self, finishing: bool) -> bool:
        """Log the next model that is due; return whether there was one."""
        if self._models is None:
            return False
        if (row := self._next_model()) is None:
            self._models_since = None
            self._models.rest()
            return False
        self._models_since = self._models_since or time.monotonic()
        if not finishing and time.monotonic() - self._models_since < _GATHER_SECONDS:
            return False
        model = self._model(row)
        reason = "its checkpoint is gone" if model is None else self._models.log(self._view, model)
        self._logged.add(str(row.key))
        if reason is not None:
            self._say(f"the network of {row.key} is not among MLflow's models: {reason}")
        return True

    def _next_model(self) -> TrialRow | None:
        if self._models is None or self._models.given_up:
            return None
        finished = [
            row
            for rows in self._trials.values()
            for row in rows.values()
            if row.key.stage == "final" and row.status == "finished"
        ]
        if finished and not self._asked:
            self._logged, self._asked = self._models.logged(self._view), True
        return next((row for row in finished if str(row.key) not in self._logged), None)

    def _model(self, row: TrialRow) -> FinalModel | None:
        found = self._details([row.key])[row.key]
        last = max(found.segments, key=lambda segment: segment.iteration)
        if last.checkpoint is None:
            return None
        return FinalModel(
            run=self._trial(row, found),
            name=f"{self._arms[row.key.arm].name} {trial_name(row.key)}",
            checkpoint=last.checkpoint,
            study=self._study.file,
        )
