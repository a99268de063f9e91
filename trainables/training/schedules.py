"""Learning-rate schedules by name: pure functions of the iteration. `plateau` has state: see `patience.py`."""

from collections.abc import Callable, Sequence

Schedule = Callable[..., float]
"""`(iteration, iterations, *, options) -> factor` of the initial learning rate, for iteration 0 to `iterations - 1`."""


def constant(iteration: int, iterations: int) -> float:
    """Return 1."""
    return 1.0


def polynomial(iteration: int, iterations: int) -> float:
    """`(1 - iteration / iterations)^0.9`: 1 at first, almost 0 at last, over the whole training.

    Source: nnU-Net, Isensee et al. 2021, https://doi.org/10.1038/s41592-020-01008-z.
    """
    return float((1 - iteration / iterations) ** 0.9)


def step(
    iteration: int, iterations: int, *, at: Sequence[float] = (), every: int | None = None, factor: float = 0.1
) -> float:
    """Return `factor` to the power of the number of steps passed.

    Args:
        iteration: Iterations done before this one.
        iterations: Length of the whole training.
        at: Where the steps are: shares of `iterations` in (0, 1), or iterations from 1.
        every: Iterations between steps, instead of `at`.
        factor: Multiplier of the rate at each step.
    """
    places = [round(place * iterations) if place < 1 else place for place in at]
    passed = sum(iteration >= place for place in places) + (iteration // every if every else 0)
    return float(factor**passed)


SCHEDULES: dict[str, Schedule] = {"constant": constant, "polynomial": polynomial, "step": step}

PLATEAU = "plateau"
"""The schedule that is no function of the iteration: `patience.Plateau`."""
