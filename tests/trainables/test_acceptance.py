"""METHOD.md §7: the two acceptance tests of the whole pipeline, from files to scores."""

import itertools
import pathlib
from typing import Any

import nibabel
import numpy as np
import pytest
import torch

from tests.trainables import tiny
from tests.trainables.data import files
from trainables.data.cache import cache
from trainables.data.cases import case
from trainables.data.finding.layouts import CaseFiles
from trainables.metrics import score_case
from trainables.training.training import Training

REGIONS = {"all": (1, 2), "organ": (1,), "lesion": (2,)}
METRICS = ("dice", "precision", "recall", "hd95")
ORIENTATIONS = {"RAS": 0, "another": 7, "stored z, y, x": 46}


def labelled(shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """`(x, y, z)`: an organ with a small lesion in it, neither symmetric, both rough at the edge."""
    rng = np.random.default_rng(seed)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    wobble = rng.normal(0, 0.03, shape)
    organ = (x / 0.8) ** 2 + ((y - 0.1) / 0.6) ** 2 + ((z + 0.1) / 0.7) ** 2 + wobble < 1
    lesion = (x - 0.2) ** 2 + y**2 + (z + 0.3) ** 2 + wobble < 0.08
    return organ.astype(np.uint8) + (organ & lesion)


def stored(folder: pathlib.Path, orientation: int, *, seed: int = 0) -> tuple[CaseFiles, pathlib.Path]:
    """A case, and a prediction for it, in one of the 48 orientations; voxels of 1.1 × 0.9 × 2.5 mm."""
    reference = labelled((30, 34, 16), seed)
    prediction = np.roll(labelled((30, 34, 16), seed + 1), (2, -1, 1), (0, 1, 2))
    image = (100 * reference + np.random.default_rng(seed).normal(0, 20, reference.shape)).astype(np.int16)
    matrix = files.affine((1.1, 0.9, 2.5))
    paths = []
    for name, array in (("image", image), ("mask", reference), ("prediction", prediction)):
        turned, affine = list(files.orientations(array, matrix))[orientation]
        paths.append(files.save(folder / f"{name}.nii.gz", turned, affine))
    return CaseFiles("a", (paths[0],), paths[1]), paths[2]


class Perfect(torch.nn.Module):
    """A perfect network, whose input image holds the classes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 60 * (2 * torch.cat([(x == index).float() for index in range(3)], dim=1) - 1)


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS)
@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_the_reference_as_prediction_scores_the_printed_ceiling(
    tmp_path: pathlib.Path, orientation: int, average: str
) -> None:
    how = files.options(regions=REGIONS, spacing=(2.0, 1.7, 1.7))
    record = cache.prepare_case(stored(tmp_path, orientation)[0], how, tmp_path / "cache")
    data = cache.Dataset.open(cache.write_index(tmp_path / "cache", [record], how))
    cached = data.cases["a"]
    vars(cached)["image"] = np.asarray(cached.label, np.float32)[None]  # what `Perfect` sees
    learner = Training(
        tiny.spec(train=("a",), evaluate=("a",), regions=REGIONS, metrics=METRICS, average=average, mirror=True), data
    )
    learner.network = Perfect()
    scores = learner.evaluate(("a",)).scores
    dice = {score.region: score.value for score in scores if score.metric == "dice"}
    assert dice == record.facts.ceilings
    assert all(value is not None and 0.8 < value < 1 for value in dice.values())  # and a ceiling worth printing


def world_surface(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Computes positions in mm of the surface voxels, one voxel at a time."""
    padded = np.pad(mask, 1)
    steps = [np.array(step) for step in itertools.product((-1, 0, 1), repeat=3) if np.abs(step).sum() == 1]
    found = [voxel for voxel in np.argwhere(mask) if not all(padded[tuple(voxel + 1 + step)] for step in steps)]
    return np.asarray(found) @ affine[:3, :3].T + affine[:3, 3]


def directly(reference: pathlib.Path, prediction: pathlib.Path, classes: tuple[int, ...]) -> dict[str, float]:
    """Computes the metrics from the files with nibabel and NumPy alone, in the files' own axes."""
    images = [nibabel.load(path) for path in (reference, prediction)]
    truth, guess = (np.isin(np.asarray(image.dataobj), classes) for image in images)
    both = (truth & guess).sum()
    apart = world_surface(truth, images[0].affine)[:, None] - world_surface(guess, images[1].affine)[None]
    distances = np.sqrt((apart**2).sum(-1))
    return {
        "dice": 2 * both / (truth.sum() + guess.sum()),
        "precision": both / guess.sum(),
        "recall": both / truth.sum(),
        "hd95": max(np.percentile(distances.min(1), 95), np.percentile(distances.min(0), 95)),
    }


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS)
def test_a_mask_file_scores_what_nibabel_and_numpy_say(tmp_path: pathlib.Path, orientation: int) -> None:
    given, prediction = stored(tmp_path, orientation, seed=3)
    how = files.options(regions=REGIONS, spacing=(2.0, 1.7, 1.7))
    record = cache.prepare_case(given, how, tmp_path / "cache")
    cached = cache.Dataset.open(cache.write_index(tmp_path / "cache", [record], how)).cases["a"]
    predicted = case.read(CaseFiles("a", given.images, prediction), how.labels, dim=3).reference
    scores = score_case(
        "a", cached.reference, predicted, regions=REGIONS, metrics=METRICS, spacing=cached.reference_spacing
    )
    for region, classes in REGIONS.items():
        found = {score.metric: score.value for score in scores if score.region == region}
        expected: dict[str, Any] = directly(given.mask, prediction, classes)
        assert found == pytest.approx(expected, rel=1e-6)  # NIfTI stores the affine in float32
        assert [found[name] for name in METRICS[:3]] == [expected[name] for name in METRICS[:3]]


def test_a_picture_scores_in_pixels(tmp_path: pathlib.Path) -> None:
    reference, prediction = (labelled((40, 30, 9), seed)[:, :, 4] for seed in (0, 4))
    given = CaseFiles(
        "a",
        (files.picture(tmp_path / "images" / "a.png", 90 * reference),),
        files.picture(tmp_path / "masks" / "a.png", reference),
    )
    how = files.options(dim=2, regions=REGIONS)
    record = cache.prepare_case(given, how, tmp_path / "cache")
    cached = cache.Dataset.open(cache.write_index(tmp_path / "cache", [record], how)).cases["a"]
    assert cached.reference_spacing is None
    (score,) = score_case(
        "a", cached.reference, prediction, regions={"all": (1, 2)}, metrics=("hd95",), spacing=cached.reference_spacing
    )
    edges = []
    for mask in (reference > 0, prediction > 0):
        inner = mask[1:-1, 1:-1] & mask[2:, 1:-1] & mask[:-2, 1:-1] & mask[1:-1, 2:] & mask[1:-1, :-2]
        edges.append(np.argwhere(mask & ~np.pad(inner, 1)))
    distances = np.sqrt(((edges[0][:, None] - edges[1][None]) ** 2).sum(-1))
    assert score.value == pytest.approx(max(np.percentile(distances.min(axis), 95) for axis in (0, 1)))
