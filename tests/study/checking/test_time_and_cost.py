"""Output of `check --gpus` and `--slots`, worked by hand; and a probe on this machine, from file to ledger."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from study.checking import local_probe
from study.checking.check import Check, check
from study.checking.local_probe import ahead, data_of
from study.checking.time_and_cost import SEEN, UNKNOWN, UNKNOWN_ON_GPUS, Estimate, estimate, speeds_of
from study.command.cli import run_command
from study.design import PlannedTrial, TrialKey
from study.events import ignore
from study.ledger import Ledger
from study.ledger.rows import Case
from study.machines.admission import Node
from study.planning.time_left import Speeds
from study.probing.batch_size import with_batch
from study.probing.measure import specs_of, subject
from study.study_file import Study
from study.trial_specs import Data
from tests.study.study_files import changed, study
from tests.trainables.data.files import pair
from trainables.errors import InputError
from trainables.training.footprint import Footprint
from trainables.trial import Outcome, TrialSpec

GB = 2**30
GPU = Footprint("Card 16", seconds=2.0, window_seconds=0.5, voxel_seconds=0.25, peak_bytes=2 * GB, total_bytes=16 * GB)
HERE = dataclasses.replace(GPU, device="cpu of here")
DATA = Data(
    "index",
    "digest",
    tuple(
        Case(role, role, (role,), {"channels": 1, "shape": [4, 5, 6], "prepared_shape": [48, 32, 20]})
        for role in ("train", "validation", "test")
    ),
)
# Nothing to tune: three final trainings of 100 iterations and one evaluation each.
FIXED: dict[str, Any] = {
    "losses": {"dice": None},
    "training.learning_rate": 1e-3,
    "training.iterations": 100,
    "resources.gpu": "auto",
}


def test_an_evaluation_is_windows_and_voxels() -> None:
    # 48 voxels take two windows of 32 that share 16; 20 are padded to one. 2 x 0.5 s, and 120 voxels of the file.
    assert speeds_of(study(FIXED), DATA, {"unet3d": GPU}) == Speeds({"unet3d": 2.0}, {"unet3d": 1.0 + 120 * 0.25})


def test_hours_and_their_price() -> None:
    # 2 GB and 1.2 times that beside 0.6: four on a GPU and a fifth would do; three trainings run at once. 231 s.
    priced = study({**FIXED, "resources.price_per_gpu_hour": 3.0})
    found = estimate(priced, DATA, {"unet3d": GPU}, gpus=2)
    assert (found.together, found.device, found.ahead.simulation.seconds) == (5, "Card 16", 231.0)
    assert found.gpu_hours == pytest.approx(2 * 231 / 3600)
    assert found.cost == pytest.approx(3 * 2 * 231 / 3600)
    measured, line, cost = found.lines()
    assert measured == "unet3d: 2 s an iteration, 2.00 of 16 GB on Card 16"
    assert line.startswith(
        "on 2 GPUs, 5 trials on each: about 4 min by the speed of Card 16 (no order is under 4 min), "
    )
    assert cost == "0.1 GPU-hours, 0.39 at 3.00 an hour"
    assert estimate(study(FIXED), DATA, {"unet3d": GPU}, gpus=2).cost is None
    plain = json.loads(json.dumps(found.plain()))
    assert (plain["times_in"], plain["gpu_hours"], plain["simulation"]["seconds"]) == ("seconds", found.gpu_hours, 231)


@pytest.mark.parametrize(("gpu", "gpus", "seconds"), [(1, 1, 693.0), (0.5, 1, 462.0), (2, 4, 462.0), (2, 6, 231.0)])
def test_a_share_that_the_file_gives(gpu: float, gpus: int, seconds: float) -> None:
    found = estimate(study({**FIXED, "resources.gpu": gpu}), DATA, {"unet3d": GPU}, gpus=gpus)
    assert found.ahead.simulation.seconds == seconds  # one, two, two or three at once


def test_slots_are_segments_at_once() -> None:
    found = estimate(study(FIXED), DATA, {"unet3d": HERE}, slots=1)
    assert (found.ahead.simulation.seconds, found.gpu_hours, found.cost) == (693.0, None, None)
    _, line = found.lines()
    assert line.startswith("on 1 slot: about 12 min by the speed of cpu of here")


def test_what_is_not_known_is_said() -> None:
    nothing = estimate(study(FIXED), DATA, {}, slots=3)
    assert list(nothing.lines())[-1] == UNKNOWN
    assert nothing.ahead.simulation.seconds == 100  # iterations
    assert nothing.plain()["times_in"] == "iterations"
    on_cpu = estimate(study(FIXED), DATA, {"unet3d": HERE}, gpus=3)  # a CPU's speed says nothing of a GPU's
    assert list(on_cpu.lines())[-1] == UNKNOWN_ON_GPUS
    assert (on_cpu.footprints, on_cpu.gpu_hours) == ({}, None)
    two = study({**FIXED, "models": {"unet3d": {"width": 4}, "vnet": {"width": 4}}})
    assert estimate(two, DATA, {"unet3d": GPU}, gpus=1).device is None  # of one network only
    seen = estimate(two, DATA, {"unet3d": GPU}, slots=1, seen=Speeds({"unet3d": 1.0, "vnet": 2.0}))
    assert (seen.device, seen.ahead.simulation.seconds) == (SEEN, 3 * 100.0 + 3 * 200.0)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Check:
    folder = tmp_path_factory.mktemp("data")
    for number in range(5):
        pair(folder, f"case{number}", seed=number)
    split = {"validation": ["case1"], "test": ["case2"]}
    plain = changed(
        {
            **FIXED,
            "dataset": {"path": str(folder), "labels": {"organ": 1, "lesion": 2}, "split": split},
            "training.batch_size": "auto",
        }
    )
    return check(Study.from_plain(plain), Node("here", 2))


def test_what_a_probe_finds_is_kept(checked: Check, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probed: list[tuple[int, str, Sequence[int]]] = []

    def measured(of: Check, specs: Sequence[TrialSpec], largest: Sequence[int]) -> Footprint | None:
        assert of is checked
        probed.append((specs[0].batch_size, specs[0].loss, largest))
        return HERE

    monkeypatch.setattr(local_probe, "measured_here", measured)
    monkeypatch.setattr(local_probe, "device_here", lambda *, on_gpu: HERE.device)
    ledger, machine = str(tmp_path / "ledger.db"), Node("here", 2)

    def look(*, probe: bool, gpus: int | None = None, slots: int | None = None) -> Any:
        return ahead(checked, ledger, machine, gpus=gpus, slots=slots, probe=probe, tell=ignore)

    assert look(probe=False).device is None
    assert not (tmp_path / "ledger.db").exists()  # to look leaves nothing behind
    first = look(probe=True)
    assert (first.device, first.ahead.simulation.slots) == (HERE.device, checked.slots)
    assert probed == [(32, "dice", (7, 8, 9))]  # the rule's batch: 32 patches of 32³
    assert look(probe=True, slots=2) == look(probe=False, slots=2)
    assert len(probed) == 1
    assert look(probe=False, gpus=1).device is None
    monkeypatch.setattr(local_probe, "device_here", lambda *, on_gpu: "cpu of elsewhere")
    assert look(probe=False).device is None  # another machine's speed
    with pytest.raises(InputError, match="give one of them"):
        look(probe=False, slots=1, gpus=1)
    monkeypatch.setattr(local_probe, "measured_here", lambda *_: None)
    with pytest.raises(InputError, match=r"^models.unet3d: does not fit on cpu of elsewhere, even alone"):
        look(probe=True)


def test_a_ledgers_own_batch_and_speeds_come_first(
    checked: Check, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_probe, "device_here", lambda *, on_gpu: HERE.device)
    begun, data, address = with_batch(checked.study, 6), data_of(checked), str(tmp_path / "ledger.db")

    def look() -> Estimate:
        return ahead(checked, address, Node("here", 2), gpus=None, slots=1, probe=False, tell=ignore)

    with Ledger.open(address) as ledger:
        ledger.create_study(begun.name, begun.plain(), begun.design(), data.cases, "d", {})
        assert look().device is None  # it has not run
        lease, trial = ledger.acquire(ledger.study(begun.name).id), TrialKey("final", 0, 0, 0, 0)
        ledger.insert_trials(lease, [PlannedTrial(trial, 0, 1, begun.arms[0].default)], "winner")
        outcome = Outcome(iteration=100, weights="w", seconds=50.0, trained=100, evaluate_seconds=2.0)
        ledger.complete_segment(lease, trial, 100, outcome, None)
        assert look().device == SEEN
        assert look().ahead.simulation.seconds == 3 * (50.0 + 2.0)
        ledger.add_footprint(subject(specs_of(begun, "unet3d", data, gpu=0.0), data), "unet3d", HERE)
        assert look().device == HERE.device  # measured with six patches, as the ledger has them


def test_a_probe_from_the_command(
    checked: Check, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = changed(
        {
            **FIXED,
            "dataset": checked.study.plain()["dataset"],
            "patch.size": [20, 20],
            "models": {"unet": {"width": 2}},
            "augment": [],
            "training.batch_size": 2,
        }
    )
    del plain["dataset"]["regions"]
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(plain, sort_keys=False))
    assert run_command(["check", "study.yaml", "--home", "home", "--probe", "--slots", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["outlook"]
    footprint = found["footprints"]["unet"]
    assert 0 < footprint["seconds"] < 60
    assert footprint["peak_bytes"] > 50e6
    assert (found["times_in"], found["measured_on"]) == ("seconds", footprint["device"])
    with Ledger.open(tmp_path / "home/ledger.db", read_only=True) as ledger, ledger.reading() as connection:
        assert connection.exec_driver_sql("SELECT model, seconds FROM footprints").all() == [
            ("unet", footprint["seconds"])
        ]
