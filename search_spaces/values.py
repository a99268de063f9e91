"""Values of a parameter: all of them, their number, the nearest one, and the one at a point of the unit interval."""

import math
from collections.abc import Sequence
from decimal import Decimal

from search_spaces.grammar import Choice, Fixed, Parameter, Range, Scalar, Space, is_number


def nearest(parameter: Parameter, value: Scalar) -> Scalar:
    """Returns the allowed value that is closest to `value`, or `value` itself where it is allowed.

    Where the two cannot be compared (a word that is not among the choices, None in a range), a choice gives its first
    value and a range its middle (the geometric middle of a log range).
    """
    if isinstance(parameter, Fixed):
        return parameter.value
    if isinstance(parameter, Choice):
        return _nearest_of(parameter.values, value)
    if not is_number(value):
        return from_unit(parameter, 0.5)
    clipped = min(max(float(value), parameter.low), parameter.high)
    if parameter.step is not None:
        return _at_step(parameter, round((clipped - parameter.low) / parameter.step))
    return round(clipped) if parameter.whole else float(clipped)


def first_of(parameter: Parameter, usual: Scalar) -> Scalar:
    """Returns the value in an arm's first trial: the range's `first`, else the value nearest to the default."""
    if isinstance(parameter, Range) and parameter.first is not None:
        return nearest(parameter, parameter.first)
    return nearest(parameter, usual)


def from_unit(parameter: Parameter, u: float) -> Scalar:
    """Returns the value at a point of the unit interval, in equal parts for choices and steps, by logarithms if `log`.

    Args:
        parameter: The parameter.
        u: In `[0, 1)`.

    Raises:
        ValueError: `u` is outside.
    """
    if not 0 <= u < 1:
        raise ValueError(f"u is {u}; expected a number in [0, 1)")
    if isinstance(parameter, Fixed):
        return parameter.value
    if isinstance(parameter, Choice):
        return parameter.values[int(u * len(parameter.values))]
    low, high = parameter.low, parameter.high
    if parameter.log:
        half = 0.5 if parameter.whole else 0.0  # so that each whole number has an interval of equal length
        bottom, top = math.log(low - half), math.log(high + half)
        drawn = math.exp(bottom + u * (top - bottom))
        return min(max(round(drawn), int(low)), int(high)) if parameter.whole else float(min(max(drawn, low), high))
    if (count := _points(parameter)) is not None:
        return _at_step(parameter, int(u * count))
    return float(min(low + u * (high - low), high))


def grid_points(space: Space) -> int | None:
    """Count the configurations; None where a parameter is continuous."""
    counts = [_points(parameter) for parameter in space.values()]
    return math.prod(count for count in counts if count is not None) if None not in counts else None


def grid_values(parameter: Parameter) -> tuple[Scalar, ...]:
    """Returns every value that a parameter can have, in order.

    Raises:
        ValueError: It is continuous.
    """
    if isinstance(parameter, Fixed):
        return (parameter.value,)
    if isinstance(parameter, Choice):
        return parameter.values
    if (count := _points(parameter)) is None:
        raise ValueError(f"a range from {parameter.low} to {parameter.high} without step has no finite grid")
    return tuple(_at_step(parameter, index) for index in range(count))


def _same(left: Scalar, right: Scalar) -> bool:
    """Tell whether two values of a parameter are equal: 1 equals 1.0, but true does not equal 1."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _nearest_of(options: Sequence[Scalar], value: Scalar) -> Scalar:
    for option in options:
        if _same(option, value):
            return option
    numbers = [option for option in options if is_number(option)]
    return min(numbers, key=lambda option: abs(option - value)) if numbers and is_number(value) else options[0]


def _points(parameter: Parameter) -> int | None:
    """Count the values of a parameter; None for a continuous range."""
    if isinstance(parameter, Fixed):
        return 1
    if isinstance(parameter, Choice):
        return len(parameter.values)
    step = parameter.step if parameter.step is not None else (1 if parameter.whole else None)
    return None if step is None else round((parameter.high - parameter.low) / step) + 1


def _at_step(parameter: Range, index: int) -> float:
    """Returns the value after `index` steps, computed in decimals so that 0.1 + 2 * 0.1 is exactly 0.3."""
    if parameter.whole:
        return int(parameter.low) + index * int(parameter.step or 1)
    return float(Decimal(repr(parameter.low)) + index * Decimal(repr(parameter.step)))
