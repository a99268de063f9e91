"""Properties of every loss in the registry: shapes, formula, gradients, float32 inside, finite at the extremes."""

import inspect
import itertools
from typing import Any

import pytest
import torch

from search_spaces import defaults
from tests.trainables.losses import formulas, formulas_compound, formulas_overlap
from trainables.losses import FACTS, LOSSES
from trainables.losses.conformance import example, extremes

FORMULAS = formulas.FORMULAS | formulas_overlap.FORMULAS | formulas_compound.FORMULAS
PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "cross_entropy": [{}],
    "bce": [{}],
    "balanced": [{}, {"alpha": 0.75}],
    "weighted_cross_entropy": [{}, {"detach": True}, {"max_weight": 1.5}],
    "top_k_cross_entropy": [{}, {"fraction": 0.4}, {"fraction": 1.0}],
    "dice": [{}, {"eps": 1.0}],
    "dice_sq": [{}, {"eps": 0.5}],
    "dice_lin": [{}, {"eps": 1.0}],
    "dice_flat_s1": [{}, {"smooth": 0.1}],
    "weighted_dice": [{}, {"ratio": 0.5}],
    "gdl_sudre": [{}],
    "gdl_iw": [{}],
    "focal": [{}, {"alpha": 0.75}, {"alpha": 0.25, "gamma": 0.5}, {"gamma": 0.0}, {"gamma": 5.0}],
    "tversky": [{}, {"fn_weight": 0.2, "fp_weight": 1.5}, {"fn_weight": 0.0}, {"background": True, "reduction": "sum"}],
    "focal_tversky": [
        {},
        {"exponent": 5.0, "reduction": "sum"},
        {"exponent": 0.5, "background": False, "fn_weight": 0.2},
        {"focus": "index", "fp_weight": 0.9},
    ],
    "asl_sq": [{}, {"beta": 0.5}],
    "asl_lin": [{}, {"beta": 0.5}],
    "log_cosh_dice": [{}],
    "log_cosh_weighted_dice": [{}, {"ratio": 3.0}],
    "log_cosh_focal_tversky": [{}, {"reduction": "sum", "background": False, "exponent": 2.0}],
    "matthews": [{}, {"form": "batch"}, {"form": "micro_all"}],
    "wasserstein_dice": [{}, {"eps": 1.0}],
    "custom": [{}, {"swap": True, "alpha": 0.75}, {"focal_reduction": "positives", "gamma": 1.0, "delta": 0.2}],
    "dice_cross_entropy": [{}, {"dice_weight": 0.2, "cross_entropy_weight": 3.0}],
    "dice_focal": [{}, {"dice_weight": 0.2, "focal_weight": 3.0, "alpha": 0.75, "gamma": 0.5}],
    "cl_dice": [{}, {"share": 0.9, "iterations": 1, "smooth": 0.1}],
    "hausdorff": [{}, {"power": 1.0}],
    "unified_focal": [{}, {"share": 0.2, "delta": 0.9, "gamma": 0.1}],
}
PRECISIONS = ("float32", "bfloat16 logits", "bfloat16 autocast")
CASES = [
    pytest.param(name, parameters, id=f"{name}-{parameters}")
    for name, all_ in PARAMETERS.items()
    for parameters in all_
]


def test_every_loss_is_tried_and_has_defaults_and_facts() -> None:
    assert set(PARAMETERS) == set(LOSSES) == set(defaults.LOSSES) == set(FORMULAS) == set(FACTS)


@pytest.mark.parametrize("name", LOSSES)
def test_parameters_and_their_defaults_are_those_of_the_search_spaces(name: str) -> None:
    parameters = list(inspect.signature(LOSSES[name]).parameters.values())
    assert [p.name for p in parameters[:2]] == ["logits", "target"]
    said = {p.name: p.default for p in parameters[2:] if p.name not in ("weight", "ignore", "weights")}
    assert said == {k: d.value for k, d in defaults.LOSSES[name].items()}
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters[2:])


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("size", [(5, 3), (4, 3, 2)])
@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_value_is_the_formulas(name: str, parameters: dict[str, Any], size: tuple[int, ...], classes: int) -> None:
    logits, target = example(classes, size)
    expected = FORMULAS[name](logits.numpy(), target.numpy(), **parameters)
    assert LOSSES[name](logits, target, **parameters).item() == pytest.approx(expected, rel=1e-9)
    assert LOSSES[name](logits.float(), target, **parameters).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("name", "parameters"), [case for case in CASES if "detach" not in str(case.id)])
