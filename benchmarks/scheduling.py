"""Makespan of the planner's order over its lower bounds, in virtual time, on 8 to 1,000 GPUs. Five minutes.

    python benchmarks/scheduling.py [--quick]

Studies of 12 × 18, 36 × 558 and 1,000 × 18 (arms × trials), TPE in cohorts, halving at marks 5,000, 10,000 and 30,000,
three final seeds, simulated by `study.planning.simulate` with the planner itself. `bound` is max(work / GPUs, longest
chain). `floor` (study/planning/shortest_time.py) is a proved lower bound that also counts the few segments that a study
has ready while cohorts wait and where finals end. Where it is more than 10 % above `bound`, no order comes within 10 %
of `bound`, and the makespan is compared with `floor`.
"""

import argparse
import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence

from search_spaces.grammar import Range
from study.design import Arm, Design
from study.planning.arm_lead import best_lead
from study.planning.on_slots import outlook
from study.planning.shortest_time import floor
from study.planning.simulate import Simulation, simulate
from study.planning.time_left import Speeds

GPUS = (8, 16, 32, 64, 128, 256, 512, 1000)
WITHIN, BUSY = 1.10, 0.90
SPEEDS = Speeds({"unet3d": 1.0})


@dataclasses.dataclass(frozen=True)
class Row:
    """A study on a number of GPUs; times in iterations."""

    name: str
    run: Simulation
    floor: float

    @property
    def of_bound(self) -> float:
        """Makespan over max(work / GPUs, longest chain)."""
        return self.run.seconds / self.run.bound

    @property
    def of_floor(self) -> float:
        """Makespan over the proved lower bound."""
        return self.run.seconds / self.floor

    @property
    def reached(self) -> bool:
        """Whether it is within 10 % of the bound, or of the floor where the bound is proved unreachable."""
        return min(self.of_bound, self.of_floor if self.floor > WITHIN * self.run.bound else self.of_bound) <= WITHIN


def main() -> int:
    """Simulates, prints a table, and reports whether every figure was reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="without 36 × 558 and on fewer numbers of GPUs: seconds")
    quick = parser.parse_args().quick
    began = time.monotonic()
    print("arms × trials (cohort) | GPUs | makespan | work / GPUs | chain | of bound | floor / bound | of floor | busy")
    rows = []
    for row in _rows(quick):
        rows.append(row)
        run = row.run
        print(
            f"{row.name} | {run.slots} | {run.seconds:,.0f} | {run.work / run.slots:,.0f} | {run.chain:,.0f} | "
            f"{row.of_bound:.3f} | {row.floor / run.bound:.3f} | {row.of_floor:.3f} | {run.utilisation:.1%}",
            flush=True,
        )
    [busy] = [row.run.utilisation for row in rows if (row.name, row.run.slots) == ("1000 × 18 (6)", 1000)]
    proposed = outlook(_design(12, 24, 4), 200)
    print(f"check --slots 200 of 12 × 24 in cohorts of 4: {'; '.join(proposed.lines())}")
    above = [row for row in rows if row.of_bound > WITHIN]
    for row in above:
        least = row.floor / row.run.bound
        print(f"{row.name} on {row.run.slots}: {row.of_bound:.3f} of the bound; no order is under {least:.3f}")
    print(f"{time.monotonic() - began:.0f} s")
    print(
        f"ratio worst_of_bound={max(row.of_bound for row in rows):.3f} "
        f"worst_of_floor={max(row.of_floor for row in rows):.3f} "
        f"busy={busy:.3f} beyond_bound={len(above)}_of_{len(rows)}"
    )
    return 0 if all(row.reached for row in rows) and busy > BUSY and proposed.cohort is not None else 1


def _rows(quick: bool) -> Iterator[Row]:
    studies = [(12, 18, 6), (36, 558, 6), (36, 558, 31), (1000, 18, 6)]
    for arms, trials, cohort in studies:
        if quick and trials == 558:
            continue
        design = _design(arms, trials, cohort)
        for gpus in _gpus(arms, quick):
            lead = best_lead(design, SPEEDS, gpus)
            run = simulate(design, SPEEDS, gpus, lead=lead)
            yield Row(f"{arms} × {trials} ({cohort})", run, floor(design, SPEEDS, gpus))


def _gpus(arms: int, quick: bool) -> Sequence[int]:
    if arms < 1000:
        return GPUS
    return (512, 1000) if quick else (8, 64, 512, 1000)  # two minutes for eight of them


def _design(arms: int, trials: int, cohort: int) -> Design:
    space = {"loss.gamma": Range(0.5, 5.0), "training.learning_rate": Range(1e-5, 1e-2, log=True)}
    default = {"loss.gamma": 2.0, "training.learning_rate": 1e-3}
    made = tuple(Arm(i, f"unet3d+loss{i}", "unet3d", f"loss{i}", "none", space, default) for i in range(arms))
    return Design(seed=1, arms=made, marks=(5000, 10000, 30000), eta=2, trials_per_arm=trials, cohort=cohort)


if __name__ == "__main__":
    sys.exit(main())
