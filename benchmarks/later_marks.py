"""Would later marks help the sampler? TPE sees values at the first mark; this replays searches on recorded curves.

    python benchmarks/later_marks.py train DATA   # once: writes curves/; 15 minutes of one core
    python benchmarks/later_marks.py              # replays; 2 minutes

`train` records the validation objective of a grid of configurations at three marks of short trainings on real data
(`parts/real_trainings.py`): for each loss, learning rates and one parameter of the loss, where it has one.

The replay searches each loss with the project's own cohorts, sampler and halving. A configuration's value at a mark is
interpolated between its neighbours on the grid, linearly in the unit cube. Rules for what the sampler sees of a trial
when the next cohort is drawn:

- `first`: its value at the first mark, as the project has it.
- `latest`: its value at the latest mark that it reached, whichever that is. The next cohort waits for the whole cohort.
- `highest`: only trials that reached the highest mark that a cohort's number of trials reached, as BOHB does. The next
  cohort waits likewise.
- `rank`: trials ordered by the latest mark reached, then by value there: halving's own order. It waits likewise.
- `none`: nothing; all cohorts are drawn without a model.

All rules of a seed share their first cohort. Printed: by loss, the mean over seeds of the winner's value at the last
mark, less that of `first`, with a 95 % t interval; the best on the grid less the winner of `first`; and Kendall's tau
of the grid's values at the first and the last mark.
"""

import argparse
import csv
import dataclasses
import itertools
import math
import pathlib
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy import stats
from scipy.interpolate import RegularGridInterpolator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))  # the study file names our network as a module

from search_spaces.grammar import Fixed, Range, Scalar
from study.design import Arm, Design, KnownTrial, PlannedTrial, TrialKey
from study.planning.cohort_sampling import sample
from study.planning.promotion import promoted, winner
from study.planning.searches import SearchKey

CURVES = pathlib.Path(__file__).resolve().parent / "curves"
MARKS = (15, 45, 135)
TRIALS, COHORT, ETA = 18, 6, 2
LOSSES = {
    "dice": {},
    "cross_entropy": {},
    "focal": {"gamma": {"low": 0.5, "high": 5.0}},
    "tversky": {"fn_weight": {"low": 0.1, "high": 0.9}},
    "dice_cross_entropy": {"cross_entropy_weight": {"low": 0.1, "high": 10.0, "log": True}},
}
RATES = {"low": 1e-4, "high": 3e-2, "log": True}
"""Wider than the default's upper end, so that a rate can be too high."""
POINTS = {1: (10,), 2: (3, 6)}
"""Grid points of each dimension: of the loss's parameter, then of the learning rate."""
Curves = dict[tuple[float, ...], dict[int, float]]
"""Point of the unit cube → objective at each mark; a training that diverged counts 0."""


def varying(arm: Arm) -> dict[str, Range]:
    """The parameters of an arm that vary, by name in order."""
    return {name: known for name, known in sorted(arm.space.items()) if isinstance(known, Range)}


def unit(parameter: Range, value: float) -> float:
    """The place of a value in its range, in [0, 1]."""
    scale: Callable[[float], float] = math.log if parameter.log else float
    low, high = scale(parameter.low), scale(parameter.high)
    return (scale(value) - low) / (high - low)


def at(parameter: Range, place: float) -> float:
    """The inverse of `unit`."""
    if parameter.log:
        return float(parameter.low * (parameter.high / parameter.low) ** place)
    return float(parameter.low + place * (parameter.high - parameter.low))


