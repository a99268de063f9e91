"""Markdown tables of simulated figures, and which of them miss the criterion."""

import json
import math
import pathlib
from collections.abc import Mapping, Sequence

from .scenarios import SCENARIOS, Scenario

MOST_ERRORS, LEAST_COVERAGE = 0.06, 0.93
"""The criterion: type-I error at most, coverage at least, with 10 patients or more."""

Figures = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Scenario's label → candidate → figure → value."""

COLUMNS = {
    "rejected": "Type-I error at .05",
    "covered": "Coverage of the difference's interval (nominal .95)",
    "mean_covered": "Coverage of one arm's mean",
    "power": "Power at a difference of 0.22 / sqrt(patients)",
    "width": "Mean width of the difference's interval",
    "refused": "Share of studies without a p",
}


def label(scenario: Scenario) -> str:
    """A scenario's name in stored figures."""
    return f"{scenario.name}|{scenario.patients}"


def merged(paths: Sequence[pathlib.Path]) -> dict[str, dict[str, dict[str, float]]]:
    """Figures of several files; the first that has a candidate counts."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for path in paths:
        for name, row in json.loads(path.read_text(encoding="utf-8")).items():
            mine = found.setdefault(name, {})
            mine.update({candidate: value for candidate, value in row.items() if candidate not in mine})
    return found


def table(figures: Figures, column: str, names: Sequence[str]) -> list[str]:
    """One figure by scenario and candidate; scenarios outside the criterion in brackets."""
    lines = [f"| scenario | patients | {' | '.join(names)} |", f"| {' | '.join(['---'] * (len(names) + 2))} |"]
    for scenario in SCENARIOS:
        if label(scenario) not in figures:
            continue
        row = figures[label(scenario)]
        name = scenario.name if scenario.gate else f"({scenario.name})"
        cells = [cell(row[candidate][column]) for candidate in names]
        lines.append(f"| {name} | {scenario.patients} | {' | '.join(cells)} |")
    return lines


def missed(figures: Figures, candidate: str) -> list[str]:
    """Figures of the criterion that a candidate misses."""
    lines = []
    for scenario in SCENARIOS:
        if not scenario.gate or label(scenario) not in figures:
            continue
        row = figures[label(scenario)][candidate]
        if row["rejected"] > MOST_ERRORS:
            lines.append(f"{label(scenario)}: type-I {row['rejected']:.3f}")
        lines += [
            f"{label(scenario)}: {column} {row[column]:.3f}"
            for column in ("covered", "mean_covered")
            if row[column] < LEAST_COVERAGE
        ]
    return lines


def cell(value: float) -> str:
    """`.047`; a dash where there is nothing."""
    return "–" if math.isnan(value) else f"{value:.3f}".removeprefix("0")


def report(figures: Figures) -> str:
    """All tables, then what each candidate misses."""
    names = list(next(iter(figures.values())))
    parts = [f"## {title}\n\n" + "\n".join(table(figures, column, names)) for column, title in COLUMNS.items()]
    lines = [f"- {name}: {', '.join(missed(figures, name)) or 'none'}" for name in names]
    return "\n\n".join([*parts, "## Figures that miss the criterion\n\n" + "\n".join(lines)])
