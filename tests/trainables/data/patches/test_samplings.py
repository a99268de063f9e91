"""Samplings: what is chosen how often, on cases whose classes and lesions are drawn by hand."""

import collections
from typing import Any, cast

import numpy as np
import pytest
import torch

from tests.trainables.tiny import TinyCase
from trainables.data.cache.cache import Dataset
from trainables.data.cases.case import Case
from trainables.data.cases.label_values import Label
from trainables.data.cases.options import PreprocessOptions
from trainables.data.patches.patches import PatchSampler
from trainables.data.preparing import preprocess
from trainables.errors import InputError

SHAPE = (20, 24)


def dataset(lesions: list[list[tuple[int, int, int]]], shape: tuple[int, ...] = SHAPE, dim: int = 2) -> Dataset:
    """Cases with square lesions `(first row, first column, side)` in each slice."""
    how = PreprocessOptions(dim=dim, labels=(Label("lesion", "==", 1),), components=True, normalize="none")
    made = {}
    for number, places in enumerate(lesions):
        reference = np.zeros(shape, np.uint8)
        for row, column, side in places:
            reference[..., row : row + side, column : column + side] = 1
        image = np.arange(reference.size, dtype=np.float32).reshape(1, *shape)
        made[f"c{number}"] = TinyCase(
            f"c{number}", preprocess.prepare(Case(image, reference, (1.0,) * len(shape), ()), how)
        )
    return Dataset(cast(Any, made), how)


LESIONS = dataset([[(2, 3, 1), (10, 10, 6)], [(4, 4, 2)], [], [(0, 0, 1), (0, 5, 1), (0, 10, 1)]])
NAMES = ("c0", "c1", "c2", "c3")


def sampler(data: Dataset = LESIONS, cases: tuple[str, ...] = NAMES, share: float = 0.5, **how: Any) -> PatchSampler:
    return PatchSampler(data, cases, how.pop("size", (1, 1)), share, 3, **how)


def test_lesions_decide_which_case_and_where() -> None:
    found = sampler(sampling="lesion")
    places = [found.place(iteration, 0) for iteration in range(4000)]
    cases = collections.Counter(place.case for place in places)
    shares = {name: count / 4000 for name, count in cases.items()}
    assert shares == pytest.approx({"c0": 2 / 6, "c1": 1 / 6, "c3": 3 / 6}, abs=0.03)
    centred = [place for place in places if place.centred]
    assert len(centred) / 4000 == pytest.approx(0.5, abs=0.03)
    assert all(LESIONS.cases[place.case].label[place.start] for place in centred)
    small = [place.start == (2, 3) for place in centred if place.case == "c0"]
    assert np.mean(small) == pytest.approx(0.5, abs=0.06)  # of 1 voxel, as often as the other one of 36
    inside = {place.start for place in centred if place.case == "c0"} - {(2, 3)}
    assert inside == {(row, column) for row in range(10, 16) for column in range(10, 16)}
    elsewhere = {place.start for place in places if not place.centred and place.case == "c3"}
    assert len(elsewhere) > 300


def test_without_any_lesion_there_is_nothing_to_go_by() -> None:
    with pytest.raises(InputError, match=r"patch\.sampling lesion: no lesion in any of 1 training cases"):
        sampler(cases=("c2",), sampling="lesion")


def test_uniform_is_foreground_without_foreground() -> None:
    plain, anywhere = sampler(share=0.0), sampler(share=0.9, sampling="uniform")
    places = [anywhere.place(iteration, 1) for iteration in range(50)]
    assert places == [plain.place(iteration, 1) for iteration in range(50)]
    assert not any(place.centred for place in places)


def test_a_grid_shows_every_window_once_a_turn() -> None:
    found = sampler(cases=("c0", "c1"), size=(8, 8), overlap=(2, 4), sampling="grid", batch_size=3)
    windows = 2 * 3 * 5  # rows 0, 6, 12 and columns 0, 4, 8, 12, 16 of both
    places = [found.place(iteration, slot) for iteration in range(windows) for slot in range(3)]
    expected = {(c, (row, column)) for c in ("c0", "c1") for row in (0, 6, 12) for column in (0, 4, 8, 12, 16)}
    turns = [[(place.case, place.start) for place in places[i : i + windows]] for i in (0, windows, 2 * windows)]
    assert all(len(turn) == windows and set(turn) == expected for turn in turns)
    assert turns[0] != turns[1]
    assert sorted(turns[0]) != turns[0]
    again = sampler(cases=("c0", "c1"), size=(8, 8), overlap=(2, 4), sampling="grid", batch_size=3)
    assert again.place(17, 2) == found.place(17, 2)


def test_a_case_smaller_than_the_grids_window_is_one_window() -> None:
    found = sampler(dataset([[]], (5, 30)), ("c0",), size=(8, 16), sampling="grid")
    assert {found.place(iteration, 0).start for iteration in range(2)} == {(-1, 0), (-1, 14)}


def test_slices_of_volumes_are_chosen_too() -> None:
    data = dataset([[(2, 3, 2)]], (4, 6, 8))
    for name, share in (("lesion", 1.0), ("grid", 0.0), ("uniform", 0.0)):
        found = sampler(data, ("c0",), share, size=(6, 8), sampling=name)
        assert {found.place(iteration, 0).start[0] for iteration in range(60)} == {0, 1, 2, 3}, name


@pytest.mark.parametrize("name", ["foreground", "lesion"])
def test_lesion_numbers_come_from_the_same_places(name: str) -> None:
    found = sampler(size=(7, 9), margin=(2, 3), sampling=name, share=0.8)
    for iteration in range(20):
        _, labels = found.batch(iteration, 3)
        both = found.batch(iteration, 3, lesions=True)[1]
        classes, numbers = both.unbind(1)
        assert torch.equal(classes, labels)
        assert numbers.shape == labels.shape == (3, 11, 15)
        assert torch.equal(numbers > 0, labels > 0)
    assert numbers.dtype == torch.int32


def test_an_unknown_sampling_is_refused() -> None:
    with pytest.raises(ValueError, match="sampling must be one of foreground, uniform, grid, lesion"):
        sampler(sampling="anywhere")
