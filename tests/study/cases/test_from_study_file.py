"""From the study file to a trained network: what `dataset` and `preprocess` say changes the numbers."""

import json
import pathlib
from typing import Any

import numpy as np
import pytest
import torch

from study.cases.from_study_file import files_of, options_of
from study.checking.check import check
from study.machines.admission import Node
from study.study_file import SpecError, Study
from tests.study.study_files import changed
from tests.trainables import tiny
from tests.trainables.data.files import pair, picture, save, volume
from trainables.data.cache import cache, scaling
from trainables.errors import InputError
from trainables.training.training import Training

torch.set_num_threads(1)
ROI = np.zeros((9, 8, 7), np.uint8)
ROI[2:8, 1:7, 1:6] = 1


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Five scans with a region of interest each, and one region too many."""
    folder = tmp_path_factory.mktemp("data")
    for number in range(5):
        pair(folder, f"c{number}", seed=number)
    for number in range(6):
        save(folder / "regions" / f"c{number}.nii.gz", ROI)
    return folder


def a_study(data: pathlib.Path, **changes: Any) -> Study:
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    base = {"dataset.path": str(data), "dataset.labels": {"organ": 1, "lesion": 2}, "patch.size": [32, 32, 32]}
    return Study.from_plain(changed({**base, **dotted}))


def trained(study: Study, root: pathlib.Path) -> tuple[str, tuple[Any, ...]]:
    """Digest of a network after two iterations, and the scores of a case."""
    how = options_of(study)
    index = cache.write_index(root, [cache.prepare_case(files, how, root) for files in files_of(study)], how)
    cases = cache.Dataset.open(index).cases
    scales = scaling.training_scales([cases["c0"], cases["c1"]], how)
    spec = tiny.spec(
        data=str(index),
        scales=scales,
        train=("c0", "c1"),
        evaluate=("c2",),
        augment=(),
        iterations=2,
        marks=(2,),
    )
    training = Training(spec)
    training.advance(2)
    return training.digest(), training.evaluate(("c2",)).scores


KEYS: dict[str, dict[str, Any]] = {
    "crop": {"preprocess__crop": {"to": "reference", "label": "lesion", "margin": 1}},
    "region": {"dataset__roi": "regions", "preprocess__outside_roi": "minimum"},
    "crop to the region": {"dataset__roi": "regions/{case}.nii.gz", "preprocess__crop": {"to": "roi"}},
    "ignore": {"dataset__labels": {"organ": 1, "lesion": 3}, "dataset__ignore": [2]},
    "percentiles": {"preprocess__percentiles": [5, 90]},
    "window": {"preprocess__window": {"level": 0, "width": 300}},
    "pad": {"preprocess__pad": "minimum"},
    "zscore_nonzero": {"preprocess__normalize": "zscore_nonzero", "preprocess__clip": [0, 400]},
    "zscore_training": {"preprocess__normalize": "zscore_training"},
    "zscore_training, cut": {"preprocess__normalize": "zscore_training", "preprocess__percentiles": [10, 90]},
}


def test_every_key_changes_the_numbers(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    digests = {name: trained(a_study(data, **changes), tmp_path)[0] for name, changes in KEYS.items()}
    digests["nothing"] = trained(a_study(data), tmp_path)[0]
    assert len(set(digests.values())) == len(digests), digests


def test_regions_of_interest_limit_the_scores(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    index = trained(a_study(data), tmp_path)[1], trained(a_study(data, dataset__roi="regions"), tmp_path)[1]
    assert index[0] != index[1]


def test_a_case_without_its_region_is_refused(data: pathlib.Path) -> None:
    found = files_of(a_study(data, dataset__roi="regions"))
    assert [case.roi and case.roi.name for case in found] == [f"c{n}.nii.gz" for n in range(5)]
    with pytest.raises(InputError, match=r"dataset\.roi: there is no mask for case 'c0' in imagesTr/\{case\}_9.nii.gz"):
        files_of(a_study(data, dataset__roi="imagesTr/{case}_9.nii.gz"))
    with pytest.raises(InputError, match="no folder 'lungs'"):
        files_of(a_study(data, dataset__roi="lungs"))


def test_masks_of_regions_are_no_images(tmp_path: pathlib.Path) -> None:
    for kind in ("scan", "scan_roi", "scan_mask"):
        save(tmp_path / "a" / f"{kind}.nii", ROI)
    study = a_study(
        tmp_path,
        dataset__images="{case}/scan*.nii",
        dataset__masks="{case}/*_mask.nii",
        dataset__roi="{case}/*_roi.nii",
    )
    (case,) = files_of(study)
    assert [path.name for path in (*case.images, case.mask, case.roi) if path] == [
        "scan.nii",
        "scan_mask.nii",
        "scan_roi.nii",
    ]


def test_oracles_are_badged(data: pathlib.Path) -> None:
    here = Node("here", 2, 0)
    split = {"dataset__split": {"validation": ["c1"], "test": ["c2"]}}
    crop = {"preprocess__crop": {"to": "reference", "label": "lesion"}}
    told = check(a_study(data, **split, **crop), here).notices
    assert "oracle crop: each case is cut to 'lesion' in its own reference, which a new case does not have" in told
    region = {"dataset__roi": {"label": ">0"}, "preprocess__crop": {"to": "roi"}}
    both = [line for line in check(a_study(data, **split, **region), here).notices if line.startswith("oracle")]
    assert [line.split(":")[0] for line in both] == ["oracle crop", "oracle region"]
    assert "'>0'" in both[0]
    fair = check(a_study(data, **split, preprocess__crop={"to": "nonzero"}, dataset__roi="regions"), here)
    assert not [line for line in fair.notices if "oracle" in line]


def test_a_limit_keeps_the_first_in_natural_order_and_says_so(tmp_path: pathlib.Path) -> None:
    for number in (1, 2, 3, 10, 11):
        pair(tmp_path, f"c{number}", seed=number)
    few = a_study(
        tmp_path,
        dataset__limit=3,
        dataset__exclude=["c1"],
        dataset__split={"validation": ["c3"], "test": ["c10"]},
    )
    assert {case.name for case in files_of(few)} == {"c2", "c3", "c10"}
    told = check(few, Node("here", 2, 0)).notices
    assert "only the first 3 cases are used (dataset.limit): a trial run, no result" in told


def refusals(study: Study) -> tuple[str, ...]:
    with pytest.raises(SpecError) as error:
        check(study, Node("here", 2, 0))
    return error.value.lines


def test_flat_cases_have_no_neighbouring_slices(tmp_path: pathlib.Path) -> None:
    for number in range(3):
        mask = np.zeros((6, 5), np.uint8)
        mask[1:3, 1 + number : 4] = 1
        mask[4, 2] = 2
        picture(tmp_path / "images" / f"a{number}.png", 50 * mask + number)
        picture(tmp_path / "masks" / f"a{number}.png", mask)
    flat = {"patch.size": [32, 32], "patch.context": 1, "models": {"unet": {"width": 4}}}
    study = a_study(tmp_path, dataset__split={"validation": ["a1"], "test": ["a2"]}, **flat)
    assert refusals(study) == (
        "a0 and 2 more: flat, so it has no neighbouring slices. Leave `patch.context` out, or exclude the case.",
    )


def test_decathlon_channels_are_those_of_its_list(tmp_path: pathlib.Path) -> None:
    image, mask = volume()
    listed = [{"image": f"./imagesTr/b{n}.nii.gz", "label": f"./labelsTr/b{n}.nii.gz"} for n in range(3)]
    described = {"modality": {"0": "FLAIR", "1": "T1w"}, "training": listed}
    (tmp_path / "dataset.json").write_text(json.dumps(described))
    for number in range(3):
        channels = 2 if number else 3
        save(tmp_path / "imagesTr" / f"b{number}.nii.gz", np.stack([image + number] * channels, axis=-1))
        save(tmp_path / "labelsTr" / f"b{number}.nii.gz", mask)
    study = a_study(tmp_path, dataset__split={"validation": ["b1"], "test": ["b2"]})
    assert (
        "b0: 3 channels in the image, dataset.json names 2 (FLAIR, T1w). Copy the image again, or correct the list."
        in (refusals(study))
    )
    save(tmp_path / "imagesTr" / "b0.nii.gz", np.stack([image, image], axis=-1))
    assert {fact.channels for fact in check(study, Node("here", 2, 0)).facts} == {2}


TEMPLATES: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "folders": ({"images": "scans", "masks": "truth"}, ["scans/a.nii", "truth/a.nii"], ["a"]),
    "question mark": (
        {"images": "s?/{case}.nii", "masks": "m/{case}.nii"},
        ["s1/a.nii", "s2/b.nii", "m/a.nii", "m/b.nii"],
        ["a", "b"],
    ),
    "any folders": (
        {"images": "**/{case}_i.nii", "masks": "**/{case}_m.nii"},
        ["a_i.nii", "x/y/b_i.nii", "a_m.nii", "z/b_m.nii"],
        ["a", "b"],
    ),
    "channels with wildcards": (
        {"images": {"flair": "*/{case}/*Flair*/*.nii", "t1": "*/{case}/*T1*/*.nii"}, "masks": "*/{case}/*OT*/*.nii"},
        ["HGG/p1/VSD.Flair.1/VSD.Flair.1.nii", "HGG/p1/VSD.T1.2/VSD.T1.2.nii", "HGG/p1/VSD.OT.3/VSD.OT.3.nii"],
        ["p1"],
    ),
    "exclusion with wildcards": (
        {"images": "i", "masks": "m", "exclude": ["a*", "?2"]},
        ["i/a1.nii", "i/b1.nii", "i/b2.nii", "m/a1.nii", "m/b1.nii", "m/b2.nii"],
        ["b1"],
    ),
}


@pytest.mark.parametrize(("how", "paths", "cases"), TEMPLATES.values(), ids=TEMPLATES)
def test_templates_of_a_study_file(
    tmp_path: pathlib.Path, how: dict[str, Any], paths: list[str], cases: list[str]
) -> None:
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    found = files_of(a_study(tmp_path, **{f"dataset__{key}": value for key, value in how.items()}))
    assert [case.name for case in found] == cases
    channels = len(how["images"]) if isinstance(how["images"], dict) else 1
    assert {len(case.images) for case in found} == {channels}
