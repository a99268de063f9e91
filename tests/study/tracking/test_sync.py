"""The view in a real MLflow on SQLite: repeated, cut off, lost, deleted, it comes to the same content."""

import fcntl
import itertools
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.ledger import Ledger
from study.tracking.database import artifact_root, configure, default_uri, prepare, public
from study.tracking.experiment import View
from study.tracking.sync import Follower
from study.tracking.views import DEFAULT_VIEW
from tests.study import tracked


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database: making one takes seconds."""
    configure()
    folder = tmp_path_factory.mktemp("mlflow")
    prepare(default_uri(folder))
    return folder / "mlflow.db"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of a study that was run to its end."""
    path = tmp_path_factory.mktemp("finished") / "ledger.db"
    tracked.create(path)
    assert len(list(tracked.play(path))) > 10
    return path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, template: Path, finished: Path) -> dict[str, Any]:
    """MLflow's content when all is sent at once, in the end."""
    home = tmp_path_factory.mktemp("undisturbed")
    shutil.copy(template, home / "mlflow.db")
    assert follow(finished, home) == []
    return tracked.everything(default_uri(home))


@pytest.fixture
def home(tmp_path: Path, template: Path, finished: Path) -> Path:
    shutil.copy(template, tmp_path / "mlflow.db")
    shutil.copy(finished, tmp_path / "ledger.db")
    return tmp_path


def follow(ledger: Path, home: Path, stopped: Callable[[], bool] = lambda: False) -> list[str]:
    """Catches up from wherever the last one left off; what the user is told."""
    said: list[str] = []
    with Ledger.open(ledger) as connection:
        follower = follower_of(connection, home, said, stopped)
        while follower.step() and not stopped():
            pass
    return said


def follower_of(
    connection: Ledger, home: Path, said: list[str], stopped: Callable[[], bool] = lambda: False
) -> Follower:
    view = View(default_uri(home), artifact_root(home), said.append)
    options = {"address": default_uri(home), "design": tracked.DESIGN, "say": said.append, "stopped": stopped}
    return Follower(connection, tracked.NAME, view, **options)  # type: ignore[arg-type]


def client(home: Path) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=default_uri(home))


def experiment(home: Path) -> Any:
    return client(home).get_experiment_by_name(tracked.NAME)


def runs(home: Path) -> dict[str, Any]:
    found = client(home).search_runs([experiment(home).experiment_id], run_view_type=3, max_results=1000)
    return {run.data.tags["segstudy.key"]: run for run in found}


def test_everything_is_there(undisturbed: dict[str, Any], finished: Path) -> None:
    with Ledger.open(finished, read_only=True) as ledger:
        study = ledger.study(tracked.NAME)
        trials, segments = ledger.trials(study.id), ledger.segments(study.id)
    shown = undisturbed["runs"]
    assert set(shown) == {str(row.key) for row in trials} | {"arm-a00", "arm-a01"}
    for row in trials:
        run = shown[str(row.key)]
        assert run["tags"]["parent"] == f"arm-a{row.key.arm:02d}"
        assert run["tags"]["status"] == row.status
        split = "validation" if row.key.stage == "search" else "test"
        wanted = [(each.iteration, each.objective) for each in segments if each.trial == row.key]
        assert [(step, value) for step, _, value in run["metrics"].get(f"{split}/objective", [])] == wanted
    assert {run["status"] for run in shown.values()} == {"FINISHED", "KILLED", "FAILED"}
    assert len(shown["final-a00-r0-f0-n000"]["metrics"]["train/loss"]) == 4


def test_sending_again_changes_nothing(home: Path, undisturbed: dict[str, Any]) -> None:
    follow(home / "ledger.db", home)
    with Ledger.open(home / "ledger.db") as ledger:  # the ledger's half of the position is lost
        ledger.set_view_position(ledger.study(tracked.NAME).id, default_uri(home), {"revision": 0})
    assert follow(home / "ledger.db", home) == []
    assert tracked.everything(default_uri(home)) == undisturbed


def test_nothing_is_sent_that_is_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    follow(home / "ledger.db", home)
    monkeypatch.setattr(View, "send", lambda self, run: pytest.fail(f"{run.key} was sent again"))
    assert follow(home / "ledger.db", home) == []


