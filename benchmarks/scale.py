"""A ledger of 100,000 trials and 10,000,000 case scores, on SQLite and on PostgreSQL: time of writes and queries.

    python benchmarks/scale.py [--scores 10000000] [--on sqlite postgresql] [--folder DIR]

About 12 minutes on a quiet machine; `--scores 1000000` two. All writes go through the ledger's own methods and with the
syncs of a study: trials are inserted by cohorts, segments end one by one with 100 scores each, in transactions of their
own. PostgreSQL is pgserver's with its defaults. Needs 4 GB of disk.
"""

import argparse
import dataclasses
import pathlib
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from search_spaces.grammar import Fixed, Range
from study.design import Arm, Design, KnownTrial, PlannedTrial
from study.ledger import Lease, Ledger
from study.ledger.rows import Case
from study.planning.planner import Planner
from trainables.trial import Outcome, Score

ARMS, TRIALS, COHORT = 200, 500, 50
REGIONS, METRICS = ("kidney", "tumor"), ("dice", "hd95")
CASES = [Case(f"case_{number:04d}", f"patient_{number}", ("validation",)) for number in range(25)]
EACH = len(CASES) * len(REGIONS) * len(METRICS)
"""Scores per segment."""

SCORES_A_SECOND, PLAN_SECONDS, STATUS_SECONDS = 20_000, 0.020, 1.0
ASKED = 200
"""Number of requests for the next segment."""


@dataclasses.dataclass(frozen=True)
class Figures:
    """Figures of one database.

    Attributes:
        scores: Scores inserted.
        trials_a_second: Trials inserted a second.
        scores_a_second: Scores inserted a second, each segment's end included.
        known: Seconds in which a starting driver reads all trials.
        plan: Seconds from a result to the next segment, median.
        status: Seconds of `status`, the best of three.
    """

    scores: int
    trials_a_second: float
    scores_a_second: float
    known: float
    plan: float
    status: float

    @property
    def reached(self) -> bool:
        """Whether all figures are within their limits."""
        return self.scores_a_second >= SCORES_A_SECOND and self.plan < PLAN_SECONDS and self.status < STATUS_SECONDS


def main() -> int:
    """Measures, prints a table, and reports whether every figure was reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=int, default=ARMS * TRIALS * EACH, help="case scores on each database")
    parser.add_argument("--on", nargs="+", choices=("sqlite", "postgresql"), default=("sqlite", "postgresql"))
    parser.add_argument("--folder", type=pathlib.Path, help="where the databases lie while it runs")
    asked = parser.parse_args()
    print("database | trials | scores | trials a second | scores a second | all trials read | next segment | status")
    found: dict[str, Figures] = {}
    for kind in asked.on:
        with tempfile.TemporaryDirectory(prefix="segstudy-scale-", dir=asked.folder) as folder:
            pathlib.Path(folder).chmod(0o755)  # the server runs as another user when we are root
            with _address(kind, pathlib.Path(folder)) as where, Ledger.open(where) as ledger:
                found[kind] = one = _measure(ledger, min(asked.scores // EACH, ARMS * TRIALS))
        print(
            f"{kind} | {ARMS * TRIALS:,} | {one.scores:,} | {one.trials_a_second:,.0f} | {one.scores_a_second:,.0f} | "
            f"{one.known:.2f} s | {one.plan * 1e3:.2f} ms | {one.status:.3f} s",
            flush=True,
        )
    print(
        "ratio "
        + " ".join(
            f"{kind}_scores={one.scores_a_second:.0f} {kind}_plan_ms={one.plan * 1e3:.2f} "
            f"{kind}_status={one.status:.3f}"
            for kind, one in found.items()
        )
    )
    return 0 if all(one.reached for one in found.values()) else 1


@contextmanager
def _address(kind: str, folder: pathlib.Path) -> Iterator[str]:
    if kind == "sqlite":
        yield str(folder / "ledger.db")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pgserver warns where a container has no runtime folder
        import pgserver

        server = pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _measure(ledger: Ledger, segments: int) -> Figures:
    design = _design()
    study = ledger.create_study("scale", {}, design, CASES, "d" * 64, {})
    lease = ledger.acquire(study, seconds=1e6)
    began = time.perf_counter()
    plans = _insert(ledger, lease, design)
    inserted = time.perf_counter() - began
    began = time.perf_counter()
    _complete(ledger, lease, plans[:segments])
    completed = time.perf_counter() - began
    began = time.perf_counter()
    trials = ledger.known(study)
    known = time.perf_counter() - began
    return Figures(
        scores=segments * EACH,
        trials_a_second=len(plans) / inserted,
        scores_a_second=segments * EACH / completed,
        known=known,
        plan=_next_segment(design, trials),
        status=min(_status(ledger, study) for _ in range(3)),
    )


def _status(ledger: Ledger, study: int) -> float:
    began = time.perf_counter()
    ledger.status(study)
    return time.perf_counter() - began


def _design() -> Design:
    space = {
        "loss.gamma": Range(0.5, 5.0),
        "training.learning_rate": Range(1e-5, 1e-2, log=True),
        "model.width": Fixed(16),
    }
    default = {"loss.gamma": 2.0, "training.learning_rate": 1e-3, "model.width": 16}
    arms = tuple(Arm(i, f"unet+loss{i}", "unet", f"loss{i}", "none", space, default) for i in range(ARMS))
    return Design(seed=1, arms=arms, marks=(5000, 10000, 30000), trials_per_arm=TRIALS, cohort=COHORT, sampler="random")


def _insert(ledger: Ledger, lease: Lease, design: Design) -> list[PlannedTrial]:
    plans: list[PlannedTrial] = []
    for batch in Planner(design).changes()[0]:
        ledger.insert_trials(lease, batch, "random")
        plans += batch
    return plans


def _complete(ledger: Ledger, lease: Lease, plans: Sequence[PlannedTrial]) -> None:
    for number, plan in enumerate(plans):
        base = number / 1e6
        scores = tuple(
            Score(case.name, region, metric, base + place / 7)
            for place, case in enumerate(CASES)
            for region in REGIONS
            for metric in METRICS
        )
        outcome = Outcome(iteration=5000, scores=scores, weights="w" * 64, checkpoint=f"{plan.key}/5000-{number}")
        ledger.complete_segment(lease, plan.key, 5000, outcome, base)


def _next_segment(design: Design, trials: Sequence[KnownTrial]) -> float:
    """Returns the median seconds from a result to the next segment, where no cohort is due."""
    planner = Planner(design, trials)
    planner.changes()
    by_key = {trial.plan.key: trial for trial in trials}
    spent = []
    for number in range(ASKED):
        segment = next(planner.owed())
        trial = by_key[segment.trial]
        trial.values[segment.stop] = number / ASKED
        if segment.stop == design.marks[-1]:
            trial.status = "finished"
        began = time.perf_counter()
        planner.record(trial)
        _, halved = planner.changes()
        next(planner.owed())
        spent.append(time.perf_counter() - began)
        for key in halved:
            by_key[key].status = "halved"
            planner.record(by_key[key])
    return statistics.median(spent)


if __name__ == "__main__":
    sys.exit(main())
