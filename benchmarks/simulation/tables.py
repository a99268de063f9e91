"""Markdown tables of what compare_intervals.py found, and which figures miss issue 15's criterion.

python -m benchmarks.simulation.tables figures.json … > table.md
"""

import json
import math
import pathlib
import sys
from collections.abc import Mapping, Sequence

from benchmarks.simulation.scenarios import SCENARIOS, Scenario

MOST_ERRORS, LEAST_COVERAGE = 0.06, 0.93
Figures = Mapping[str, Mapping[str, Mapping[str, float]]]

COLUMNS = (
    ("rejected", "Type-I error at .05"),
    ("covered", "Coverage of the difference's interval (nominal .95)"),
    ("mean_covered", "Coverage of one arm's mean"),
    ("power", "Power at a difference of 0.22 / sqrt(patients)"),
    ("width", "Mean width of the difference's interval"),
    ("refused", "Share of studies without a p"),
)


def merged(paths: Sequence[str]) -> dict[str, dict[str, dict[str, float]]]:
    """Figures of several files; the first that has a candidate counts."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for path in paths:
        for label, row in json.loads(pathlib.Path(path).read_text()).items():
            mine = found.setdefault(label, {})
            mine.update({name: value for name, value in row.items() if name not in mine})
    return found


def table(figures: Figures, column: str, names: Sequence[str]) -> list[str]:
    """One figure of all candidates; scenarios outside the criterion in brackets."""
    lines = [f"| scenario | patients | {' | '.join(names)} |", f"| {' | '.join(['---'] * (len(names) + 2))} |"]
    for scenario in SCENARIOS:
        row = figures[_label(scenario)]
        name = scenario.name if scenario.gate else f"({scenario.name})"
        cells = [_cell(row[candidate][column]) for candidate in names]
        lines.append(f"| {name} | {scenario.patients} | {' | '.join(cells)} |")
    return lines


def missed(figures: Figures, candidate: str) -> list[str]:
    """Figures of the criterion that a candidate misses."""
    lines = []
    for scenario in SCENARIOS:
        row = figures[_label(scenario)][candidate]
        if not scenario.gate:
            continue
        if row["rejected"] > MOST_ERRORS:
            lines.append(f"{_label(scenario)}: type-I {row['rejected']:.3f}")
        lines += [
            f"{_label(scenario)}: {column} {row[column]:.3f}"
            for column in ("covered", "mean_covered")
            if row[column] < LEAST_COVERAGE
        ]
    return lines


def _label(scenario: Scenario) -> str:
    return f"{scenario.name}|{scenario.patients}"


def _cell(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}".removeprefix("0")


def main() -> None:
    """Prints all tables."""
    figures = merged(sys.argv[1:])
    names = list(next(iter(figures.values())))
    print("# Type-I error, coverage and power of tests and intervals, simulated\n")
    print(
        "Scenarios in brackets lie outside the criterion (type-I at most .06, coverage at least .93 at 10 patients or"
    )
    print(
        "more). An error is a p < .05, or an interval that does not cover, of what the candidate itself speaks of: by"
    )
    print("case, by patient, or (adopted, found by both) of patients whom no arm alone misses.\n")
    for column, title in COLUMNS:
        print(f"## {title}\n")
        print("\n".join(table(figures, column, names)) + "\n")
    print("## Figures that miss the criterion\n")
    for name in names:
        lines = missed(figures, name)
        print(f"- {name}: {len(lines)}" + (f" ({'; '.join(lines)})" if 0 < len(lines) <= 6 else ""))


if __name__ == "__main__":
    main()
