"""Adjusting p-values: Holm's step-down over a family of tests.

Source: Holm 1979, A simple sequentially rejective multiple test procedure.
"""

from collections.abc import Sequence


def holm(p: Sequence[float], family: int | None = None) -> list[float]:
    """Returns Holm's adjusted p in the given order; rejecting those below alpha bounds the family-wise error by alpha.

    Args:
        p: p-values of the tests that could be made.
        family: Number of planned tests, at least `len(p)`: tests that could not be made count as p = 1, so that a
            missing comparison does not make the others more significant.

    Source: Holm 1979.
    """
    size = len(p) if family is None else family
    if size < len(p):
        raise ValueError(f"expected a family of at least {len(p)} tests, got {size}")
    adjusted = [1.0] * len(p)
    greatest = 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        greatest = max(greatest, min(1.0, (size - rank) * p[index]))
        adjusted[index] = greatest
    return adjusted
