"""Checks of the losses' parameters: what passes, and what the message says otherwise."""

import math

import pytest

from trainables.losses.parts.parameter_checks import not_negative, one_of, positive


def test_positive() -> None:
    positive(eps=1e-30, ratio=2.0)
    for wrong in (0.0, -1e-9, math.nan):
        with pytest.raises(ValueError, match=f"eps: expected a positive number, found {wrong}"):
            positive(ratio=1.0, eps=wrong)


def test_not_negative() -> None:
    not_negative(price=0.0)
    for wrong in (-1e-9, math.nan):
        with pytest.raises(ValueError, match=f"price: expected a number >= 0, found {wrong}"):
            not_negative(other=1.0, price=wrong)


def test_one_of() -> None:
    one_of(("mean", "sum"), reduction="sum")
    with pytest.raises(ValueError, match="reduction: expected mean or sum, found 'none'"):
        one_of(("mean", "sum"), reduction="none")
