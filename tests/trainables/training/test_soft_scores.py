"""Soft Dice by class while training: by hand, over overlapping regions and depths, and cut anywhere."""

import dataclasses
import math
from typing import Any

import pytest
import torch

from tests.trainables import tiny
from tests.trainables.training.test_course import saved_and_loaded
from trainables.training.curve import SoftScores
from trainables.training.training import Training
from trainables.trial import Point

CPU = torch.device("cpu")
DATA = tiny.dataset((40, 36))


def two_classes(every: int = 2, marks: tuple[int, ...] = ()) -> SoftScores:
    return SoftScores(("background", "organ"), None, every=every, marks=marks, device=CPU)


def logits_of(p: list[float]) -> torch.Tensor:
    """`(1, 2, V)` whose softmax gives the organ these probabilities."""
    odds = torch.tensor([math.log(one / (1 - one)) for one in p])
    return torch.stack([torch.zeros_like(odds), odds])[None]


def test_a_window_pools_its_patches() -> None:
    # Organ in the first patch: p (.8, .6, .1, .1) against (1, 1, 0, 0); in the second: (.2, .5, .2, .1), reference
    # (1, 0, 0, 0). Sum of p g = 1.4 + .2, of p = 1.6 + 1.0, of g = 2 + 1: 2 * 1.6 / (2.6 + 3) = 4/7.
    # Background: p g = 1.8 + .5 + .8 + .9 = 4.0, p = 2.4 + 3.0, g = 2 + 3: 8 / 10.4.
    scores = two_classes()
    scores.add(logits_of([0.8, 0.6, 0.1, 0.1]), torch.tensor([[1, 1, 0, 0]]))
    assert scores.read(1) == ()
    scores.add(logits_of([0.2, 0.5, 0.2, 0.1]), torch.tensor([[1, 0, 0, 0]]))
    background, organ = scores.read(2)
    assert (background.name, organ.name, organ.iteration) == ("soft_dice background", "soft_dice organ", 2)
    assert background.value == pytest.approx(8 / 10.4, abs=1e-6)
    assert organ.value == pytest.approx(4 / 7, abs=1e-6)
    scores.add(logits_of([0.8, 0.6]), torch.tensor([[1, 0]]))
    assert scores.read(4)[1].value == pytest.approx(1.6 / 2.4, abs=1e-6), "the next window begins at 0"


def test_a_window_ends_at_a_mark_too() -> None:
    scores = two_classes(every=10, marks=(3,))
    scores.add(logits_of([0.8]), torch.tensor([[1]]))
    assert scores.read(2) == ()
    assert len(scores.read(3)) == 1, "background is absent"


def test_ignored_voxels_do_not_count() -> None:
    scores = two_classes(every=1)
    scores.add(logits_of([0.8, 0.9]), torch.tensor([[1, 0]]), ignore=torch.tensor([[False, True]]))
    (organ,) = scores.read(1)
    assert organ.value == pytest.approx(1.6 / 1.8, abs=1e-6)


def test_a_class_that_the_patches_lack_has_no_point() -> None:
    scores = two_classes(every=1)
    scores.add(logits_of([0.3, 0.2]), torch.tensor([[0, 0]]))
    assert [point.name for point in scores.read(1)] == ["soft_dice background"]


def test_numbers_that_are_not_finite_have_no_point() -> None:
    scores = two_classes(every=1)
    scores.add(torch.full((1, 2, 3), math.nan), torch.tensor([[0, 1, 1]]))
    assert scores.read(1) == ()


def test_of_several_depths_the_finest_counts() -> None:
    fine, coarse = logits_of([0.8, 0.4]), logits_of([0.1, 0.1])
    scores = two_classes(every=1)
    scores.add(torch.stack([fine, coarse], 1), torch.tensor([[1, 0]]))
    assert scores.read(1)[1].value == pytest.approx(1.6 / 2.2, abs=1e-6)


def test_overlapping_regions_each_by_their_sigmoid() -> None:
    # whole = {1, 2}, core = {2}; p of whole (.5, .8, .5), of core (.25, .5, .25); classes (0, 1, 2)
    p = torch.tensor([[[0.5, 0.8, 0.5], [0.25, 0.5, 0.25]]])
    scores = SoftScores(("whole", "core"), ((1, 2), (2,)), every=1, marks=(), device=CPU)
    scores.add(torch.logit(p), torch.tensor([[0, 1, 2]]))
    whole, core = scores.read(1)
    assert whole.value == pytest.approx(2 * 1.3 / (1.8 + 2), abs=1e-6)
    assert core.value == pytest.approx(2 * 0.25 / (1.0 + 1), abs=1e-6)


LOGGED: dict[str, Any] = {"log_every": 4}


def curves(points: tuple[Point, ...]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for point in points:
        found.setdefault(point.name, []).append(point.iteration)
    return found


@pytest.mark.parametrize("cut", [1, 4, 7])
def test_a_training_that_was_cut_has_the_same_curves(cut: int) -> None:
    spec = tiny.spec(2, **LOGGED)
    straight = Training(spec, DATA)
    expected = straight.advance(12)
    assert curves(expected)["soft_dice lesion"] == [4, 5, 8, 12], "every fourth iteration, and the mark at 5"
    assert {"soft_dice background", "soft_dice organ"} < set(curves(expected))
    first = Training(spec, DATA)
    points = first.advance(cut)
    second = saved_and_loaded(first)
    assert points + second.advance(12) == expected
    assert second.digest() == straight.digest()


def test_watching_changes_no_weight() -> None:
    watched, plain = Training(tiny.spec(2, **LOGGED), DATA), Training(tiny.spec(2), DATA)
    watched.advance(6)
    points = plain.advance(6)
    assert watched.digest() == plain.digest()
    assert not any(point.name.startswith("soft") for point in points)


def test_parts_of_a_batch_give_the_curves_of_the_whole() -> None:
    spec = tiny.spec(2, batch_size=3, model_parameters={"width": 2, "norm": "instance"}, loss="cross_entropy", **LOGGED)
    whole = Training(spec, DATA).advance(4)
    parts = Training(dataclasses.replace(spec, micro_batches=3), DATA).advance(4)
    assert [point.name for point in whole] == [point.name for point in parts]
    assert [point.value for point in whole] == pytest.approx([point.value for point in parts], abs=1e-4)


def test_regions_are_watched_where_they_are_trained_on() -> None:
    points = Training(tiny.spec(2, train_on="regions", loss="bce", **LOGGED), DATA).advance(4)
    assert {"soft_dice both", "soft_dice lesion"} < set(curves(points))
