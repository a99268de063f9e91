"""Data and network of `evaluate.py`: two sets of cases, generated or real, and a network trained on them."""

import dataclasses
import pathlib
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from study.cases.from_study_file import files_of, options_of
from study.study_file import Study, trial_fields
from trainables import random_streams
from trainables.data.cache import cache
from trainables.data.phantom import anatomy, phantom
from trainables.training.training import Training
from trainables.trial import TrialSpec

THREADS = 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """One set of cases.

    Attributes:
        labels: `dataset.labels` of the study file.
        window: Side lengths of the sliding window in voxels, `[z, y, x]`.
        overlap: Overlap of the windows in voxels, `[z, y, x]`.
        patch: Patch size in training, which may be smaller.
        iterations: Iterations of training.
        scored: Number of cases that are timed.
    """

    labels: Mapping[str, Any]
    window: tuple[int, int, int]
    overlap: tuple[int, int, int]
    patch: tuple[int, int, int]
    iterations: int
    scored: int


TASKS = {
    "128": Task(
        labels={"organ": ">=1"},
        window=(64, 64, 64),
        overlap=(32, 32, 32),
        patch=(32, 32, 32),
        iterations=400,
        scored=2,
    ),
    "hippocampus": Task(
        labels={"anterior": 1, "posterior": 2},
        window=(40, 56, 40),
        overlap=(20, 28, 20),
        patch=(32, 48, 32),
        iterations=120,
        scored=16,
    ),
}


def write_scans(folder: pathlib.Path, name: str, cases: int) -> None:
    """Writes scans of a patient's trunk; for `hippocampus` in its sizes, with the organ in two halves."""
    import nibabel

    for number in range(cases):
        rng = random_streams.stream(0, f"evaluate/{name}", number)
        shape = (128, 128, 128) if name == "128" else tuple(int(n) for n in rng.integers((30, 42, 30), (41, 57, 41)))
        spacing = (140 / shape[0], 130 / shape[1], 130 / shape[2])
        scan, labels = phantom.scan(anatomy.patient(rng), (shape[0], shape[1], shape[2]), spacing, rng)
        if name != "128":
            middle = int(np.flatnonzero(labels.any((0, 2))).mean())
            labels = (labels > 0).astype(np.uint8)
            labels[:, middle:] *= 2
        for kind, volume in (("imagesTr", np.rint(scan).astype(np.int16)), ("labelsTr", labels)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            # The affine says 1 mm per voxel, not the phantom's spacing: distances are in voxels.
            file = folder / kind / (f"case_{number:03d}" + ("_0000.nii.gz" if kind == "imagesTr" else ".nii.gz"))
            nibabel.save(nibabel.Nifti1Image(volume.T, np.eye(4)), file)  # type: ignore[no-untyped-call]


def a_study(
    folder: pathlib.Path, task: Task, patch: tuple[int, ...], precision: str = "float32", threads: int = THREADS
) -> Study:
    """Returns the study file."""
    return Study.from_plain(
        {
            "name": "evaluate",
            "dataset": {"path": str(folder), "labels": dict(task.labels)},
            "patch": {"size": list(patch), "overlap": [side * n // w for side, n, w in sides_of(task, patch)]},
            "models": {"residual": "benchmarks.time_to_dice:residual_unet"},
            "losses": {"dice_cross_entropy": None},
            "training": {"iterations": task.iterations, "precision": precision},
            "report": {"metrics": ["dice", "hd95"]},
            "resources": {"cpu": threads},
        }
    )


def sides_of(task: Task, patch: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Returns, for each axis, the patch's side, the overlap and the window's side."""
    return list(zip(patch, task.overlap, task.window, strict=True))


def training_of(study: Study, index: pathlib.Path, train: list[str], evaluate: list[str]) -> Training:
    """Returns a training of ours, with the configuration of its arm's first trial."""
    (arm,) = study.arms
    fields = trial_fields(study, arm, arm.default)
    fields |= {"metrics": ("dice", "hd95"), "train": tuple(train), "evaluate": tuple(evaluate)}
    return Training(
        TrialSpec(key="search-a00-r0-f0-n000", seed=0, data=str(index), **fields), cache.Dataset.open(index)
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Learned:
    """Prepared cases and a network trained on some of them.

    Attributes:
        task: The set of cases.
        folder: Folder of their files.
        index: Index of the prepared dataset.
        train: Cases that the network was trained on.
        scored: Other cases, to be scored.
        weights: The network's state.
    """

    task: Task
    folder: pathlib.Path
    index: pathlib.Path
    train: list[str]
    scored: list[str]
    weights: dict[str, Any]

    def training(self, precision: str) -> Training:
        """Returns a training of ours with the windows that are scored and these weights."""
        study = a_study(self.folder, self.task, self.task.window, precision)
        training = training_of(study, self.index, self.train, self.scored)
        training.network.load_state_dict(self.weights)
        return training


def learned(name: str, folder: pathlib.Path, work: pathlib.Path, scored: int | None = None) -> Learned:
    """Prepares the cases of a folder and trains a network on them for some seconds, with one thread.

    Args:
        name: Key of `TASKS`.
        folder: Folder of the files.
        work: Folder of the prepared cases.
        scored: Number of cases to score; None: the task's.
    """
    task = TASKS[name]
    study = a_study(folder, task, task.patch, threads=1)
    files, how = {case.name: case for case in files_of(study)}, options_of(study)
    chosen = list(files)[:: max(1, len(files) // task.scored)][: scored or task.scored]
    train = [case for case in files if case not in chosen]
    index = cache.write_index(work, [cache.prepare_case(case, how, work) for case in files.values()], how)
    learner, started = training_of(study, index, train, []), time.perf_counter()
    learner.advance(learner.spec.iterations)
    print(f"{name}: {learner.iteration} iterations in {time.perf_counter() - started:.0f} s", flush=True)
    weights = learner.network.state_dict()
    return Learned(task=task, folder=folder, index=index, train=train, scored=chosen, weights=weights)
