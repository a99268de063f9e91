"""Final networks as MLflow models: made by a process of their own, linked to their runs, loaded by anyone."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from study.ledger import Ledger
from study.tracking.database import artifact_root, configure, default_uri, prepare
from study.tracking.experiment import View
from study.tracking.model_export import Order, export, save
from study.tracking.models import Models
from study.tracking.sync import Follower
from tests.study import tracked
from tests.trainables import tiny
from tests.trainables.data.files import options, pair
from trainables.data.cache.cache import prepare_case, write_index
from trainables.models import DIMS, DIVISORS, build
from trainables.storage.folder import Storage
from trainables.training import checkpoint
from trainables.training.training import Training
from trainables.trial import TrialSpec

TRAINED, DAMAGED, *WITHOUT = (f"final-a0{arm}-r0-f0-n00{number}" for arm in range(2) for number in range(2))
"""The study's four final trials: one with a network, one whose checkpoint is damaged, two without a checkpoint."""
ROUNDING = 1e-3
"""Tolerance for logits of some units: single images take oneDNN's convolutions here and PyTorch's own there."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", ["unet", "unet3d", "vnet", "segnet", "segresnet"])
def test_networks_can_be_saved_and_loaded_at_other_sizes(name: str, tmp_path: Path) -> None:
    """Each takes seconds: one for each way of going up, and one that is MONAI's (all of `MODELS` were seen to pass)."""
    import mlflow

    configure()
    dim, divisor = DIMS[name][0], DIVISORS[name]
    network = build(name, in_channels=2, out_channels=3, dim=dim, parameters={"width": 2}, seed=5).eval()
    save(network, tmp_path / "model", channels=2, classes=3, size=[2 * divisor] * dim)
    loaded = mlflow.pytorch.load_model(str(tmp_path / "model"))
    assert not list(tmp_path.rglob("*.pth"))  # nothing pickled
    for batch, sides in ((1, [2 * divisor] * dim), (3, [3 * divisor, *[2 * divisor] * (dim - 1)])):
        images = torch.randn((batch, 2, *sides), generator=torch.Generator().manual_seed(batch))
        with torch.no_grad():
            assert torch.equal(loaded(images), network(images))
    other = build(name, in_channels=2, out_channels=3, dim=dim, parameters={"width": 2}, seed=6)
    other.load_state_dict(loaded.state_dict())  # to train on from there
    assert all(torch.equal(one, network.state_dict()[key]) for key, one in other.state_dict().items())


def test_a_patch_of_odd_sides_is_taken_as_it_is(tmp_path: Path) -> None:
    import mlflow

    configure()
    network = build("unet", in_channels=1, out_channels=2, dim=2, parameters={"width": 2}, seed=5).eval()
    save(network, tmp_path / "model", channels=1, classes=2, size=[33, 40])
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    images = np.random.default_rng(0).normal(size=(1, 1, 33, 40)).astype(np.float32)
    with torch.no_grad():
        np.testing.assert_array_equal(loaded.predict(images), network(torch.from_numpy(images)).numpy())


def test_a_network_of_one_size_is_exported_at_it_and_refuses_others(tmp_path: Path) -> None:
    import mlflow

    configure()
    index = write_index(
        tmp_path / "cache", [prepare_case(pair(tmp_path / "d", "a", 0), options(), tmp_path / "cache")], options()
    )
    parameters = {"width": 2, "hidden_size": 12, "heads": 2}
    spec = tiny.spec(
        3,
        key="one",
        data=str(index),
        train=("a",),
        evaluate=("a",),
        patch_size=(20, 12, 16),
        augment=(),
        model="unetr",
        model_parameters=parameters,
    )
    training = Training(spec)
    storage = Storage(tmp_path)
    storage.write("trials/one/spec.json", spec.to_json().encode())
    state = checkpoint.Checkpoint(
        trial="one", iteration=0, weights=training.digest(), learner=training.state_dict(), length=2
    )
    checkpoint.write(storage, "trials/one/20-1", state)
    export(Order(storage=str(tmp_path), checkpoint="trials/one/20-1", trial="one", into=str(tmp_path / "model")))
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    images = np.random.default_rng(0).normal(size=(1, 1, 20, 12, 16)).astype(np.float32)
    with torch.no_grad():
        ours = training.network.eval()(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(loaded.predict(images), ours, rtol=0, atol=ROUNDING)
    with pytest.raises(mlflow.MlflowException, match=r"does not match expected shape \(-1, 1, 20, 12, 16\)"):
        loaded.predict(images.swapaxes(2, 4))


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Training]:
    """A home with a finished study, of which one final trial left a real checkpoint."""
    home = tmp_path_factory.mktemp("studied")
    tracked.create(home / "ledger.db")
    list(tracked.play(home / "ledger.db"))
    how = options()
    records = [prepare_case(pair(home / "data", f"case{number}", number), how, home / "cache") for number in range(2)]
    spec = tiny.spec(
        3,
        key=TRAINED,
        data=str(write_index(home / "cache", records, how)),
        train=("case0",),
        evaluate=("case1",),
        patch_size=(16, 32, 16),
        augment=(),
    )
    training = Training(spec)
    training.advance(2)
    storage = Storage(home)
    for key in (TRAINED, DAMAGED):
        storage.write(f"trials/{key}/spec.json", spec.to_json().encode())
        state = checkpoint.Checkpoint(
            trial=key, iteration=2, weights=training.digest(), learner=training.state_dict(), length=2
        )
        checkpoint.write(storage, f"trials/{key}/20-1", state)
    (home / f"trials/{DAMAGED}/20-1/state.pt").write_bytes(b"half of it")
    prepare(default_uri(home))
    return home, training


