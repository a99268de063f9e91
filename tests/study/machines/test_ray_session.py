"""A session with Ray: addresses that lead nowhere, and the folders that runs leave behind."""

import os
import pathlib
import tempfile

import pytest

from study.machines.ray_session import _own_folder
from tests.study.numbers_study import run_numbers
from trainables.errors import InputError


@pytest.mark.parametrize("address", ["ray://localhost:1", "127.0.0.1:1"])
def test_an_address_without_a_cluster_is_bad_input(tmp_path: pathlib.Path, address: str) -> None:
    with pytest.raises(InputError, match=f"--ray {address}: "):
        run_numbers(tmp_path, ray_address=address)


def test_no_password_is_shown(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError) as refused:
        run_numbers(tmp_path, ray_address="ray://someone:clus/ter@x@127.0.0.1:1")
    assert "ray://***@127.0.0.1:1" in str(refused.value)
    assert "ter@x" not in str(refused.value)


def test_folders_of_killed_runs_go_and_those_in_use_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as name:  # short, as sockets want it
        monkeypatch.setattr(tempfile, "tempdir", name)
        here = pathlib.Path(name)
        dead, half_removed = here / f"segstudy-{os.getuid()}-dead", here / f"segstudy-{os.getuid()}-half"
        for folder in (dead, half_removed):
            (folder / "r").mkdir(parents=True)
        (dead / "lock").touch()
        with _own_folder() as first, _own_folder() as second:
            assert {folder.name for folder in here.iterdir()} == {first.name, second.name}
        assert not list(here.iterdir())
