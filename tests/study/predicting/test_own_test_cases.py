"""Predicting a study's own test cases gives the ledger's scores, in every format, by the masks that are written."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from study.cases.from_study_file import files_of, options_of
from study.command.cli import run_command
from study.ledger import Ledger
from study.study_file import Study
from tests import layout_data
from tests.study.predicting.trained import NAME, file, trained
from tests.trainables.data import formats
from tests.trainables.data.files import affine, picture, save
from trainables.data.cases.case import read_for
from trainables.data.finding.layouts import CaseFiles
from trainables.data.preparing.preprocess import scored_reference
from trainables.data.reading import readers
from trainables.metrics import measure_case

PLACE = layout_data.stored_as("IPL", np.zeros((22, 26, 18)), affine((0.8, 0.9, 2.5)))[1]
"""Axes as KiTS19 stores them."""
Build = Callable[[pathlib.Path], None]


def volume(number: int, values: tuple[int, ...] = (1,)) -> tuple[np.ndarray, np.ndarray]:
    radii = (0.7, 0.45, 0.25)[: len(values)]
    image, mask = layout_data.scan((22, 26, 18), number, radii, low=-80, values=values)
    matrix = affine((0.8, 0.9, 2.5))
    return layout_data.stored_as("IPL", image, matrix)[0], layout_data.stored_as("IPL", mask, matrix)[0]


def nifti(root: pathlib.Path, ending: str = ".nii.gz", empty: int = 0) -> None:
    for number in range(5):
        image, mask = volume(number)
        image[:, :empty] = 0
        save(root / "images" / f"c{number}{ending}", image, PLACE)
        save(root / "masks" / f"c{number}{ending}", mask, PLACE)


def itk(root: pathlib.Path, ending: str) -> None:
    for number in range(5):
        for folder, array in zip(("images", "masks"), volume(number), strict=True):
            formats.write(root / folder / f"c{number}{ending}", array, PLACE)


def dicom(root: pathlib.Path) -> None:
    for number in range(5):
        image, mask = volume(number)
        formats.write_series(root / "images" / f"c{number}", image.astype(np.int16), PLACE, series=number + 1)
        save(root / "masks" / f"c{number}.nii.gz", mask, PLACE)


def flat(root: pathlib.Path, ending: str = ".png", inside: int = 255, **how: Any) -> None:
    for number in range(5):
        image, mask = layout_data.scan((24, 31), number, (0.6,), low=60, step=60, values=(1,))
        picture(root / "images" / f"c{number}{ending}", np.clip(image, 0, 255).astype(np.uint8), **how)
        picture(root / "masks" / f"c{number}.png", (mask * inside).astype(np.uint8))


def channels(root: pathlib.Path) -> None:
    for number in range(5):
        image, mask = volume(number)
        save(root / "imagesTr" / f"c{number}_0000.nii.gz", image, PLACE)
        save(root / "imagesTr" / f"c{number}_0001.nii.gz", (300 - image).astype(np.int16), PLACE)
        save(root / "labelsTr" / f"c{number}.nii.gz", mask, PLACE)


def by_case(root: pathlib.Path) -> None:
    for number in range(5):
        image, mask = volume(number, (2, 7, 3))
        for name, array in (("t1", image), ("t2", (300 - image).astype(np.int16)), ("seg", mask)):
            save(root / f"c{number}" / f"{name}.nii.gz", array, PLACE)


def stack(root: pathlib.Path) -> None:
    import tifffile

    for number in range(5):
        image, mask = layout_data.scan((22, 26, 18), number, (0.7,), low=100, values=(1,))
        for folder, array in (("images", image), ("masks", mask)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(
                root / folder / f"c{number}.tif",
                np.transpose(array, (2, 1, 0)).astype(np.uint16),
                imagej=True,
                resolution=(1 / 0.5, 1 / 0.25),
                metadata={"axes": "ZYX", "spacing": 2.0, "unit": "mm"},
            )


FLAT = {"patch": {"size": [24, 32]}, "models": {"unet": {"width": 2}}}
TEMPLATES = {"images": {"t1": "{case}/t1.nii.gz", "t2": "{case}/t2.nii.gz"}, "masks": "{case}/seg.nii.gz"}
REGIONS = {
    "labels": {"edge": 2, "core": 7, "heart": 3},
    "regions": {"whole": ["edge", "core", "heart"], "core": ["core", "heart"], "heart": ["heart"]},
    "train_on": "regions",
}
STUDIES: dict[str, tuple[Build, dict[str, Any], str, str]] = {
    "nifti": (nifti, {"preprocess": {"spacing": [2.0, 1.2, 1.2]}}, "images/c{}.nii.gz", ".nii.gz"),
    "nifti, cropped, mirrored": (
        lambda root: nifti(root, ".nii", empty=4),
        {"preprocess": {"crop": {"to": "nonzero", "margin": 1}}, "inference": {"mirror": True}},
        "images/c{}.nii",
        ".nii",
    ),
    "metaimage": (lambda root: itk(root, ".mha"), {}, "images/c{}.mha", ".mha"),
    "metaimage in two files": (lambda root: itk(root, ".mhd"), {}, "images/c{}.mhd", ".mha"),
    "nrrd": (lambda root: itk(root, ".nrrd"), {}, "images/c{}.nrrd", ".nrrd"),
    "dicom": (dicom, {"preprocess": {"spacing": [2.5, 1.0, 1.0]}}, "images/c{}", ".nrrd"),
    "png": (flat, {**FLAT, "dataset": {"labels": {"blob": ">127"}}}, "images/c{}.png", ".png"),
    "jpeg": (
        lambda root: flat(root, ".jpg", 3, quality=95),
        {**FLAT, "dataset": {"labels": {"blob": 3}}},
        "images/c{}.jpg",
        ".png",
    ),
    "slices": (nifti, {**FLAT, "patch": {"size": [24, 32], "context": 1}}, "images/c{}.nii.gz", ".nii.gz"),
    "tiff stack": (stack, {}, "images/c{}.tif", ".tif"),
    "channels": (channels, {"preprocess": {"normalize": "zscore_training"}}, "imagesTr/c{}_000[01].nii.gz", ".nii.gz"),
    "regions": (by_case, {"dataset": {**TEMPLATES, **REGIONS}}, "", ".nii.gz"),
}


def scored(study: Study, own: CaseFiles, output: pathlib.Path, ending: str) -> dict[tuple[str, str], float | None]:
    """Scores of the written masks by the project's metrics: `(region, metric)` → value."""
    options = options_of(study)
    case = read_for(own, options)

    def measured(path: pathlib.Path, region: str, classes: tuple[int, ...]) -> dict[tuple[str, str], float | None]:
        how = options if path.parent == output else binary(options)
        found = read_for(dataclasses.replace(own, mask=path), how).reference
        reference = scored_reference(case)
        if path.parent != output:
            reference, classes = np.isin(reference, classes).astype(np.uint8), (1,)
        made = measure_case(
            own.name, reference, found, regions={region: classes}, metrics=study.metrics, spacing=case.spacing,
            empty=study.report.empty, unscored=0, odds={}, lesions=False,
        )  # fmt: skip
        return {(score.region, score.metric): score.value for score in made.scores}

    overlapping = study.dataset.train_on == "regions"
    found: dict[tuple[str, str], float | None] = {}
    for region, classes in study.regions.items():
        folder = output / region if overlapping else output
        found |= measured(folder / f"{own.name}{ending}", region, classes)
    return found


