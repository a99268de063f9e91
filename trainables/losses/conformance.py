"""Conformance kit: properties that every loss must have, tested on small tensors; for our own losses and a user's.

failures = check(my_loss, Facts("all", "voxel", 0.0, True, "me"), formula=my_formula_in_numpy)
"""

import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.losses.facts import Facts

Loss = Callable[..., Tensor]
Formula = Callable[[np.ndarray, np.ndarray], float]
MAPS = ("weight", "ignore")
DEAD, ALIVE = 2e-3, 1e-2
"""Sum of the gradient's absolute values on an empty reference: what has none to speak of, and what has one."""


def check(
    loss: Loss,
    facts: Facts | None = None,
    *,
    formula: Formula | None = None,
    oracle: Loss | None = None,
    differentiable: bool = True,
    classes: int = 3,
    **parameters: Any,
) -> list[str]:
    """Test a loss and return its failures.

    Args:
        loss: `(logits (N, C, *spatial), target (N, *spatial), *, parameters, weight, ignore) -> scalar`.
        facts: Its declared properties; None skips the tests that need them.
        formula: The same function written again in NumPy, float64: `(logits, target) -> value`.
        oracle: The same function of another library: `(logits, target) -> scalar`.
        differentiable: Whether its gradient is that of its value (False where a part of it is detached).
        classes: Number of classes that it is tried with.
        parameters: Passed on to the loss.

    Returns:
        One line for each failure; empty where there is none.
    """

    def tried(logits: Tensor, target: Tensor, **maps: Tensor) -> Tensor:
        return loss(logits, target, **parameters, **maps)

    failures: list[str] = []
    for part in (_value, _extremes, _half_precision, _order, _maps):
        failures += _guarded(part, tried, facts, classes)
    for name, other in (("its formula", formula), ("the oracle", oracle)):
        if other is not None:
            failures += _beside(tried, other, name, classes)
    if differentiable:
        failures += _guarded(_gradient, tried, facts, classes)
    if facts is not None:
        failures += _guarded(_declared, tried, facts, classes)
    taken = inspect.signature(loss).parameters
    return failures + [f"takes no keyword argument {name!r}" for name in MAPS if name not in taken]


def example(classes: int = 3, size: tuple[int, ...] = (4, 3, 2), samples: int = 2) -> tuple[Tensor, Tensor]:
    """Random logits (float64) and class indices; every class is in every sample."""
    generator = torch.Generator().manual_seed(7)
    logits = 2 * torch.randn(samples, classes, *size, generator=generator, dtype=torch.float64)
    target = torch.randint(classes, (samples, *size), generator=generator)
    target.view(samples, -1)[:, :classes] = torch.arange(classes)
    return logits, target


def extremes(classes: int = 3) -> dict[str, tuple[Tensor, Tensor]]:
    """Inputs at the edge, float32: empty, full, perfect, inverted and certain at |logit| = 60."""
    size = (2, 4, 4, 4)
    some = torch.zeros(size, dtype=torch.int64)
    some[:, :2, :2, :3] = 1
    some[:, 3] = classes - 1
    noise = torch.randn(2, classes, *size[1:], generator=torch.Generator().manual_seed(0))
    right = torch.nn.functional.one_hot(some, classes).movedim(-1, 1).float()
    sign = torch.randint(2, noise.shape, generator=torch.Generator().manual_seed(1)) * 120.0 - 60
    nothing = torch.full_like(noise, -60)
    nothing[:, 0] = 60
    return {
        "empty reference": (noise, 0 * some),
        "full reference": (noise, torch.ones_like(some)),
        "empty reference, nothing predicted": (nothing, 0 * some),
        "nothing predicted": (nothing, some),
        "perfect": (120 * right - 60, some),
        "inverted": (60 - 120 * right, some),
        "|z| = 60": (sign, some),
    }


