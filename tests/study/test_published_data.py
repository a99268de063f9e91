"""Study files for public data sets, in their exact layouts: found, inspected, prepared, trained on and scored."""

import pathlib
from typing import Any

import numpy as np
import pytest
import torch

from study.cases.from_study_file import files_of, misfits, options_of
from study.study_file import Study
from tests.study.study_files import changed
from tests.trainables import tiny
from tests.trainables.data.files import picture
from tests.trainables.data.published import PUBLISHED
from trainables.data.cache import cache, scaling
from trainables.data.inspecting.inspect import all_cases
from trainables.training.training import Training

torch.set_num_threads(1)

SECTIONS: dict[str, dict[str, Any]] = {
    "KiTS19": {
        "dataset.regions": {"kidney+tumor": ["kidney", "tumor"], "tumor": ["tumor"]},
        "preprocess": {"spacing": [0.6, 1.1, 1.1], "clip": [-79, 304], "normalize": "zscore"},
    },
    "LiTS": {
        "dataset.regions": {"lesion": ["lesion"]},
        "preprocess": {
            "crop": {"to": "reference", "label": "liver", "margin": 1},
            "window": {"level": 0, "width": 600},
            "normalize": "minmax",
            "pad": "minimum",
        },
    },
    "PROMISE12": {"preprocess": {"spacing": [1.8, 1.0, 1.0], "normalize": "zscore_nonzero", "percentiles": [1, 99]}},
    "BRATS15": {
        "dataset.regions": {
            "whole": ["necrosis", "edema", "non_enhancing", "enhancing"],
            "core": ["necrosis", "non_enhancing", "enhancing"],
            "enhancing": ["enhancing"],
        },
        "preprocess": {
            "crop": {"to": "nonzero", "margin": 1},
            "normalize": {"flair": "zscore_nonzero", "t1": "zscore", "t1c": "zscore_training", "t2": "minmax"},
        },
    },
    "LUNA16": {
        "dataset.roi": "seg-lungs-LUNA16",
        "preprocess": {
            "crop": {"to": "roi", "margin": 2},
            "outside_roi": "minimum",
            "clip": [-1000, 300],
            "normalize": "minmax",
        },
    },
    "Decathlon": {"preprocess": {"normalize": ["zscore", "zscore", "minmax", "none"]}},
}


def ran(study: Study, root: pathlib.Path, **spec: Any) -> tuple[cache.Dataset, Training]:
    """Prepares the data of a study, trains a network for two iterations and scores every case."""
    how, files = options_of(study), files_of(study)
    seen = all_cases(files, how, memory=root)
    assert seen.problems == ()
    assert misfits(study, seen.facts) == []
    index = cache.write_index(root, [cache.prepare_case(case, how, root) for case in files], how)
    names = tuple(case.name for case in files)
    scales = scaling.training_scales([cache.Dataset.open(index).cases[names[0]]], how)
    training = Training(
        tiny.spec(
            data=str(index),
            scales=scales,
            train=names[:1],
            evaluate=names,
            classes=study.classes,
            regions=study.regions,
            iterations=2,
            marks=(2,),
            **spec,
        )
    )
    training.advance(2)
    scores = training.evaluate(names).scores
    assert {score.case for score in scores} == set(names)
    assert {score.region for score in scores} == set(study.regions)
    return cache.Dataset.open(index, scales), training


@pytest.mark.parametrize("name", SECTIONS)
def test_from_a_study_file_to_scores(tmp_path: pathlib.Path, name: str) -> None:
    data = PUBLISHED[name]
    data.make(tmp_path / "data")
    changes = {
        "dataset": {"path": str(tmp_path / "data"), "labels": data.labels, "exclude": list(data.exclude), **data.find},
        **SECTIONS[name],
    }
    dataset, _ = ran(Study.from_plain(changed(changes)), tmp_path / "cache")
    assert tuple(dataset.cases) == data.names
    for case in dataset:
        assert case.reference.shape[1:] == data.shape[1:]
        assert np.isfinite(np.asarray(case.image)).all()
    first = dataset.cases[data.names[0]]
    if name == "LUNA16":  # the lung mask excludes votes of 2 and of 4: nothing is left to score or show
        assert first.excluded is not None
        assert np.asarray(first.image).min() == 0
    if name == "LiTS":
        assert first.label.shape < first.reference.shape
        assert np.asarray(first.image).max() <= 1


@pytest.mark.parametrize("colour", ["grey", "channels"])
def test_slices_with_threshold_masks(tmp_path: pathlib.Path, colour: str) -> None:
    for number in range(3):
        mask = np.zeros((40, 36), np.uint8)
        mask[5 + number : 20, 8:30] = 255
        scan = np.stack([mask // 2 + 10 * c + np.arange(36, dtype=np.uint8) for c in range(3)], axis=-1)
        picture(tmp_path / "images" / f"v{number}.jpg", scan.astype(np.uint8), quality=95)
        picture(tmp_path / "masks" / f"v{number}.jpg", mask, quality=60)
    changes = {
        "dataset": {"path": str(tmp_path), "labels": {"liver": ">127"}, "colour": colour},
        "patch.size": [32, 32],
        "models": {"unet": {"width": 4}},
    }
    dataset, _ = ran(
        Study.from_plain(changed(changes)), tmp_path / "cache", model="unet", patch_size=(32, 32), patch_overlap=(8, 8)
    )
    assert dataset.channels == (1 if colour == "grey" else 3)
    assert [case.reference.sum() for case in dataset] == [22 * (15 - number) for number in range(3)]


def test_axial_slices_of_volumes(tmp_path: pathlib.Path) -> None:
    data = PUBLISHED["PROMISE12"]
    data.make(tmp_path / "data")
    changes = {
        "dataset": {"path": str(tmp_path / "data"), "labels": data.labels, **data.find},
        "patch": {"size": [32, 32], "context": 1},
        "preprocess.spacing": [0.7, 0.7],
        "models": {"unet": {"width": 4}},
    }
    study = Study.from_plain(changed(changes))
    dataset, training = ran(
        study, tmp_path / "cache", model="unet", patch_size=(32, 32), patch_overlap=(8, 8), context=study.patch.context
    )
    assert [case.reference.ndim for case in dataset] == [3, 3]
    assert training.predict(data.names[0]).shape == data.shape