def test_gradient_is_that_of_the_value(name: str, parameters: dict[str, Any]) -> None:
    logits, target = example(size=(3, 2), samples=2)
    assert torch.autograd.gradcheck(lambda z: LOSSES[name](z, target, **parameters), logits.requires_grad_())


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_value_and_gradient_are_finite(name: str, parameters: dict[str, Any]) -> None:
    for precision, (extreme, (given, target)) in itertools.product(PRECISIONS, extremes().items()):
        where = f"{extreme}, {precision}"
        logits = given.to(torch.bfloat16 if precision == "bfloat16 logits" else torch.float32).clone().requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16 autocast"):
            loss = LOSSES[name](logits, target, **parameters)
        loss.backward()  # type: ignore[no-untyped-call]
        assert loss.dtype == torch.float32, where
        assert torch.isfinite(loss), where
        assert loss >= -1e-6, where
        assert logits.grad is not None, where
        assert torch.isfinite(logits.grad).all(), where


@pytest.mark.parametrize("name", LOSSES)
def test_being_right_costs_nothing_and_being_wrong_costs(name: str) -> None:
    values = {extreme: LOSSES[name](*inputs).item() for extreme, inputs in extremes().items()}
    assert values["perfect"] == pytest.approx(FACTS[name].perfect, abs=1e-3)
    assert values["inverted"] > 0.4  # log cosh 1 is 0.434


@pytest.mark.parametrize("name", LOSSES)
def test_one_hot_target_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="class indices"):
        LOSSES[name](torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 4, dtype=torch.int64))


@pytest.mark.parametrize("name", LOSSES)
def test_probabilities_as_target_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"class indices.*float32"):
        LOSSES[name](torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (2, 4)])
def test_a_single_channel_is_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="C >= 2"):
        LOSSES[name](torch.zeros(shape), torch.zeros(1, 4, 4, dtype=torch.int64))


@pytest.mark.parametrize(
    ("name", "parameters", "word"),
    [
        ("balanced", {"alpha": -0.1}, "alpha"),
        ("weighted_cross_entropy", {"max_weight": 0.0}, "max_weight"),
        ("top_k_cross_entropy", {"fraction": 0.0}, "fraction"),
        ("top_k_cross_entropy", {"fraction": 1.1}, "fraction"),
        ("dice", {"eps": 0.0}, "eps"),
        ("dice_sq", {"eps": 0.0}, "eps"),
        ("dice_lin", {"eps": -1.0}, "eps"),
        ("dice_flat_s1", {"smooth": 0.0}, "smooth"),
        ("weighted_dice", {"ratio": 0.0}, "ratio"),
        ("weighted_dice", {"weights": [1.0, 2.0]}, "weights"),
        ("weighted_dice", {"weights": {0: 1.0, 1: -2.0, 2: 1.0}}, "weights"),
        ("focal_tversky", {"exponent": 0.0}, "exponent"),
        ("focal_tversky", {"fn_weight": -1.0}, "fn_weight"),
        ("focal_tversky", {"focus": "both"}, "focus"),
        ("focal_tversky", {"reduction": "max"}, "reduction"),
        ("asl_sq", {"beta": 0.0}, "beta"),
        ("asl_lin", {"eps": 0.0}, "eps"),
        ("matthews", {"form": "macro"}, "form"),
        ("wasserstein_dice", {"matrix": "brats"}, "matrix"),
        ("wasserstein_dice", {"matrix": "brats5"}, "matrix"),
        ("wasserstein_dice", {"matrix": [[0, 1, 1], [1, 0, 0.5], [1, 0.4, 0]]}, "matrix"),
        ("wasserstein_dice", {"matrix": [[0, 1, 0.5], [1, 0, 0.5], [0.5, 0.5, 0]]}, "matrix"),
        ("custom", {"delta": 1.5}, "delta"),
        ("custom", {"focal_reduction": "sum"}, "focal_reduction"),
        ("dice_cross_entropy", {"dice_weight": -1.0}, "dice_weight"),
        ("dice_focal", {"focal_weight": -1.0}, "focal_weight"),
        ("cl_dice", {"share": 2.0}, "share"),
        ("cl_dice", {"iterations": -1}, "iterations"),
        ("unified_focal", {"gamma": 1.0}, "gamma"),
        ("unified_focal", {"delta": -0.5}, "delta"),
        ("tversky", {"eps": 0.0}, "eps"),
        ("tversky", {"fn_weight": -0.1}, "fn_weight"),
        ("tversky", {"fp_weight": float("nan")}, "fp_weight"),
        ("focal", {"gamma": -1.0}, "gamma"),
        ("focal", {"alpha": 1.5}, "alpha"),
    ],
)
def test_parameters_outside_their_range_are_refused(name: str, parameters: dict[str, Any], word: str) -> None:
    logits, target = example()
    with pytest.raises(ValueError, match=f"{word}.*expected"):
        LOSSES[name](logits, target, **parameters)
