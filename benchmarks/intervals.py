"""Coverage and error rates of the report's intervals and tests over simulated studies whose truth is known.

    python benchmarks/intervals.py [--studies 20000]
    python benchmarks/intervals.py --settings [--studies 4000] [--seed 0] [--scenario TEXT] [--candidate TEXT] [--out F]
    python benchmarks/intervals.py --unseen [--studies 4000] [--seed 77]
    python benchmarks/intervals.py --tables FIGURES.json ...

The first is the gate (`parts/intervals/gate.py`): every study is judged by the functions of reports/statistics
as a report judges it. The second holds the report's procedure beside candidates and common practice in settings where
tests were seen to err (patients missed, cross-validation, unequal patients, skewed scores, winners of a search; see
`parts/intervals/scenarios.py`), prints their figures and keeps them in a file. The third says how often p is small in
studies that show no missed patient. The last prints kept figures as tables; docs/STATISTICS.md has them.

The gate exits with 1 where a figure is missed, the settings where the report's procedure misses the criterion: type-I
at most .06, coverage at least .93, at 10 patients or more. `--scenario` and `--candidate` are regular expressions.

The file is not called `statistics.py`, which would hide Python's own module from everything that this imports.
"""

import argparse
import dataclasses
import json
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))  # reports, where it is not installed

from parts.intervals import gate, tables, unseen
from parts.intervals.comparing import CANDIDATES, simulate
from parts.intervals.scenarios import SCENARIOS

ENOUGH, ENOUGH_SETTINGS = 20_000, 4_000


def run_gate(studies: int) -> int:
    """Prints a table of the gate's settings; returns how many figures are missed."""
    started = time.monotonic()
    print(f"{studies} studies a scenario; limits in brackets", flush=True)
    print("| patients | scores | seed SD | differences covered | means covered | type-I | family-wise |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    missed = []
    for seed, setting in enumerate((*gate.GATE, *gate.BEYOND)):
        found = gate.simulate(setting, studies, seed)
        limits = setting.limits if setting in gate.GATE else {}
        cells = [f"{value:.4f}" + (f" ({limits[name]})" if limits else "") for name, value in found.items()]
        words = "unequal failures" if setting.failing else "symmetric" if limits else "symmetric, outside the gate"
        print(f"| {setting.patients} | {words} | {setting.seed_sd:g} | {' | '.join(cells)} |", flush=True)
        wrong = [name for name, limit in limits.items() if not gate.holds(name, found[name], limit)]
        missed += [f"{setting.name} {name}" for name in wrong]
    words = f"missed: {', '.join(missed)}" if missed else "every figure holds"
    print(f"{time.monotonic() - started:.0f} s; {words}")
    return len(missed)


def run_settings(given: argparse.Namespace) -> int:
    """Prints the figures of all candidates by scenario and keeps them; returns how many the adopted one misses."""
    wanted = {name: found for name, found in CANDIDATES.items() if re.search(given.candidate, name)}
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for number, scenario in enumerate(SCENARIOS):
        label = tables.label(scenario)
        if not re.search(given.scenario, label):
            continue
        started = time.monotonic()
        found = simulate(scenario, wanted, given.studies or ENOUGH_SETTINGS, given.seed + number)
        figures[label] = {name: dataclasses.asdict(tally) for name, tally in found.items()}
        if given.out is not None:
            given.out.write_text(json.dumps(figures, indent=1), encoding="utf-8")
        print(f"\n{scenario.name}, {scenario.patients} patients ({time.monotonic() - started:.0f} s)\n")
        print(f"| candidate | {' | '.join(tables.COLUMNS.values())} |")
        print(f"| {' | '.join(['---'] * (len(tables.COLUMNS) + 1))} |")
        for name, row in figures[label].items():
            print(f"| {name} | {' | '.join(tables.cell(row[column]) for column in tables.COLUMNS)} |", flush=True)
    return len(tables.missed(figures, "adopted")) if "adopted" in wanted else 0


def main() -> int:
    """Runs what was asked; 1 where a figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, help=f"of each scenario ({ENOUGH}; with --settings {ENOUGH_SETTINGS})")
    parser.add_argument("--settings", action="store_true", help="candidates side by side in all settings")
    parser.add_argument("--unseen", action="store_true", help="studies that show none of the patients missed")
    parser.add_argument("--tables", type=pathlib.Path, nargs="+", help="print kept figures; the first file counts")
    parser.add_argument("--out", type=pathlib.Path, help="keep the settings' figures here, as JSON")
    parser.add_argument("--seed", type=int, default=0, help="of the first setting")
    parser.add_argument("--scenario", default="", help="only settings that match, such as 'missed'")
    parser.add_argument("--candidate", default="", help="only candidates that match, such as '^adopted$'")
    given = parser.parse_args()
    if given.tables:
        print(tables.report(tables.merged(given.tables)))
        return 0
    if given.unseen:
        for line in unseen.table(given.studies or ENOUGH_SETTINGS, given.seed):
            print(line, flush=True)
        return 0
    missed = run_settings(given) if given.settings else run_gate(given.studies or ENOUGH)
    print(f"ratio intervals-missed={missed}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