def test_segment_by_segment_comes_to_the_same_with_each_point_sent_once(
    tmp_path: Path, template: Path, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import study.tracking.experiment

    sent: list[int] = []
    real = study.tracking.experiment._entities
    monkeypatch.setattr(study.tracking.experiment, "_entities", lambda m, p, t: sent.append(len(m)) or real(m, p, t))
    shutil.copy(template, tmp_path / "mlflow.db")
    ledger = tmp_path / "ledger.db"
    tracked.create(ledger)
    with Ledger.open(ledger) as connection:
        follower = follower_of(connection, tmp_path, [])
        for key in tracked.play(ledger):
            follower.step()
            assert str(key) in runs(tmp_path)
        follower.step()
    shown = tracked.everything(default_uri(tmp_path))
    assert {**shown, "tags": None} == {**undisturbed, "tags": None}  # but for the position, which counts transactions
    assert sum(sent) == sum(len(points) for run in shown["runs"].values() for points in run["metrics"].values())


class Killed(BaseException):
    pass


def dying(monkeypatch: pytest.MonkeyPatch, left: int, *, arrived: bool) -> None:
    """The process ends with its n-th request to MLflow, before it was sent or after it arrived."""
    from mlflow import MlflowClient

    count = itertools.count(1)

    def dies(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            last = next(count) == left
            answer = real(self, *args, **kwargs) if arrived or not last else None
            if last:
                raise Killed
            return answer

        return call

    for name in ("create_experiment", "create_run", "log_batch", "set_terminated", "set_experiment_tag"):
        monkeypatch.setattr(MlflowClient, name, dies(getattr(MlflowClient, name)))


@pytest.mark.parametrize("left", [1, 2, 3, 8, 21])
def test_a_driver_that_dies_between_two_requests(
    home: Path, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    for arrived in (False, True):
        with monkeypatch.context() as patch:
            dying(patch, left, arrived=arrived)
            with pytest.raises(Killed):
                follow(home / "ledger.db", home)
    assert follow(home / "ledger.db", home) == []
    assert tracked.everything(default_uri(home)) == undisturbed


def test_another_mlflow_gets_all_of_it(home: Path, template: Path, undisturbed: dict[str, Any]) -> None:
    follow(home / "ledger.db", home)
    shutil.copy(template, home / "mlflow.db")  # lost, and begun anew
    follow(home / "ledger.db", home)
    assert tracked.everything(default_uri(home)) == undisturbed


def test_an_mlflow_from_an_old_copy_catches_up(tmp_path: Path, template: Path, undisturbed: dict[str, Any]) -> None:
    shutil.copy(template, tmp_path / "mlflow.db")
    ledger = tmp_path / "ledger.db"
    tracked.create(ledger)
    play = tracked.play(ledger)
    for _ in range(5):
        next(play)
    follow(ledger, tmp_path)
    shutil.copy(tmp_path / "mlflow.db", tmp_path / "old.db")
    list(play)
    follow(ledger, tmp_path)
    shutil.copy(tmp_path / "old.db", tmp_path / "mlflow.db")
    follow(ledger, tmp_path)
    assert tracked.everything(default_uri(tmp_path))["runs"] == undisturbed["runs"]


def test_a_deleted_experiment_comes_back_and_the_user_is_told(home: Path, undisturbed: dict[str, Any]) -> None:
    follow(home / "ledger.db", home)
    client(home).delete_experiment(experiment(home).experiment_id)
    (said,) = follow(home / "ledger.db", home)
    assert "'toy' had been deleted; it was restored" in said
    assert tracked.everything(default_uri(home)) == undisturbed


def test_the_page_has_views_and_a_reader_s_change_to_one_stays(home: Path) -> None:
    follow(home / "ledger.db", home)
    tags = experiment(home).tags
    ours = tags[DEFAULT_VIEW]
    (row,) = [run for key, run in runs(home).items() if key == "arm-a00"]
    for column in json.loads(json.loads(ours)["state"])["selectedColumns"]:
        kind, name = column.rstrip("`").split(".`")
        there = row.data.metrics if kind == "metrics" else {name.removeprefix("space.") for name in row.data.params}
        assert name in there, column
    theirs = json.dumps({**json.loads(ours), "updatedAt": json.loads(ours)["createdAt"] + 1})
    client(home).set_experiment_tag(experiment(home).experiment_id, DEFAULT_VIEW, theirs)
    client(home).set_experiment_tag(experiment(home).experiment_id, f"{DEFAULT_VIEW}-search", "an older version's")
    follow(home / "ledger.db", home)
    assert experiment(home).tags[DEFAULT_VIEW] == theirs
    assert experiment(home).tags[f"{DEFAULT_VIEW}-search"] == tags[f"{DEFAULT_VIEW}-search"]


def test_a_name_that_someone_else_has(home: Path, undisturbed: dict[str, Any]) -> None:
    other = client(home).create_experiment(tracked.NAME)
    client(home).delete_experiment(other)
    (said,) = follow(home / "ledger.db", home)
    name = f"toy ({undisturbed['tags']['segstudy.study'][:8]})"
    assert name in said
    assert tracked.everything(default_uri(home), name) == undisturbed
    assert client(home).search_runs([other], run_view_type=3) == []
    assert follow(home / "ledger.db", home) == []


def test_an_experiment_that_was_renamed_is_still_ours(home: Path, undisturbed: dict[str, Any]) -> None:
    follow(home / "ledger.db", home)
    client(home).rename_experiment(experiment(home).experiment_id, "renamed")
    assert follow(home / "ledger.db", home) == []
    assert tracked.everything(default_uri(home), "renamed") == undisturbed


def test_a_run_that_was_deleted_stays_deleted(home: Path) -> None:
    follow(home / "ledger.db", home)
    gone = "search-a00-r0-f0-n001"
    client(home).delete_run(runs(home)[gone].info.run_id)
    with Ledger.open(home / "ledger.db") as ledger:
        ledger.set_view_position(ledger.study(tracked.NAME).id, default_uri(home), {"revision": 0})
    assert follow(home / "ledger.db", home) == []
    assert runs(home)[gone].info.lifecycle_stage == "deleted"


def test_of_two_runs_of_a_trial_one_goes(home: Path) -> None:
    follow(home / "ledger.db", home)
    key = "search-a00-r0-f0-n001"
    tags = {"segstudy.key": key}
    for _ in range(2):  # creations whose answers came too late
        client(home).create_run(experiment(home).experiment_id, tags=tags)
    with Ledger.open(home / "ledger.db") as ledger:
        ledger.set_view_position(ledger.study(tracked.NAME).id, default_uri(home), {"revision": 0})
    follow(home / "ledger.db", home)
    found = client(home).search_runs([experiment(home).experiment_id], f"tags.`segstudy.key` = '{key}'")
    assert len(found) == 1
    assert found[0].data.tags["status"] == "halved"
    assert found[0].info.status == "KILLED"


def test_a_parameter_that_differs_is_told_once_and_left(
    tmp_path: Path, template: Path, undisturbed: dict[str, Any]
) -> None:
    shutil.copy(template, tmp_path / "mlflow.db")
    ledger, key = tmp_path / "ledger.db", "search-a00-r0-f0-n000"
    tracked.create(ledger)
    play = tracked.play(ledger)
    assert str(next(play)) == key
    follow(ledger, tmp_path)
    client(tmp_path).delete_run(runs(tmp_path)[key].info.run_id)
    twin = client(tmp_path).create_run(experiment(tmp_path).experiment_id, tags={"segstudy.key": key}).info.run_id
    client(tmp_path).log_param(twin, "loss.gamma", "99")
    said: list[str] = []
    with Ledger.open(ledger) as connection:
        connection.set_view_position(connection.study(tracked.NAME).id, default_uri(tmp_path), {"revision": 0})
        follower = follower_of(connection, tmp_path, said)
        follower.step()
        for _ in play:
            follower.step()
    assert said == [f"MLflow has loss.gamma = 99 for {key}, the ledger has 1; MLflow's stays"]
    run, wanted = client(tmp_path).get_run(twin), undisturbed["runs"][key]
    assert run.data.params == {**wanted["parameters"], "loss.gamma": "99"}
    assert run.data.metrics["validation/objective"] == wanted["metrics"]["validation/objective"][-1][2]


def test_a_run_that_mlflow_refuses_costs_only_itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    real = MlflowClient.create_run

    def refusing(self: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs["tags"]["segstudy.key"] == "search-a00-r0-f0-n002":
            raise MlflowException("no such thing", error_code=1000)  # INVALID_PARAMETER_VALUE
        return real(self, *args, **kwargs)

    monkeypatch.setattr(MlflowClient, "create_run", refusing)
    (said,) = follow(home / "ledger.db", home)
    assert "refuses search-a00-r0-f0-n002" in said
    assert len(runs(home)) == len(tracked.everything(default_uri(home))["runs"]) == 11


def test_many_points_are_sent_in_parts(
    home: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, Any]
) -> None:
    import study.tracking.experiment

    monkeypatch.setattr(study.tracking.experiment, "_METRICS", 3)
    monkeypatch.setattr(study.tracking.experiment, "_OTHERS", 2)
    follow(home / "ledger.db", home)
    assert tracked.everything(default_uri(home)) == undisturbed


def test_running_trials_are_shown_and_waiting_ones_are_not(tmp_path: Path, template: Path) -> None:
    shutil.copy(template, tmp_path / "mlflow.db")
    ledger = tmp_path / "ledger.db"
    tracked.create(ledger)
    next(tracked.play(ledger))
    with Ledger.open(ledger) as connection:
        study_id = connection.study(tracked.NAME).id
        waiting = [row.key for row in connection.trials(study_id) if not row.ended][-1]
        follower = follower_of(connection, tmp_path, [])
        follower.step()
        assert str(waiting) not in runs(tmp_path)
        lease = connection.acquire(study_id)
        connection.start_attempt(lease, waiting, 10, 0, now=1_700_000_777.0)
        follower.step()
        run = runs(tmp_path)[str(waiting)]
    assert (run.info.status, run.info.start_time, run.info.end_time) == ("RUNNING", 1_700_000_777_000, None)


def test_the_ledgers_digest_does_not_know_of_it(home: Path) -> None:
    with Ledger.open(home / "ledger.db") as ledger:
        study_id = ledger.study(tracked.NAME).id
        before = ledger.digest(study_id)
        follow(home / "ledger.db", home)
        assert ledger.digest(study_id) == before
        assert ledger.view_position(study_id, default_uri(home))["revision"] > 0


def test_a_database_that_another_process_is_making_is_waited_for_and_left(tmp_path: Path) -> None:
    waiting = threading.Thread(target=prepare, args=(default_uri(tmp_path),))
    with (tmp_path / "mlflow.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        (tmp_path / "mlflow.db").write_text("made by another")
    waiting.join(30)
    assert (tmp_path / "mlflow.db").read_text(encoding="utf-8") == "made by another"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        prepare(default_uri(tmp_path / "file" / "home"))


def test_an_mlflow_that_cannot_make_its_tables_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(OSError, match=r"mlflow.db: MLflow could not make its tables: no message"):
        prepare(default_uri(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db.lock"]


def test_what_an_address_shows() -> None:
    assert public("http://me:secret@cluster:5000/x") == "http://cluster:5000/x"
    assert public("sqlite:////home/me@work/mlflow.db") == "sqlite:////home/me@work/mlflow.db"


def test_processes_that_open_a_fresh_database_at_once(tmp_path: Path) -> None:
    line = f"from study.tracking.database import prepare; prepare({default_uri(tmp_path)!r})"
    started = [subprocess.Popen([sys.executable, "-c", line]) for _ in range(2)]
    assert [process.wait(60) for process in started] == [0, 0]
    assert client(tmp_path).search_experiments()[0].name == "Default"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db", "mlflow.db.lock"]


def test_every_run_has_the_data_set_once(home: Path) -> None:
    follow(home / "ledger.db", home)
    follow(home / "ledger.db", home)
    runs = client(home).search_runs([experiment(home).experiment_id], max_results=1000)
    assert len(runs) > 10
    for run in runs:
        (given,) = run.inputs.dataset_inputs
        assert (given.dataset.name, given.dataset.digest) == (tracked.NAME, "d" * 36)
        assert "d" * 64 in given.dataset.profile
        assert {tag.key: tag.value for tag in given.tags} == {
            "mlflow.data.context": "arm" if run.data.tags["kind"] == "arm" else run.data.tags["stage"]
        }


def test_a_stopped_study_is_shown_as_stopped_until_it_goes_on(tmp_path: Path, template: Path) -> None:
    shutil.copy(template, tmp_path / "mlflow.db")
    ledger = tmp_path / "ledger.db"
    tracked.create(ledger)
    first = next(key for key in tracked.play(ledger) if key is not None)

    def statuses() -> dict[str, str]:
        runs = client(tmp_path).search_runs([experiment(tmp_path).experiment_id], max_results=1000)
        return {run.data.tags["segstudy.key"]: run.info.status for run in runs}

    assert tracked.sync(ledger, tracked.NAME, uri=default_uri(tmp_path), design=tracked.DESIGN, halted=True)
    stopped = statuses()
    assert stopped[str(first)] == stopped["arm-a00"] == "KILLED"
    assert "RUNNING" not in stopped.values()
    for _ in tracked.play(ledger):
        pass
    assert tracked.sync(ledger, tracked.NAME, uri=default_uri(tmp_path), design=tracked.DESIGN)
    after = statuses()
    assert after["arm-a00"] == after["arm-a01"] == "FINISHED"
    assert "RUNNING" not in after.values()
    with Ledger.open(ledger) as opened:
        ends = {str(row.key): row.status for row in opened.trials(opened.study(tracked.NAME).id)}
    assert all((after[key] == "KILLED") == (end == "halved") for key, end in ends.items())


@pytest.mark.parametrize("order", ["DESC", "ASC"])
def test_runs_without_a_value_sort_last_so_that_the_first_is_the_best(home: Path, order: str) -> None:
    """Nothing that is not finite is sent, since MLflow would store 1.8e308 for it, which sorts as best or worst."""
    follow(home / "ledger.db", home)
    found = client(home).search_runs(
        [experiment(home).experiment_id], order_by=[f"metrics.`validation/objective` {order}"], max_results=1000
    )
    values = [run.data.metrics.get("validation/objective") for run in found]
    there = [value for value in values if value is not None]
    assert None in values
    assert values[: len(there)] == there == sorted(there, reverse=order == "DESC")
    assert all(abs(value) < 1e300 for run in found for value in run.data.metrics.values())