def _guarded(
    part: Callable[[Loss, Facts | None, int], Iterator[str]], loss: Loss, facts: Facts | None, classes: int
) -> list[str]:
    found: list[str] = []
    try:
        found.extend(part(loss, facts, classes))
    except Exception as error:  # whatever a user's loss raises is a failure to show, not a crash of the kit
        found.append(f"{part.__name__.strip('_').replace('_', ' ')}: raises {type(error).__name__}: {error}")
    return found


def _value(loss: Loss, _: Facts | None, classes: int) -> Iterator[str]:
    logits, target = example(classes)
    value = loss(logits, target)
    if value.shape != ():
        yield f"value: expected a scalar, found shape {(*value.shape,)}"
    if value.dtype != torch.float64:
        yield f"value: float64 logits give {value.dtype}, expected float64"
    if (kind := loss(logits.float(), target).dtype) != torch.float32:
        yield f"value: float32 logits give {kind}, expected float32"
    if not all(torch.equal(now, before) for now, before in zip((logits, target), example(classes), strict=True)):
        yield "value: it changes what it is given"
    for integers in (torch.uint8, torch.int32):
        if not _same(loss(logits, target.to(integers)).item(), value.item()):
            yield f"value: other for labels of {integers} than of {target.dtype}"


def _beside(loss: Loss, other: Callable[..., Any], name: str, classes: int) -> list[str]:
    failures = []
    for size in ((5, 3), (4, 3, 2)):
        logits, target = example(classes, size)
        arrays = (logits, target) if name == "the oracle" else (logits.numpy(), target.numpy())
        expected = float(other(*arrays))
        for kind, tolerance in ((torch.float64, 1e-6), (torch.float32, 1e-5)):
            found = loss(logits.to(kind), target).item()
            if not math.isclose(found, expected, rel_tol=tolerance, abs_tol=tolerance / 10):
                failures.append(f"value: {found:.9g} in {kind}, {name} gives {expected:.9g} (size {size})")
    return failures


def _gradient(loss: Loss, _: Facts | None, classes: int) -> Iterator[str]:
    logits, target = example(classes, (3, 2))
    weight = torch.linspace(0.5, 2, target.numel(), dtype=torch.float64).view_as(target)
    for maps in ({}, {"weight": weight}):
        try:
            torch.autograd.gradcheck(lambda z, maps=maps: loss(z, target, **maps), logits.clone().requires_grad_())
        except (RuntimeError, AssertionError) as error:
            yield f"gradient: not that of the value{' with weights' if maps else ''}: {str(error).splitlines()[0]}"


def _extremes(loss: Loss, _: Facts | None, classes: int) -> Iterator[str]:
    for name, (logits, target) in extremes(classes).items():
        for autocast in (False, True):
            for kind in (torch.float32, torch.bfloat16):
                given = logits.to(kind).clone().requires_grad_()
                with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
                    value = loss(given, target)
                value.backward()  # type: ignore[no-untyped-call]
                where = f"{name}, {kind} logits{' under bfloat16 autocast' if autocast else ''}"
                if not torch.isfinite(value):
                    yield f"extremes: value {value.item()} ({where})"
                if given.grad is None or not torch.isfinite(given.grad).all():
                    yield f"extremes: gradient not finite ({where})"


def _half_precision(loss: Loss, _: Facts | None, classes: int) -> Iterator[str]:
    logits, target = example(classes, (24, 24, 24), samples=1)
    for kind in (torch.float16, torch.bfloat16):
        rounded = logits.to(kind)
        expected = loss(rounded.double(), target).item()
        for autocast in (False, True):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
                value = loss(rounded, target)
            close = math.isclose(value.item(), expected, rel_tol=1e-4, abs_tol=1e-6)
            if value.dtype != torch.float32 or not close:
                where = f"{kind} logits{' under autocast' if autocast else ''}"
                yield f"half precision: {value.item():.6g} as {value.dtype}, {expected:.6g} in float64 ({where})"


