"""Formatting of numbers, p-values, parameters and settings, the same in every output format."""

from collections.abc import Mapping
from typing import Any

from reports.results.metric_facts import Metric
from reports.statistics.intervals_and_tests import Estimate
from search_spaces.grammar import Scalar

NONE = "–"
MINUS = "−"


def fixed(value: float | None, decimals: int) -> str:
    """Formats a number: `0.912`, with a typographic minus; a dash for None."""
    if value is None:
        return NONE
    text = f"{value:.{decimals}f}"
    if text.startswith("-"):
        return text[1:] if float(text) == 0 else MINUS + text[1:]
    return text


def signed(value: float, decimals: int) -> str:
    """Formats a difference with its sign: `+0.031`, `−0.008`, `0.000`."""
    text = fixed(value, decimals)
    return text if text.startswith(MINUS) or float(text) == 0 else f"+{text}"


def interval(estimate: Estimate, decimals: int, *, difference: bool = False) -> str:
    """Formats an interval: `[0.890, 0.934]`; an empty string without one."""
    if estimate.low is None or estimate.high is None:
        return ""
    write = signed if difference else fixed
    return f"[{write(estimate.low, decimals)}, {write(estimate.high, decimals)}]"


def mean(estimate: Estimate, metric: Metric) -> str:
    """Formats a mean with the metric's digits."""
    return fixed(estimate.mean, metric.decimals)


def p_value(p: float | None) -> str:
    """Formats a p-value: `0.012`, `<0.001`."""
    if p is None:
        return NONE
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def hours(value: float) -> str:
    """Formats hours with about two significant digits: `0.04`, `3.2`, `120`."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def count(number: int, thing: str, things: str | None = None) -> str:
    """Formats a count with its noun: `1 case`, `3 cases`."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"


def iteration(mark: int) -> str:
    """Formats an iteration: `5k` for 5000, `250` for 250."""
    return f"{mark // 1000}k" if mark >= 1000 and mark % 1000 == 0 else str(mark)


def scalar(value: Scalar) -> str:
    """Formats a parameter with three significant digits."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def augmentation(entry: Any) -> str:
    """Formats an augmentation of the study file: `rotate`, `rotate (degrees 30)`, `scale (range 0.9 to 1.1)`."""
    if isinstance(entry, str):
        return entry
    ((name, options),) = entry.items()
    said = {key: value if isinstance(value, list | tuple) else [value] for key, value in options.items()}
    return f"{name} ({', '.join(f'{key} ' + ' to '.join(map(scalar, value)) for key, value in said.items())})"


def setting(value: Any) -> str:
    """Formats a value of a study file: `3.22 × 1.62 × 1.62`, `tuned, 0.0001 to 0.01`; a dash for None."""
    if value is None:
        return NONE
    if isinstance(value, Mapping):
        return f"tuned, {scalar(value['low'])} to {scalar(value['high'])}" if "low" in value else "tuned"
    if isinstance(value, list | tuple):
        if not value:
            return "none"
        return (", " if all(isinstance(part, str) for part in value) else " × ").join(map(setting, value))
    return value if isinstance(value, str) else scalar(value) if isinstance(value, bool) else f"{value:g}"


def parameters(chosen: Mapping[str, Scalar]) -> str:
    """Formats parameters: `learning_rate 0.00031, gamma 2`, with short names where they are unambiguous."""
    short = [name.rpartition(".")[2] for name in chosen]
    names = [last if short.count(last) == 1 else full for full, last in zip(chosen, short, strict=True)]
    return ", ".join(f"{name} {scalar(value)}" for name, value in zip(names, chosen.values(), strict=True))
