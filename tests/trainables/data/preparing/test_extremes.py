"""Volumes as they come: four channels, thick slices, tiny ones; and how much memory preparing takes."""

import pathlib
import tracemalloc

import numpy as np
import pytest
import torch

from tests.trainables import tiny
from tests.trainables.data.files import affine, normalized, options, save
from trainables.data.cache import cache
from trainables.data.cases.case import Case
from trainables.data.finding.layouts import CaseFiles
from trainables.data.preparing import preprocess
from trainables.training.training import Training

torch.set_num_threads(1)

SHAPES: dict[str, tuple[tuple[int, int, int], tuple[float, float, float], int, object, tuple[int, ...]]] = {
    "four channels": ((20, 18, 16), (1.0, 1.0, 1.0), 4, "native", (16, 18, 20)),
    "thick slices": ((40, 36, 9), (1.0, 1.0, 5.0), 1, (2.5, 2.0, 2.0), (18, 18, 20)),
    "thick slices as they are": ((40, 36, 9), (1.0, 1.0, 5.0), 1, "native", (9, 36, 40)),
    "tiny": ((24, 24, 24), (1.0, 1.0, 1.0), 1, "native", (24, 24, 24)),
    "tiny, coarse": ((24, 24, 24), (1.0, 1.0, 1.0), 1, (3.0, 3.0, 3.0), (8, 8, 8)),
    "tiny, four thick channels": ((24, 24, 24), (1.0, 1.0, 5.0), 4, (5.0, 2.0, 2.0), (24, 12, 12)),
}


@pytest.mark.parametrize(("shape", "sides", "channels", "spacing", "expected"), SHAPES.values(), ids=SHAPES)
def test_prepared_trained_on_and_scored(
    tmp_path: pathlib.Path,
    shape: tuple[int, int, int],
    sides: tuple[float, float, float],
    channels: int,
    spacing: object,
    expected: tuple[int, ...],
) -> None:
    rng = np.random.default_rng(0)
    mask = np.zeros(shape, np.uint8)
    mask[2:13, 3:14, 1:7], mask[4:8, 5:9, 2:6] = 1, 2
    image = np.stack([(100 * mask * (c + 1) + rng.integers(0, 30, shape)).astype(np.int16) for c in range(channels)])
    paths = tuple(save(tmp_path / f"i{c}.nii.gz", image[c], affine(sides)) for c in range(channels))
    files = CaseFiles("a", paths, save(tmp_path / "m.nii.gz", mask, affine(sides)))
    how = options(spacing=spacing)
    record = cache.prepare_case(files, how, tmp_path / "cache")
    data = cache.Dataset.open(cache.write_index(tmp_path / "cache", [record], how))
    case = data.cases["a"]
    assert case.image.shape == (channels, *expected)
    assert case.label.shape == expected
    for channel in range(channels):  # each by itself, in the order of the files
        assert np.asarray(case.image[channel]).mean() == pytest.approx(0, abs=1e-4)
    if spacing == "native":
        assert np.allclose(
            case.image[channels - 1], normalized(image[-1].transpose().astype(np.float32), None, "zscore")
        )
    training = Training(
        tiny.spec(train=("a",), evaluate=("a",), regions={"all": (1, 2)}, iterations=1, marks=(1,)), data
    )
    training.advance(1)
    assert training.predict("a").shape == shape[::-1]
    assert {score.region for score in training.evaluate(("a",)).scores} == {"all"}


def test_preparing_makes_no_second_volume() -> None:
    shape = (90, 100, 110)
    rng = np.random.default_rng(0)
    reference = np.zeros(shape, np.uint8)
    reference[20:30, 20:30, 20:30] = 1
    case = Case(rng.normal(0, 100, (1, *shape)).astype(np.float32), reference, (1.0, 1.0, 1.0), ())
    tracemalloc.start()
    try:
        preprocess.prepare(case, options(clip=(-150.0, 150.0)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # 4 bytes a voxel come out, 1 for the picture, 1 for masks of classes, and pieces of two megabytes
    assert peak < 6.2 * case.image.size + 8e6
