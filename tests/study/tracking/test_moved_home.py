"""A home that is moved or copied: MLflow finds old models in the new place and writes new ones there."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from study.tracking.database import artifact_root, default_uri, prepare
from study.tracking.moved_home import follow
from study.tracking.naming import STUDY_TAG


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a study's experiment, run and model, and with a user's own experiment."""
    home = tmp_path_factory.mktemp("first place") / "runs"
    prepare(default_uri(home))
    mlflow = client(home)
    ours = mlflow.create_experiment("study", artifact_root(home), {STUDY_TAG: "a"})
    run = mlflow.create_run(ours)
    mlflow.log_text(run.info.run_id, "weights", "model.txt")
    model = mlflow.create_logged_model(ours, name="final", source_run_id=run.info.run_id)
    (home / "weights").write_text("weights of a model")
    mlflow.log_model_artifact(model.model_id, str(home / "weights"))
    theirs = mlflow.create_experiment("notebook", (home / "notebook" / "artifacts").as_uri())
    mlflow.create_run(theirs)
    return home


def client(home: Path) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=default_uri(home))


def places(home: Path, name: str) -> tuple[str, str]:
    experiment = client(home).get_experiment_by_name(name)
    (run,) = client(home).search_runs([experiment.experiment_id])
    return experiment.artifact_location, run.info.artifact_uri


def test_a_moved_home_has_its_models(template: Path, tmp_path: Path) -> None:
    home = tmp_path / "second % place" / "runs"
    shutil.copytree(template, home)
    assert follow(home) == (artifact_root(template),)
    root = artifact_root(home)
    experiment, run = places(home, "study")
    assert experiment == root
    assert run.startswith(f"{root}/")
    (found,) = client(home).search_runs([client(home).get_experiment_by_name("study").experiment_id])
    kept = client(home).download_artifacts(found.info.run_id, "model.txt", str(tmp_path))
    assert Path(kept).read_text() == "weights"
    (model,) = client(home).search_logged_models([found.info.experiment_id])
    assert model.artifact_location.startswith(f"{root}/")
    with_model = Path(root.removeprefix("file://").replace("%25", "%").replace("%20", " "))
    assert [file.read_text() for file in with_model.rglob("weights")] == ["weights of a model"]
    assert follow(home) == ()  # once


def test_other_experiments_are_left(template: Path, tmp_path: Path) -> None:
    shutil.copytree(template, tmp_path / "runs")
    before = places(tmp_path / "runs", "notebook")
    follow(tmp_path / "runs")
    assert places(tmp_path / "runs", "notebook") == before


def test_a_home_in_its_place_is_left(template: Path) -> None:
    before = (template / "mlflow.db").read_bytes()
    assert follow(template) == ()
    assert (template / "mlflow.db").read_bytes() == before


def test_a_place_whose_name_begins_alike_is_another(template: Path, tmp_path: Path) -> None:
    home = tmp_path / "runs"
    shutil.copytree(template, home)
    root = artifact_root(template)
    with closing(sqlite3.connect(home / "mlflow.db")) as database, database:
        database.execute("UPDATE runs SET artifact_uri = ? WHERE artifact_uri LIKE ?", (f"{root}-old/x", f"{root}/%"))
    follow(home)
    assert places(home, "study")[1] == f"{root}-old/x"


def test_what_is_no_database_of_mlflow_is_left(tmp_path: Path) -> None:
    assert follow(tmp_path) == ()
    (tmp_path / "mlflow.db").write_bytes(b"something else")
    assert follow(tmp_path) == ()
    (tmp_path / "mlflow.db").unlink()
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database, database:
        database.execute("CREATE TABLE experiments (name TEXT)")
    assert follow(tmp_path) == ()
