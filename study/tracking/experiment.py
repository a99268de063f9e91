"""A study's experiment in MLflow: found by tag, never by a stored id; sending twice changes nothing."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from study.tracking.naming import KEY_TAG, STUDY_TAG
from study.tracking.training_runs import Experiment, MetricPoint, Run, StudyData
from study.tracking.views import VIEW_TAG, touched

T = TypeVar("T")
_Pair = tuple[str, str]

POSITION_TAG = "segstudy.position"
_DIGEST = 36  # letters of a data set's digest that MLflow takes
_METRICS, _OTHERS = 800, 100  # in one request; MLflow takes 1,000, 100 parameters, 100 tags, and 1,000 of all together


class ExperimentGoneError(Exception):
    """The experiment or a run of it was deleted while being written: it has to be looked up again."""


class View:
    """One study in one MLflow. Imports MLflow on construction (1 to 4 s): construct it in the thread that uses it.

    Args:
        uri: MLflow's tracking URI.
        artifact_root: Folder of models; None leaves it to the server.
        say: Receives messages for the user.
    """

    def __init__(self, uri: str, artifact_root: str | None, say: Callable[[str], None]) -> None:
        from mlflow import MlflowClient

        self.client = MlflowClient(tracking_uri=uri)
        self.experiment_id = ""
        self._artifact_root = artifact_root
        self._say = say
        self._fresh = False  # whether all runs of the experiment were created by this object
        self._runs: dict[str, _Known | None] = {}  # None: its run was deleted in MLflow and stays deleted

    def open(self, experiment: Experiment) -> int:
        """Find the study's experiment, restore it if it was deleted, create it if it does not exist.

        Returns:
            The position stored by `leave`; 0 if there is none.
        """
        found = self._search_experiment(experiment.identity)
        if found is None:
            self.experiment_id, self._fresh = self._create_experiment(experiment), True
            return 0
        self.experiment_id = found.experiment_id
        if found.lifecycle_stage == "deleted":
            self.client.restore_experiment(found.experiment_id)
            self._say(f"MLflow's experiment '{found.name}' had been deleted; it was restored, since its study goes on")
        for name, value in experiment.tags.items():
            there = found.tags.get(name)
            if there != value and not (name.startswith(VIEW_TAG) and touched(there)):
                self.client.set_experiment_tag(found.experiment_id, name, value)
        return int(found.tags.get(POSITION_TAG, 0))

    def leave(self, position: int) -> None:
        """Store in MLflow the position up to which it has everything."""
        self.client.set_experiment_tag(self.experiment_id, POSITION_TAG, str(position))

    def distrust(self) -> None:
        """After a failure it is unknown what arrived: look up again what is not known to be there."""
        self._fresh = False

    def send(self, run: Run) -> None:
        """Send what MLflow lacks of a run. A run that was deleted in MLflow is left alone.

        Raises:
            ExperimentGoneError: The experiment was deleted meanwhile.
            Exception: MLflow is unavailable or refuses; the next call sends what is missing.
        """
        try:
            self._send(run)
        except Exception as error:
            if getattr(error, "error_code", None) not in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
                raise
            self._runs.pop(run.key, None)
            self.distrust()
            if self._experiment_lives():
                raise
            raise ExperimentGoneError from error

    def run_id(self, key: str) -> str | None:
        """Return MLflow's id of a run; None if there is none, or if it was deleted."""
        known = self._find(key)
        return None if known is None else known.run_id

    def _send(self, run: Run) -> None:
        if self._find(run.key) is None and run.key not in self._runs:
            self._create(run)
        known = self._runs[run.key]
        if known is None:
            return
        parameters = self._parameters(run, known)
        metrics = [point for point in run.metrics if point.step > known.step and point not in known.points]
        tags = [(name, value) for name, value in run.tags.items() if known.tags.get(name) != value]
        for batch in _batches(metrics, parameters, tags):
            self.client.log_batch(known.run_id, **_entities(*batch))
        if run.data is not None and not known.has_data:
            self.client.log_inputs(known.run_id, datasets=[_data_set(run.data)])
            known.has_data = True
        known.parameters |= dict(parameters)
        known.tags |= dict(tags)
        known.note(metrics, by_step=run.parent is not None)
        if run.status == "RUNNING" and known.status != "RUNNING":
            self.client.update_run(known.run_id, status="RUNNING")
        elif run.status != "RUNNING" and (known.status, known.end) != (run.status, run.end):
            self.client.set_terminated(known.run_id, status=run.status, end_time=run.end)
        known.status, known.end = run.status, run.end
        if run.parent is not None and run.end is not None:  # nothing more will follow, and there may be ten thousand
            known.parameters, known.tags, known.step = {}, {}, -1

    def _parameters(self, run: Run, known: "_Known") -> list[tuple[str, str]]:
        """Return the parameters that MLflow lacks. It never changes one, so a different one is reported and left."""
        for name, value in run.parameters.items():
            if (there := known.parameters.get(name, value)) != value:
                self._say(f"MLflow has {name} = {there} for {run.key}, the ledger has {value}; MLflow's stays")
                known.parameters[name] = value
        return [(name, value) for name, value in run.parameters.items() if name not in known.parameters]

    def _create(self, run: Run) -> None:
        """Create a run together with the tags that identify it, so that a kill cannot leave an unidentified one."""
        tags = dict(itertools.islice(run.tags.items(), _OTHERS))
        if run.parent is not None:
            parent = self.run_id(run.parent)
            if parent is not None:
                tags["mlflow.parentRunId"] = parent
        made = self.client.create_run(self.experiment_id, start_time=run.start, tags=tags, run_name=run.name)
        self._runs[run.key] = _Known(made)

    def _find(self, key: str) -> "_Known | None":
        if key not in self._runs and not self._fresh:
            text = f"tags.`{KEY_TAG}` = '{key}'"
            found = self.client.search_runs([self.experiment_id], text, run_view_type=3, max_results=50)  # 3: all
            alive = sorted(
                (run for run in found if run.info.lifecycle_stage == "active"), key=lambda run: str(run.info.run_id)
            )
            for extra in alive[1:]:  # a creation whose response was lost
                self.client.delete_run(extra.info.run_id)
            if found:
                self._runs[key] = _Known(alive[0]) if alive else None
        return self._runs.get(key)

    def _search_experiment(self, identity: str) -> Any | None:
        found = self.client.search_experiments(view_type=3, filter_string=f"tags.`{STUDY_TAG}` = '{identity}'")
        return min(found, key=lambda each: (each.lifecycle_stage == "deleted", int(each.experiment_id)), default=None)

    def _create_experiment(self, experiment: Experiment) -> str:
        for name in (experiment.name, experiment.other_name):
            try:
                made = self.client.create_experiment(name, self._artifact_root, dict(experiment.tags))
            except Exception as error:
                if getattr(error, "error_code", None) != "RESOURCE_ALREADY_EXISTS" or name == experiment.other_name:
                    raise
                self._say(
                    f"MLflow has another experiment named '{name}' (perhaps a deleted one, which keeps its name); "
                    f"this study is shown as '{experiment.other_name}'"
                )
            else:
                return str(made)
        raise AssertionError("unreachable")

    def _experiment_lives(self) -> bool:
        try:
            return bool(self.client.get_experiment(self.experiment_id).lifecycle_stage == "active")
        except Exception as error:
            if getattr(error, "error_code", None) == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise


