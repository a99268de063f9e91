"""Final models in MLflow: the network of each finished final-stage trial, linked to its run."""

import dataclasses
import json
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from study.tracking.database import environment
from study.tracking.experiment import View
from study.tracking.model_export import Order
from study.tracking.naming import KEY_TAG
from study.tracking.training_runs import Run

MODEL_TAG = "segstudy.model"  # tag of a run whose model is complete
_ODD = re.compile(r"[^\w+ ()-]")  # MLflow refuses some letters in a model's name
_EXPORT_SECONDS = 600.0
_TRIES = 3


class StoppedError(Exception):
    """A stop was requested while a model was being exported."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinalModel:
    """A network to be logged.

    Attributes:
        run: The trial's run.
        name: Its name in MLflow.
        checkpoint: Folder of the trial's last checkpoint in the storage.
        study: The study file.
    """

    run: Run
    name: str
    checkpoint: str
    study: Mapping[str, Any]


class Models:
    """Logs models through a view; another process, started on demand, exports them.

    Args:
        storage: Root of the checkpoints.
        stopped: Returns whether to give up.

    Attributes:
        given_up: Whether MLflow refused so often that no more models are sent.
    """

    def __init__(self, storage: str, stopped: Callable[[], bool]) -> None:
        self._storage = storage
        self._stopped = stopped
        self._maker: subprocess.Popen[bytes] | None = None
        self._refusals = 0  # in a row
        self.given_up = False

    def log(self, view: View, model: FinalModel) -> str | None:
        """Export and upload one model, link it to its run, then mark it as complete; each step may be repeated.

        Returns:
            Why it cannot be exported; None if it was, or if its run was deleted in MLflow. When MLflow refuses three
            times in a row, which takes runs at the same time, that is the reason, and `given_up` is set.

        Raises:
            StoppedError: A stop was requested.
            Exception: MLflow is unavailable or refuses.
        """
        try:
            reason = self._log(view, model)
        except StoppedError:
            raise
        except Exception as error:
            self._refusals += 1
            self.given_up = self._refusals >= _TRIES
            if not self.given_up:
                raise
            why = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
            return f"{why}. No more are sent until the study is run again"
        self._refusals = 0
        return reason

    def logged(self, view: View) -> set[str]:
        """Return keys of trials whose model is complete, or was and has been deleted since."""
        found: set[str] = set()
        token = None
        while True:
            page = view.client.search_runs(
                [view.experiment_id], f"tags.`{MODEL_TAG}` = 'logged'", run_view_type=3, page_token=token
            )
            found.update(run.data.tags[KEY_TAG] for run in page)
            if not (token := page.token):
                return found

    def _log(self, view: View, model: FinalModel) -> str | None:
        run_id = view.run_id(model.run.key)
        if run_id is None:
            return None
        logged = self._entry(view, model, run_id)
        with tempfile.TemporaryDirectory(prefix="segstudy-model-") as scratch:
            folder = str(Path(scratch, "model"))
            order = Order(
                storage=self._storage,
                checkpoint=model.checkpoint,
                trial=model.run.key,
                into=folder,
                model_id=logged.model_id,
                run_id=run_id,
                study=dict(model.study),
                facts={name: model.run.tags[name] for name in ("arm", "seed", "data_digest", "code_version")},
            )
            if (reason := self._make(order)) is not None:
                view.client.finalize_logged_model(logged.model_id, "FAILED")
                return reason
            view.client.log_model_artifacts(logged.model_id, folder)
        self._link(view, model, run_id, logged.model_id)
        view.client.finalize_logged_model(logged.model_id, "READY")
        view.client.set_tag(run_id, MODEL_TAG, "logged")
        return None

    def rest(self) -> None:
        """End the process that exports models; it is started again on demand."""
        if self._maker is not None:
            self._maker.kill()
            self._maker.communicate()
            self._maker = None

    def _entry(self, view: View, model: FinalModel, run_id: str) -> Any:
        """Return the model's entry, which an earlier attempt may have created."""
        found = view.client.search_logged_models(
            [view.experiment_id], filter_string=f"tags.`{KEY_TAG}` = '{model.run.key}'", max_results=10
        )
        mine = [entry for entry in found if entry.source_run_id == run_id]
        if mine:
            return min(mine, key=lambda entry: str(entry.model_id))
        shown = ("arm", "model", "loss", "stage", "search", "fold", "number", "seed", "data_digest", "code_version")
        return view.client.create_logged_model(
            view.experiment_id,
            name=_ODD.sub("_", model.name),
            source_run_id=run_id,
            tags={KEY_TAG: model.run.key, **{name: model.run.tags[name] for name in shown}},
            params=dict(model.run.parameters),
            model_type="segmentation",
        )

    def _link(self, view: View, model: FinalModel, run_id: str, model_id: str) -> None:
        """Link the model as output of the run, with the metrics of its iteration."""
        from mlflow.entities import LoggedModelOutput, Metric

        test = [point for point in model.run.metrics if point.name.startswith("test/")]
        step = max((point.step for point in test), default=0)
        outputs = view.client.get_run(run_id).outputs
        linked = [] if outputs is None else [output.model_id for output in outputs.model_outputs]
        if model_id not in linked:
            view.client.log_outputs(run_id, [LoggedModelOutput(model_id, step)])
        metrics = [
            Metric(point.name, point.value, point.milliseconds, point.step, model_id=model_id, run_id=run_id)
            for point in test
            if point.step == step
        ]
        view.client.log_batch(run_id, metrics=metrics, synchronous=True)

    def _make(self, order: Order) -> str | None:
        """Have the folder exported; return why it cannot be, or None."""
        if self._maker is None:
            self._maker = subprocess.Popen(
                [sys.executable, "-P", "-m", "study.tracking.model_export"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment(),
                start_new_session=True,  # so that Ctrl-C reaches only the driver
            )
        assert self._maker.stdin is not None
        self._maker.stdin.write(json.dumps(dataclasses.asdict(order)).encode() + b"\n")
        self._maker.stdin.flush()
        line = self._answer(self._maker)
        if not line:
            self.rest()
            return "the process that makes it ended without an answer (out of memory?)"
        answer = json.loads(line)
        return None if "folder" in answer else str(answer["failed"])

    def _answer(self, maker: subprocess.Popen[bytes]) -> bytes:
        assert maker.stdout is not None
        end = time.monotonic() + _EXPORT_SECONDS
        while time.monotonic() < end:
            if self._stopped():
                self.rest()
                raise StoppedError
            if select.select([maker.stdout], [], [], 0.2)[0]:
                return maker.stdout.readline()
        return b""
