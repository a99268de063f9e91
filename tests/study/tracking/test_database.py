"""MLflow's database lies in the home, whatever letters the home's path has."""

import pathlib

import pytest
from mlflow import MlflowClient

from study.tracking.database import default_uri, prepare


@pytest.mark.timeout(240)
def test_a_home_with_letters_that_addresses_escape(tmp_path: pathlib.Path) -> None:
    home = tmp_path / "a b" / "1?2#3%204;x=y é"
    home.mkdir(parents=True)
    prepare(default_uri(home))
    assert (home / "mlflow.db").stat().st_size > 0
    client = MlflowClient(tracking_uri=default_uri(home))
    client.create_experiment("here")
    assert {each.name for each in client.search_experiments()} == {"Default", "here"}
    assert not list((tmp_path / "a b").rglob("*.db-journal"))
    assert [path.parent for path in tmp_path.rglob("mlflow.db")] == [home]
