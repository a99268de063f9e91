"""Data found, split and prepared by Ray tasks; and what a trial is told of them."""

import dataclasses
import pathlib
from collections.abc import Iterator

import numpy as np
import pytest
import ray
from PIL import Image

from study.cases.prepare import FoundCases, find
from study.design import PlannedTrial, TrialKey
from study.errors import Stopped
from study.events import Event, Prepared
from study.ledger.rows import Case
from study.machines.ray_session import settings
from study.signals import Stopping
from study.study_file import Study
from study.study_file.errors import SpecError
from study.study_file.report_section import LesionCounting
from study.trial_specs import Data, trial_spec, write_spec
from tests.study.numbers_study import NoData, numbers_study
from trainables.data.cache.cache import Dataset
from trainables.errors import InputError
from trainables.storage.folder import Storage
from trainables.trial import TrialSpec


@pytest.fixture(scope="module")
def embedded() -> Iterator[None]:
    with settings():
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


def slices(folder: pathlib.Path, count: int = 6, size: int = 40) -> Study:
    """A dataset of small grey pictures with a bright square, two to a patient, and its study."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        mask = np.zeros((size, size), dtype=np.uint8)
        mask[8 : 16 + number, 10:20] = 1
        grey = (100 * mask + 10 * number + np.arange(size, dtype=np.uint8)).astype(np.uint8)
        name = f"p{number // 2}_{number}.png"
        Image.fromarray(grey).save(folder / "images" / name)
        Image.fromarray(mask).save(folder / "masks" / name)
    return numbers_study(
        dataset={
            "path": str(folder),
            "labels": {"organ": 1},
            "group": "^p([0-9]+)_",
            "split": {"validation": ["p1_2", "p1_3"], "test": ["p2_4", "p2_5"]},
        }
    )


def nothing() -> None:
    pass


@pytest.mark.ray
def test_cases_are_prepared_once(tmp_path: pathlib.Path, embedded: None) -> None:
    found = find(slices(tmp_path / "data"))
    events: list[Event] = []
    data = found.prepare(tmp_path, events.append, nothing)
    assert [case.name for case in data.cases] == ["p0_0", "p0_1", "p1_2", "p1_3", "p2_4", "p2_5"]
    assert [case.splits for case in data.cases] == [("train",)] * 2 + [("validation",)] * 2 + [("test",)] * 2
    assert [case.group for case in data.cases] == ["0", "0", "1", "1", "2", "2"]
    assert data.cases[0].facts["shape"] == [40, 40] or data.cases[0].facts["shape"] == (40, 40)
    told = [event for event in events if isinstance(event, Prepared)]
    assert [(event.done, event.total) for event in told] == [(done, 6) for done in range(1, 7)]
    dataset = Dataset.open(data.index)
    assert dataset.cases["p1_2"].label.sum() == 10 * 10
    assert found.prepare(tmp_path, events.append, nothing) == data  # from the cache, to the byte
    elsewhere = find(slices(tmp_path / "copy")).prepare(tmp_path, events.append, nothing)
    assert elsewhere.digest == data.digest
    Image.fromarray(np.zeros((40, 40), dtype=np.uint8)).save(tmp_path / "copy/images/p0_0.png")
    assert find(_study_of(tmp_path / "copy")).prepare(tmp_path, events.append, nothing).digest != data.digest


def _study_of(folder: pathlib.Path) -> Study:
    plain = numbers_study().plain()
    split = {"validation": ["p1_2", "p1_3"], "test": ["p2_4", "p2_5"]}
    dataset = {"path": str(folder), "labels": {"organ": 1}, "group": "^p([0-9]+)_", "split": split}
    return Study.from_plain({**plain, "dataset": dataset})


@pytest.mark.ray
def test_a_flipped_bit_in_the_cache_is_found_when_a_study_goes_on(tmp_path: pathlib.Path, embedded: None) -> None:
    study, root = slices(tmp_path / "data"), tmp_path / "root"
    index = find(study).prepare(root, lambda event: None, nothing).index
    image = next(iter(Dataset.open(index))).folder / "image.npy"
    whole = image.read_bytes()
    image.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert find(study).prepare(root, lambda event: None, nothing).index == index
    assert image.read_bytes() == whole


@pytest.mark.ray
def test_each_fold_has_the_scales_of_its_own_training_cases(tmp_path: pathlib.Path, embedded: None) -> None:
    plain = slices(tmp_path / "data").plain()
    plain["dataset"]["split"] = {"folds": 3}
    study = Study.from_plain({**plain, "preprocess": {"normalize": "zscore_training"}})
    data = find(study).prepare(tmp_path, lambda event: None, nothing)
    stored = {case.name: case.foreground_intensities for case in Dataset.open(data.index)}
    for fold, scales in enumerate(data.scales):
        inside = np.concatenate([stored[name] for name in data.named(fold, "train")], axis=1)
        assert scales == ((None, None, pytest.approx(inside.mean(), rel=1e-5), pytest.approx(inside.std(), rel=1e-5)),)
        plan = PlannedTrial(TrialKey("search", 0, 0, fold, 0), 0, 1, dict(study.arms[0].default))
        assert trial_spec(study, study.arms[0], plan, data, gpu=0.0).scales == scales
    assert len(set(data.scales)) == 3  # another third of the patients trains in each


@pytest.mark.ray
def test_all_that_is_wrong_with_cases_is_said_at_once(tmp_path: pathlib.Path, embedded: None) -> None:
    found = find(slices(tmp_path / "data"))
    (tmp_path / "data/images/p0_0.png").write_bytes(b"no picture")
    Image.fromarray(np.zeros((7, 40), dtype=np.uint8)).save(tmp_path / "data/masks/p2_5.png")
    with pytest.raises(SpecError) as raised:
        found.prepare(tmp_path, lambda event: None, nothing)
    assert len(raised.value.lines) == 2
    assert "p0_0.png" in raised.value.lines[0]
    assert "p2_5.png" in raised.value.lines[1]


@pytest.mark.ray
def test_preparing_can_be_stopped(tmp_path: pathlib.Path, embedded: None) -> None:
    stopping = Stopping()
    stopping.ask()
    with pytest.raises(Stopped):
        find(slices(tmp_path / "data")).prepare(tmp_path, lambda event: None, stopping.check)


def test_a_folder_that_is_not_there_is_bad_input(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        find(numbers_study())
    assert isinstance(find(slices(tmp_path / "data")), FoundCases)


def test_a_trial_is_told_its_cases_by_stage() -> None:
    study, data = numbers_study(), NoData().prepare(pathlib.Path(), print, nothing)
    arm = study.arms[1]
    parameters = {**arm.default, "loss.gamma": 2.5, "training.learning_rate": 0.01}
    search = PlannedTrial(TrialKey("search", 1, 0, 0, 3), 0, 77, parameters)
    spec = trial_spec(study, arm, search, data, gpu=0.5)
    assert (spec.key, spec.seed, spec.gpu) == ("search-a01-r0-f0-n003", 77, 0.5)
    assert spec.train == ("case0", "case1", "case2")
    assert spec.evaluate == ("case3", "case4")
    assert spec.previews == ()
    assert (spec.loss, spec.loss_parameters["gamma"], spec.learning_rate) == ("focal", 2.5, 0.01)
    final = PlannedTrial(TrialKey("final", 1, 0, 0, 0), 0, 78, parameters, search.key)
    spec = trial_spec(study, arm, final, data, gpu=0.0)
    assert spec.train == ("case0", "case1", "case2")
    assert spec.evaluate == spec.previews == ("case5", "case6")
    many = Data("", "", (*data.cases, *_more_tests(8)))
    first = trial_spec(study, arm, final, many, gpu=0.0)
    second = trial_spec(study, arm, dataclasses.replace(final, key=TrialKey("final", 1, 0, 0, 1)), many, gpu=0.0)
    assert len(first.previews) == 9
    assert first.stacks == first.previews
    assert (second.previews, second.stacks) == (("case6", "t3", "t6"), ())
    assert set(second.previews) < set(first.previews)
    assert (spec.stacks, trial_spec(study, arm, search, data, gpu=0.0).stacks) == (("case5", "case6"), ())


def test_lesion_records_are_kept_where_the_report_reads_them() -> None:
    study, data = numbers_study(), NoData().prepare(pathlib.Path(), print, nothing)
    report = study.report.model_copy(update={"lesions": LesionCounting()})
    for counted, kept in ((study, False), (study.model_copy(update={"report": report}), True)):
        arm = counted.arms[0]
        plans = [PlannedTrial(TrialKey(stage, 0, 0, 0, 0), 0, 1, dict(arm.default)) for stage in ("search", "final")]
        assert [trial_spec(counted, arm, plan, data, gpu=0.0).lesions for plan in plans] == [False, kept]


def _more_tests(count: int) -> list[Case]:
    return [Case(f"t{i}", f"t{i}", ("test",)) for i in range(count)]


def test_a_spec_is_written_once_and_again_when_it_changes(tmp_path: pathlib.Path) -> None:
    storage, study, data = Storage(tmp_path), numbers_study(), NoData().prepare(pathlib.Path(), print, nothing)
    arm = study.arms[0]
    plan = PlannedTrial(TrialKey("search", 0, 0, 0, 0), 0, 1, dict(arm.default))
    spec = trial_spec(study, arm, plan, data, gpu=0.0)
    write_spec(storage, spec, "trials/x")
    first = (tmp_path / "trials/x/spec.json").stat().st_mtime_ns
    write_spec(storage, spec, "trials/x")
    assert (tmp_path / "trials/x/spec.json").stat().st_mtime_ns == first
    write_spec(storage, trial_spec(study, arm, plan, data, gpu=1.0), "trials/x")
    assert TrialSpec.from_json(storage.read("trials/x/spec.json").decode()).gpu == 1.0
