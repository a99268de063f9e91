"""The kit over the registry, and losses broken on purpose that it must find."""

import dataclasses
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from tests.trainables.losses import formulas, formulas_compound, formulas_overlap
from trainables.losses import FACTS, LOSSES, Facts, cross_entropy_loss
from trainables.losses.conformance import check
from trainables.losses.parts.voxels import read

torch.set_num_threads(1)
FORMULAS = formulas.FORMULAS | formulas_overlap.FORMULAS | formulas_compound.FORMULAS
FACT = Facts("all", "voxel", 0.0, True, "a test")


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", LOSSES)
def test_the_registry_keeps_all(name: str, classes: int) -> None:
    assert check(LOSSES[name], FACTS[name], formula=FORMULAS[name], classes=classes) == []


@pytest.mark.parametrize("name", FACTS)
def test_every_loss_names_its_source(name: str) -> None:
    assert len(FACTS[name].source) > 10


def naive(logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None) -> Tensor:
    """Cross-entropy with the logarithm of a probability that can be 0."""
    voxels = read(logits, target, weight=weight, ignore=ignore)
    p = torch.where(voxels.one_hot, torch.softmax(voxels.logits, 1), 0).sum(1)
    return voxels.mean(-torch.log(p))


def narrow(logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None) -> Tensor:
    return cross_entropy_loss(logits.bfloat16(), target, weight=weight, ignore=ignore).to(logits.dtype)


def leaky(logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None) -> Tensor:
    """Weighs ignored voxels with 0 and still divides by them."""
    cost = F.cross_entropy(logits, target.clamp(max=logits.shape[1] - 1), reduction="none")
    return ((cost if weight is None else cost * weight) * (1 if ignore is None else ~ignore)).mean()


def detached(logits: Tensor, target: Tensor, **maps: Any) -> Tensor:
    return cross_entropy_loss(logits, target, **maps) * cross_entropy_loss(logits, target, **maps).detach()


def grasping(logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None) -> Tensor:
    """Fills in what is ignored in the caller's own labels."""
    return cross_entropy_loss(logits, target.clamp_(max=logits.shape[1] - 2), weight=weight, ignore=ignore)


def int32_only(logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None) -> Tensor:
    """Asks whether a voxel is background by a number below 0, which labels without a sign never reach."""
    background = (target - 1) < 0
    shared = cross_entropy_loss(logits, target, weight=weight, ignore=ignore)
    return shared * (1 + background.float().mean() if ignore is None else 1)


def vector(logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None) -> Tensor:
    return cross_entropy_loss(logits, target, weight=weight, ignore=ignore)[None]


def normed(logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None) -> Tensor:
    weight = torch.ones(target.shape) if weight is None else weight + 1
    return cross_entropy_loss(logits, target, weight=weight, ignore=ignore)


def first(logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None) -> Tensor:
    """The first half of the voxels costs double."""
    ramp = torch.ones(target[0].numel())
    ramp[: len(ramp) // 2] = 2
    ramp = ramp.view(target[0].shape).expand_as(target)
    return cross_entropy_loss(logits, target, weight=ramp if weight is None else ramp * weight, ignore=ignore)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (naive, "extremes: "),
        (narrow, "half precision"),
        (leaky, "ignore: not the value of the remaining"),
        (leaky, "ignore: what stands in ignored voxels"),
        (detached, "gradient: not that of the value"),
        (detached, "takes no keyword argument 'ignore'"),
        (grasping, "value: it changes what it is given"),
        (int32_only, "value: other for labels of torch.uint8"),
        (vector, "expected a scalar"),
        (normed, "weight: a map of ones"),
        (first, "order: "),
        (lambda z, y: z.sum() * float("nan"), "value nan"),
        (lambda z, y: 1 / 0, "raises ZeroDivisionError"),
    ],
)
def test_it_finds(broken: Any, words: str) -> None:
    failures = check(broken, FACT)
    assert any(words in failure for failure in failures), failures


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"aggregation": "batch"}, "aggregation by batch"),
        ({"clean": 1.0}, "clean is 1.0"),
        ({"perfect": 0.5}, "perfect is 0.5"),
        ({"learns_from_empty": False}, "does not learn from an empty"),
    ],
)
def test_it_finds_a_wrong_declaration(changes: dict[str, Any], words: str) -> None:
    failures = check(cross_entropy_loss, dataclasses.replace(FACT, **changes))
    assert len(failures) == 1
    assert words in failures[0]


def test_it_finds_what_learns_nothing_where_learning_is_declared() -> None:
    failures = check(LOSSES["tversky"], dataclasses.replace(FACTS["tversky"], learns_from_empty=True))
    assert ["learns from an empty reference" in failure for failure in failures] == [True]


def test_it_finds_another_formula_and_another_oracle() -> None:
    failures = check(LOSSES["dice"], formula=FORMULAS["cross_entropy"], oracle=cross_entropy_loss)
    assert sum("its formula gives" in failure for failure in failures) == 4
    assert sum("the oracle gives" in failure for failure in failures) == 4