def train(given: argparse.Namespace) -> None:
    """Trains every configuration of the grid and writes its values."""
    import torch
    from parts.real_trainings import prepared, values_at_marks

    torch.set_num_threads(1)
    CURVES.mkdir(exist_ok=True)
    for name in given.sets:
        where = prepared(
            name,
            pathlib.Path(given.data),
            pathlib.Path(given.cache),
            losses=LOSSES,
            training={"iterations": MARKS[-1], "batch_size": 2, "learning_rate": RATES},
            budget={"halving": {"eta": ETA, "marks": list(MARKS)}},
        )
        with (CURVES / f"{name}.csv").open("w", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["loss", "place", *MARKS])
            for arm in where.study.arms:
                free = varying(arm)
                axes = [np.linspace(0, 1, count) for count in POINTS[len(free)]]
                for number, place in enumerate(itertools.product(*axes)):
                    own = {key: at(known, spot) for (key, known), spot in zip(free.items(), place, strict=True)}
                    values = values_at_marks(where, arm, {**arm.default, **own}, seed=number)
                    places = " ".join(f"{spot:.6g}" for spot in place)
                    rows.writerow([arm.loss, places, *(f"{values[mark] or 0.0:.4f}" for mark in MARKS)])
                    file.flush()


def read(name: str) -> dict[str, Curves]:
    """The recorded values of a data set, by loss."""
    found: dict[str, Curves] = {}
    with (CURVES / f"{name}.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            place = tuple(float(spot) for spot in row["place"].split())
            found.setdefault(row["loss"], {})[place] = {mark: float(row[str(mark)]) for mark in MARKS}
    return found


class Landscape:
    """The objective of any configuration of an arm at each mark, between the recorded ones."""

    def __init__(self, arm: Arm, curves: Curves) -> None:
        self.free = varying(arm)
        axes = [sorted({place[axis] for place in curves}) for axis in range(len(self.free))]
        self._at: dict[int, RegularGridInterpolator] = {}
        for mark in MARKS:
            grid = np.array([curves[place][mark] for place in itertools.product(*axes)])
            self._at[mark] = RegularGridInterpolator(axes, grid.reshape([len(axis) for axis in axes]))

    def value(self, parameters: Mapping[str, Scalar], mark: int) -> float:
        """The objective at a mark."""
        place = [unit(known, float(parameters[name])) for name, known in self.free.items()]  # type: ignore[arg-type]
        return float(self._at[mark](np.clip(place, 0, 1))[0])


Rule = Callable[[Sequence[KnownTrial]], list[float | None]]
"""What the sampler sees of each trial of whole cohorts; None: as if it had no value."""


def first(trials: Sequence[KnownTrial]) -> list[float | None]:
    """Values at the first mark."""
    return [trial.values[MARKS[0]] for trial in trials]


def latest(trials: Sequence[KnownTrial]) -> list[float | None]:
    """Values at the latest mark that each reached."""
    return [trial.values[max(trial.values)] for trial in trials]


def highest(trials: Sequence[KnownTrial]) -> list[float | None]:
    """Values at the highest mark that enough trials reached; the others are left out."""
    mark = next(m for m in reversed(MARKS) if sum(m in trial.values for trial in trials) >= COHORT)
    return [trial.values.get(mark) for trial in trials]


def rank(trials: Sequence[KnownTrial]) -> list[float | None]:
    """Places in the order of halving: the latest mark reached, then the value there."""
    order = sorted(trials, key=lambda trial: (max(trial.values), trial.values[max(trial.values)]))
    place = {trial.plan.key: float(number) for number, trial in enumerate(order)}
    return [place[trial.plan.key] for trial in trials]


RULES: dict[str, Rule | None] = {"first": first, "latest": latest, "highest": highest, "rank": rank, "none": None}


def search(design: Design, land: Landscape, rule: Rule | None) -> float:
    """One search; returns the winner's value at the last mark."""
    known: list[KnownTrial] = []
    plain = design if rule is not None else dataclasses.replace(design, sampler="qmc")
    for cohort in range(TRIALS // COHORT):
        numbers = range(cohort * COHORT, (cohort + 1) * COHORT)
        points = sample(plain, SearchKey(0, 0, 0), numbers, cohort, _seen(known, rule))
        drawn = [
            KnownTrial(PlannedTrial(TrialKey("search", 0, 0, 0, number), cohort, number, point))
            for number, point in zip(numbers, points, strict=True)
        ]
        entrants = drawn
        for mark in MARKS:
            for trial in entrants:
                trial.values[mark] = land.value(trial.plan.parameters, mark)
            entrants = promoted(entrants, mark, eta=ETA)
        known += drawn
    best = winner(known, design)
    assert best is not None
    value = best.values[MARKS[-1]]
    assert value is not None
    return value


def _seen(known: Sequence[KnownTrial], rule: Rule | None) -> list[KnownTrial]:
    """The trials as the sampler sees them: it reads the first mark, so the rule's value stands there."""
    if rule is None or not known:
        return []
    pairs = zip(known, rule(known), strict=True)
    return [KnownTrial(trial.plan, "open", {MARKS[0]: value}) for trial, value in pairs if value is not None]


def a_design(loss: str, seed: int) -> tuple[Design, Arm]:
    """The plan of one loss's search: the learning rate and the loss's parameter vary."""
    space: dict[str, Range | Fixed] = {"training.learning_rate": Range(RATES["low"], RATES["high"], log=True)}
    default: dict[str, Scalar] = {"training.learning_rate": 1e-3}
    for name, limits in LOSSES[loss].items():
        space[f"loss.{name}"] = Range(**limits)
        default[f"loss.{name}"] = {"gamma": 2.0, "fn_weight": 0.7}.get(name, 1.0)
    arm = Arm(0, f"small_unet+{loss}", "small_unet", loss, "none", space, default)
    return Design(seed=seed, arms=(arm,), marks=MARKS, eta=ETA, trials_per_arm=TRIALS, cohort=COHORT), arm


def replay(name: str, seeds: int) -> dict[str, list[float]]:
    """Prints a data set's table; returns each rule's differences to `first`, over losses and seeds."""
    together: dict[str, list[float]] = {rule: [] for rule in RULES if rule != "first"}
    print(f"\n{name}: {TRIALS} trials in cohorts of {COHORT}, marks {MARKS}, eta {ETA}; {seeds} searches a loss")
    waits = (TRIALS // COHORT - 1) * MARKS[0] + MARKS[-1], TRIALS // COHORT * MARKS[-1]
    print(f"iterations of a search that follow one another: {waits[0]}; where cohorts wait for whole ones: {waits[1]}")
    print(f"{'loss':20}{'tau':>6}{'best':>8}{'to gain':>9}" + "".join(f"{rule:>28}" for rule in together))
    for loss, curves in read(name).items():
        values = {mark: [curve[mark] for curve in curves.values()] for mark in MARKS}
        tau = stats.kendalltau(values[MARKS[0]], values[MARKS[-1]]).statistic
        won: dict[str, list[float]] = {rule: [] for rule in RULES}
        for seed in range(seeds):
            design, arm = a_design(loss, seed)
            land = Landscape(arm, curves)
            for rule, sees in RULES.items():
                won[rule].append(search(design, land, sees))
        shown = ""
        for rule, differences in together.items():
            own = [mine - usual for mine, usual in zip(won[rule], won["first"], strict=True)]
            differences += own
            shown += f"{interval(own):>28}"
        best = max(values[MARKS[-1]])
        print(f"{loss:20}{tau:6.2f}{best:8.3f}{best - statistics.fmean(won['first']):9.4f}{shown}", flush=True)
    return together


def interval(values: Sequence[float]) -> str:
    """Mean and 95 % t interval."""
    mean, error = statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))
    reach = float(stats.t.ppf(0.975, len(values) - 1)) * error
    return f"{mean:+.4f} [{mean - reach:+.4f}, {mean + reach:+.4f}]"


def main() -> None:
    """Trains, or replays and prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="?", choices=["train", "replay"], default="replay")
    parser.add_argument("data", nargs="?", help="folder with the data sets, to train")
    parser.add_argument("--sets", nargs="+", default=["hippocampus", "liver_ct_slices"])
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--cache", default="later-marks-cache", help="folder for prepared cases")
    given = parser.parse_args()
    if given.what == "train":
        train(given)
        return
    for name in given.sets:
        for rule, differences in replay(name, given.seeds).items():
            print(f"all losses, {rule} less first: {interval(differences)}")


if __name__ == "__main__":
    main()
