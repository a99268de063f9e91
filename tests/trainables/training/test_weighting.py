"""Inverse lesion weighting in a training: the lesions of the full volume, cut, turned and weighted with their patch."""

import dataclasses
import io
from typing import Any

import pytest
import torch

from tests.trainables import tiny
from tests.trainables.data.patches.test_samplings import dataset
from trainables.losses import LOSSES, inverse_weights
from trainables.training.training import Training
from trainables.trial import TrialSpec

torch.set_num_threads(1)
DATA = dataset([[(2, 3, 1), (10, 10, 6), (30, 30, 9)], [(4, 4, 2), (4, 30, 3)]], (40, 44))


def spec(**changes: Any) -> TrialSpec:
    given: dict[str, Any] = {
        "train": ("c0", "c1"),
        "evaluate": ("c1",),
        "weighting": "inverse",
        "classes": ("background", "lesion"),
        "regions": {"lesion": (1,)},
        "augment": ("mirror", "rotate", "scale", "elastic"),
    }
    return tiny.spec(2, **{**given, **changes})


def seen(learner: Training, to: int) -> list[tuple[torch.Tensor, dict[str, torch.Tensor]]]:
    """Labels and maps that the loss was given in each iteration."""
    found: list[tuple[torch.Tensor, dict[str, torch.Tensor]]] = []
    loss = learner._loss
    learner._loss = lambda logits, labels, **maps: (found.append((labels, maps)), loss(logits, labels, **maps))[1]
    learner.advance(to)
    return found


def test_the_weights_are_those_of_the_patchs_lesions() -> None:
    learner = Training(spec(augment=("mirror",)), DATA)
    several = 0
    for iteration, (labels, maps) in enumerate(seen(learner, 8)):
        components = learner._patches.batch(iteration, 2, lesions=True)[1][:, 1]
        expected = inverse_weights(components)
        for slot in range(2):
            flips = [
                axes
                for axes in ([], [0], [1], [0, 1])
                if torch.equal(components[slot].flip(axes) > 0, labels[slot] > 0)
            ]
            assert any(torch.equal(maps["weight"][slot], expected[slot].flip(axes)) for axes in flips)
            several += int(components[slot].unique().numel() > 2)
    assert several


def test_lesions_turn_with_their_labels() -> None:
    for labels, maps in seen(Training(spec(), DATA), 10):
        assert ((maps["weight"] > 1) <= (labels > 0)).all()  # the background has weight 1
        assert (maps["weight"][labels > 0] >= 1).all()
    assert (maps["weight"] > 1).any()


def test_without_weighting_there_is_no_map() -> None:
    assert all(not maps for _, maps in seen(Training(spec(weighting="none"), DATA), 2))


def test_weighting_changes_the_loss_and_not_the_patches() -> None:
    first, second = (Training(spec(weighting=how), DATA) for how in ("none", "inverse"))
    images: list[list[torch.Tensor]] = [[], []]
    for learner, kept in zip((first, second), images, strict=True):
        learner.network.register_forward_pre_hook(lambda _, x, kept=kept: kept.append(x[0].clone()))
        learner.advance(3)
    assert all(torch.equal(a, b) for a, b in zip(*images, strict=True))
    assert first.digest() != second.digest()


def test_cut_and_resumed_it_is_the_same() -> None:
    straight, first, second = (Training(spec(), DATA) for _ in range(3))
    straight.advance(6)
    first.advance(3)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    second.advance(6)
    assert second.digest() == straight.digest()


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_takes_the_weights(loss: str) -> None:
    plain, weighted = (
        Training(dataclasses.replace(spec(weighting=how, augment=()), loss=loss), DATA) for how in ("none", "inverse")
    )
    values = [learner.advance(1)[0].value for learner in (plain, weighted)]
    assert all(torch.isfinite(torch.tensor(values)))
    assert values[0] != values[1]