class _Known:
    """Content of a run that MLflow is known to have.

    Attributes:
        run_id: MLflow's id of it.
        status: Its status there.
        end: Its end there.
        parameters: Those that are there.
        tags: Those that are there.
        step: Step up to which all metrics are known to be there; -1 if unknown.
        points: An arm's points that are known to be there.
        has_data: Whether its data set is there.
    """

    def __init__(self, run: Any) -> None:
        self.run_id: str = run.info.run_id
        self.status: str = run.info.status
        self.end: int | None = run.info.end_time
        self.parameters: dict[str, str] = dict(run.data.params)
        self.tags: dict[str, str] = dict(run.data.tags)
        self.step = -1
        self.points: set[MetricPoint] = set()
        self.has_data = bool(run.inputs and run.inputs.dataset_inputs)

    def note(self, metrics: Sequence[MetricPoint], *, by_step: bool) -> None:
        """Remember points that were sent: by step, or singly where steps count trials beside iterations (arms)."""
        if by_step:
            self.step = max((point.step for point in metrics), default=self.step)
        else:
            self.points.update(metrics)


def _data_set(data: StudyData) -> Any:
    """Return the data set in MLflow's classes; it takes 36 letters of a digest, so the profile has the whole one."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    whole = json.dumps({"data_digest": data.digest})
    entity = Dataset(data.name, data.digest[:_DIGEST], source_type="segstudy", source=whole, profile=whole)
    return DatasetInput(entity, [InputTag("mlflow.data.context", data.use)])


def _batches(
    metrics: Sequence[MetricPoint], parameters: Sequence[_Pair], tags: Sequence[_Pair]
) -> Iterator[tuple[Sequence[MetricPoint], Sequence[_Pair], Sequence[_Pair]]]:
    """Yield requests within MLflow's limits."""
    return itertools.zip_longest(_cut(metrics, _METRICS), _cut(parameters, _OTHERS), _cut(tags, _OTHERS), fillvalue=())


def _cut(values: Sequence[T], size: int) -> list[Sequence[T]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def _entities(metrics: Sequence[MetricPoint], parameters: Sequence[_Pair], tags: Sequence[_Pair]) -> dict[str, Any]:
    from mlflow.entities import Metric, Param, RunTag

    return {
        "metrics": [Metric(point.name, point.value, point.milliseconds, point.step) for point in metrics],
        "params": [Param(name, value) for name, value in parameters],
        "tags": [RunTag(name, value) for name, value in tags],
        "synchronous": True,
    }