def binary(options: Any) -> Any:
    from trainables.data.cases.label_values import parse_all

    return dataclasses.replace(options, labels=parse_all({"inside": 1}), regions={})


@pytest.mark.parametrize("kind", STUDIES)
def test_the_ledgers_scores(
    kind: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build, changes, place, ending = STUDIES[kind]
    data, home, output = tmp_path / "data", tmp_path / "home", tmp_path / "output"
    build(data)
    study = file(data, changes)
    trained(study, home, monkeypatch, seeds=1)
    tested = {"c1", "c2"}
    if place:
        images = [str(path) for name in sorted(tested) for path in sorted(data.glob(place.format(name[1:])))]
    else:
        images = [str(data)]
    common = ["--output", str(output), "--home", str(home), "--seed", "0", "--device", "cpu"]
    assert run_command(["predict", NAME, *images, *common]) == 0, capsys.readouterr().err
    own = {case.name: case for case in files_of(study)}
    with Ledger.open(home / "ledger.db", read_only=True) as ledger:
        rows = list(ledger.scores(ledger.study(NAME).id).rows())
    assert {row.case for row in rows} == tested
    found = {name: scored(study, own[name], output, ending) for name in tested}
    for row in rows:
        value = found[row.case][row.region, row.metric]
        assert (value is None) == (row.value is None), row
        if row.value is not None:
            assert value == pytest.approx(row.value, abs=1e-6), row
    assert any(row.value for row in rows)
    written = readers.read(output / f"c1{ending}", colour="refuse")
    image = readers.read(own["c1"].images[0])
    assert written.array.shape[:3] == image.array.shape[:3]
    if image.affine is not None:
        assert written.affine is not None
        np.testing.assert_allclose(written.affine, image.affine, atol=1e-5)
        assert written.sides == image.sides
