"""Ignored voxels in a training: what the mask says there changes no weight and no score."""

import dataclasses
from typing import Any, cast

import numpy as np
import torch

from tests.trainables import tiny
from trainables.data.cache.cache import Dataset
from trainables.data.preparing import preprocess
from trainables.training.training import Training

torch.set_num_threads(1)


def dataset(shape: tuple[int, ...], fill: int, *, ignore: bool) -> Dataset:
    """The tiny cases, with a corner that is organ or lesion, as `fill` says, and that is ignored or not."""
    how = dataclasses.replace(tiny.options(len(shape)), other_labels="ignore" if ignore else "refuse")
    made = {}
    for number in range(4):
        case = tiny.blob(shape, number)
        corner = np.zeros(shape, bool)
        corner[tuple(slice(0, size // 2) for size in shape)] = True
        reference = np.where(corner, np.uint8(fill), case.reference)
        case = dataclasses.replace(case, reference=reference, ignored=corner if ignore else None)
        made[f"case{number}"] = tiny.TinyCase(f"case{number}", preprocess.prepare(case, how))
    return Dataset(cast(Any, made), how)


def test_what_is_ignored_changes_no_weight() -> None:
    spec = tiny.spec(dim=2, iterations=3, marks=(3,))
    digests = {}
    for fill in (1, 2):
        for ignore in (False, True):
            training = Training(spec, dataset((40, 36), fill, ignore=ignore))
            training.advance(3)
            digests[fill, ignore] = training.digest()
    assert digests[1, True] == digests[2, True]
    assert digests[1, False] != digests[2, False]
    assert digests[1, True] != digests[1, False]


def test_what_is_ignored_is_no_foreground_and_not_scored() -> None:
    data = dataset((40, 36), 2, ignore=True)
    case = data.cases["case2"]
    assert case.reference[:20, :18].sum() == 0
    assert case.reference.sum() > 0
    places = np.unravel_index(case.foreground, case.label.shape)
    assert not ((places[0] < 20) & (places[1] < 18)).any()