def follow(home: Path, models: Models | None = None) -> list[str]:
    said: list[str] = []
    models = models or Models(str(home), lambda: False)
    with Ledger.open(home / "ledger.db") as ledger:
        view = View(default_uri(home), artifact_root(home), said.append)
        follower = Follower(
            ledger,
            tracked.NAME,
            view,
            address=default_uri(home),
            design=tracked.DESIGN,
            models=models,
            say=said.append,
        )
        while follower.step(finishing=True):
            pass
        assert models._maker is None, "the process that makes models was left behind"
    return said


def logged(home: Path) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=default_uri(home))
    experiment = client.get_experiment_by_name(tracked.NAME)
    return list(client.search_logged_models([experiment.experiment_id]))


class Killed(BaseException):
    pass


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_final_networks_are_logged_once_and_load_in_a_fresh_process(
    studied: tuple[Path, Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    home, training = studied
    with monkeypatch.context() as patch:  # a kill when all but the last word was sent

        def killed(self: Any, model_id: str, status: str) -> None:
            raise Killed

        patch.setattr(MlflowClient, "finalize_logged_model", killed)
        with pytest.raises(Killed):
            follow(home)
    assert [model.status for model in logged(home)] == ["PENDING"]
    said = sorted(follow(home))
    assert len(said) == 3
    assert said[0].startswith(f"the network of {DAMAGED} is not among MLflow's models: UnreadableCheckpointError: ")
    assert all(key in line and "spec.json" in line for key, line in zip(WITHOUT, said[1:], strict=True))

    (model,) = [model for model in logged(home) if model.status == "READY"]
    client = MlflowClient(tracking_uri=default_uri(home))
    run = client.get_run(model.source_run_id)
    assert run.data.tags["segstudy.key"] == model.tags["segstudy.key"] == TRAINED
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
    assert model.name == "unet+dice final 0"
    assert model.params == run.data.params
    shown = {metric.key: (metric.value, metric.step) for metric in model.metrics}
    assert shown == {name: (value, 20) for name, value in run.data.metrics.items() if name.startswith("test/")}
    folder = Path(model.artifact_location.removeprefix("file://"))
    assert TrialSpec.from_json((folder / "segstudy/trial.json").read_text()) == training.spec
    assert json.loads((folder / "segstudy/study.json").read_text())["name"] == tracked.NAME

    images = np.random.default_rng(0).normal(size=(1, 1, 32, 32, 64)).astype(np.float32)
    np.save(home / "images.npy", images)
    code = (
        "import sys, mlflow, numpy as np, torch; torch.set_num_threads(1); torch.cuda.is_available = lambda: True;"
        f"mlflow.set_tracking_uri({default_uri(home)!r}); images = np.load('images.npy');"
        f"np.save('logits.npy', mlflow.pyfunc.load_model('models:/{model.model_id}').predict(images));"
        "assert not {'trainables', 'study'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=home, check=True, timeout=120)
    with torch.no_grad():
        wanted = training.network.eval()(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(np.load(home / "logits.npy"), wanted, rtol=0, atol=ROUNDING)

    before = tracked.everything(default_uri(home))
    monkeypatch.setattr(Models, "_make", lambda self, order: f"{order.trial} is tried again")
    assert sorted(line.rpartition(": ")[2] for line in follow(home)) == [
        f"{key} is tried again" for key in (DAMAGED, *WITHOUT)
    ]
    assert tracked.everything(default_uri(home)) == before
    assert sum(model.status == "READY" for model in logged(home)) == 1


def test_a_model_that_is_always_refused_does_not_hold_up_the_rest(
    studied: tuple[Path, Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    def refused(self: Any, model_id: str, folder: str) -> None:
        raise OSError("no credentials\nfor the store")

    home, _ = studied
    monkeypatch.setattr(Models, "_make", lambda self, order: None)
    monkeypatch.setattr(MlflowClient, "log_model_artifacts", refused)
    models = Models(str(home), lambda: False)
    for _ in range(2):  # as after an outage
        with pytest.raises(OSError, match="no credentials"):
            follow(home, models)
    (said,) = follow(home, models)
    assert said.endswith(
        "is not among MLflow's models: OSError: no credentials. No more are sent until the study is run again"
    )
    assert models.given_up


def test_models_wait_for_company(studied: tuple[Path, Training], monkeypatch: pytest.MonkeyPatch) -> None:
    home, _ = studied
    monkeypatch.setattr(Models, "log", lambda self, view, model: pytest.fail("at once"))
    with Ledger.open(home / "ledger.db") as ledger:
        view = View(default_uri(home), artifact_root(home), print)
        models = Models(str(home), lambda: False)
        options: dict[str, Any] = {"address": "elsewhere", "design": tracked.DESIGN, "models": models}
        follower = Follower(ledger, tracked.NAME, view, **options)
        while follower.step():
            pass
        monkeypatch.setattr("study.tracking.sync._GATHER_SECONDS", 0.0)
        done: list[str] = []
        monkeypatch.setattr(Models, "log", lambda self, view, model: done.append(model.run.key))
        while follower.step():
            pass
    assert set(done) <= {TRAINED, DAMAGED, *WITHOUT}
    assert {DAMAGED, *WITHOUT} <= set(done)