def _order(loss: Loss, facts: Facts | None, classes: int) -> Iterator[str]:
    logits, target = example(classes)
    value = loss(logits, target).item()
    if not _same(loss(logits.flip(0, 2, 3).transpose(2, 4), target.flip(0, 1, 2).transpose(1, 3)).item(), value):
        yield "order: turning samples and axes changes the value"
    if facts is not None and not facts.neighbours:
        order = torch.randperm(24, generator=torch.Generator().manual_seed(3))
        if not _same(loss(logits.flatten(2)[:, :, order], target.flatten(1)[:, order]).item(), value):
            yield "order: shuffling voxels changes the value, and `neighbours` is not declared"


def _maps(loss: Loss, facts: Facts | None, classes: int) -> Iterator[str]:
    logits, target = example(classes, samples=3)
    value, ones = loss(logits, target).item(), torch.ones(target.shape)
    if not _same(loss(logits, target, weight=ones).item(), value):
        yield "weight: a map of ones changes the value"
    if not _same(loss(logits, target, ignore=ones < 0).item(), value):
        yield "ignore: a mask that ignores nothing changes the value"
    ignore = torch.zeros(target.shape, dtype=torch.bool)
    ignore[:, 1:2] = True
    left = loss(logits, target, ignore=ignore).item()
    dirty, junk = logits.clone(), target.masked_fill(ignore, 255)
    dirty[ignore[:, None].expand_as(dirty)] = math.nan
    dirty.requires_grad_()
    found = loss(dirty, junk, ignore=ignore)
    if not _same(found.item(), left):
        yield f"ignore: what stands in ignored voxels changes the value ({left:.9g} → {found.item():.9g})"
    found.backward()  # type: ignore[no-untyped-call]
    assert dirty.grad is not None
    if dirty.grad[ignore[:, None].expand_as(dirty)].abs().sum() != 0 or not torch.isfinite(dirty.grad).all():
        yield "ignore: ignored voxels have a gradient"
    if facts is not None and not facts.neighbours:
        rest = [torch.stack([x[..., (~i).flatten()] for x, i in zip(t.flatten(d), ignore, strict=True)]) for t, d in
                ((logits, 2), (target, 1))]  # fmt: skip
        if not _same(loss(*rest).item(), left):
            yield "ignore: not the value of the remaining voxels by themselves"
    nothing = loss(logits.requires_grad_(), target, ignore=ones > 0)
    nothing.backward()  # type: ignore[no-untyped-call]
    if not torch.isfinite(nothing) or logits.grad is None or logits.grad.abs().sum() != 0:
        yield "ignore: where all voxels are ignored, the value is not finite or has a gradient"


def _declared(loss: Loss, facts: Facts | None, classes: int) -> Iterator[str]:
    assert facts is not None
    logits, target = example(classes, samples=3)
    each = [loss(logits[i : i + 1], target[i : i + 1]).item() for i in range(3)]
    splits = _same(loss(logits, target).item(), sum(each) / 3)
    if splits != (facts.aggregation != "batch"):
        is_mean = "is" if splits else "is not"
        yield f"declared: aggregation by {facts.aggregation}, and a batch {is_mean} its samples' mean"
    edge = extremes(classes)
    for name, key, expected in (
        ("clean", "empty reference, nothing predicted", facts.clean),
        ("perfect", "perfect", facts.perfect),
    ):
        if abs((value := loss(*edge[key]).item()) - expected) > 1e-3:
            yield f"declared: {name} is {expected}, found {value:.6g} ({key})"
    noise, empty = edge["empty reference"]
    given = noise.clone().requires_grad_()
    loss(given, empty).backward()  # type: ignore[no-untyped-call]
    assert given.grad is not None
    size = given.grad.abs().sum().item()
    if facts.learns_from_empty and size < ALIVE:
        yield f"declared: learns from an empty reference, and the gradient's sum there is {size:.2g}"
    if not facts.learns_from_empty and size > DEAD:
        yield f"declared: does not learn from an empty reference, and the gradient's sum there is {size:.2g}"


def _same(found: float, expected: float) -> bool:
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
