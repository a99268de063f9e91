"""Defaults of `training` by validation Dice on real data: gradient clipping, weight decay, learning-rate ranges.

    python benchmarks/training_defaults.py train DATA --part clip   # writes curves/clip.csv; the parts take 40 minutes
    python benchmarks/training_defaults.py                          # prints the tables

Short trainings of a small network (`parts/real_trainings.py`) on three data sets:

- `clip`: gradients clipped at a norm of 1, of 12, or not, without weight decay, at the optimiser's usual learning rate
  and at ten times that, where trainings diverge.
- `decay`: four weight decays, clipped at 12, at the usual learning rate.
- `rates`: every loss at the ends and the middle of its searched range of learning rates, and half a decade beyond both
  ends: a loss whose best rate lies outside by more than 0.02 Dice is not compared fairly.

A training that diverges counts 0. The usual rate of adam and adamw is 1e-3, that of sgd the loss's own
(`search_spaces/gradient_scales.py`).
"""

import argparse
import csv
import itertools
import pathlib
import statistics
import sys
from collections.abc import Iterator
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))  # the study file names our network as a module

from search_spaces.defaults import LOSSES
from search_spaces.gradient_scales import gradient_scale, sgd_learning_rate

CURVES = pathlib.Path(__file__).resolve().parent / "curves"
SETS = ("hippocampus", "liver_ct_slices", "ms_lesions")
SOME = ("dice", "cross_entropy")
SEEDS = (0, 1)
ITERATIONS = {"clip": 80, "decay": 60, "rates": 90}
FACTORS = (10**-1.5, 0.1, 1.0, 10.0, 10**1.5)
"""Learning rates over the usual one; the second and the last but one are the ends of the searched range."""
COLUMNS = ("set", "loss", "optimizer", "factor", "clip", "weight_decay", "seed", "dice")
Row = dict[str, Any]


def usual_rate(optimizer: str, loss: str) -> float:
    """The optimiser's learning rate where a study file says nothing."""
    return float(sgd_learning_rate(gradient_scale(loss, {})).value) if optimizer == "sgd" else 1e-3  # type: ignore[arg-type]


VARIED: dict[str, dict[str, tuple[Any, ...]]] = {
    "clip": {"loss": SOME, "optimizer": ("adam", "sgd"), "factor": (1.0, 10.0), "clip": (None, 1.0, 12.0)},
    "decay": {"loss": SOME, "optimizer": ("adam", "adamw", "sgd"), "weight_decay": (0.0, 3e-5, 1e-4, 1e-2)},
    "rates": {"loss": tuple(LOSSES), "optimizer": ("adam", "sgd"), "factor": FACTORS},
}


def settings(part: str) -> Iterator[Row]:
    """The trainings of a part."""
    same: Row = {"clip": 12.0, "weight_decay": 0.0, "factor": 1.0}
    varied = VARIED[part]
    sets = SETS if part in ("clip", "decay") else SETS[1:2]
    for name, seed in itertools.product(sets, SEEDS[:1] if part == "rates" else SEEDS):
        for values in itertools.product(*varied.values()):
            yield {**same, "set": name, "seed": seed, **dict(zip(varied, values, strict=True))}


def train(given: argparse.Namespace) -> None:
    """Trains the parts and writes their values."""
    import torch
    from parts.real_trainings import Prepared, prepared, values_at_marks

    torch.set_num_threads(1)
    CURVES.mkdir(exist_ok=True)
    for part in given.part:
        where: dict[str, Prepared] = {}
        with (CURVES / f"{part}.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            table.writeheader()
            for row in settings(part):
                name = row["set"]
                if name not in where:
                    where[name] = prepared(
                        name,
                        pathlib.Path(given.data),
                        pathlib.Path(given.cache),
                        losses=dict.fromkeys(LOSSES, "default"),
                        training={"iterations": ITERATIONS[part], "batch_size": 2},
                    )
                arm = next(arm for arm in where[name].study.arms if arm.loss == row["loss"])
                (value,) = values_at_marks(
                    where[name],
                    arm,
                    arm.default,
                    seed=row["seed"],
                    optimizer=row["optimizer"],
                    learning_rate=usual_rate(row["optimizer"], row["loss"]) * row["factor"],
                    clip=row["clip"],
                    weight_decay=row["weight_decay"],
                ).values()
                dice = "" if value is None else f"{value:.4f}"
                table.writerow({**row, "factor": f"{row['factor']:.4g}", "dice": dice})
                file.flush()


def read(part: str) -> list[Row]:
    """The recorded trainings of a part; `dice` is None where one diverged."""
    with (CURVES / f"{part}.csv").open(newline="") as file:
        return [{**row, "dice": float(row["dice"]) if row["dice"] else None} for row in csv.DictReader(file)]


def compare(part: str, key: str) -> None:
    """Prints mean Dice and divergences by data set, optimiser and learning rate, for each value of a key."""
    rows = read(part)
    values = list(dict.fromkeys(row[key] for row in rows))
    print(f"\n{part}: mean validation Dice over losses and seeds (diverged trainings)")
    print(f"{'set':18}{'optimizer':10}{'rate':>6}" + "".join(f"{value or 'off':>14}" for value in values))
    for place in dict.fromkeys((row["set"], row["optimizer"], row["factor"]) for row in rows):
        print(f"{place[0]:18}{place[1]:10}{place[2]:>6}" + "".join(cell(rows, place, key, value) for value in values))
    print(f"{'all':34}" + "".join(cell(rows, None, key, value) for value in values))


def cell(rows: list[Row], place: tuple[str, ...] | None, key: str, value: str) -> str:
    """Mean and divergences of the trainings at a place with a key's value."""
    here = [row["dice"] for row in rows if row[key] == value]
    if place is not None:
        here = [
            row["dice"] for row in rows if row[key] == value and (row["set"], row["optimizer"], row["factor"]) == place
        ]
    lost = sum(dice is None for dice in here)
    return f"{statistics.fmean(dice or 0.0 for dice in here):9.3f}" + (f" ({lost:2})" if lost else " " * 5)


def rates() -> None:
    """Prints each loss's Dice by learning rate, and where the best one lies above the searched range or below it."""
    rows = read("rates")
    factors = list(dict.fromkeys(row["factor"] for row in rows))
    print("\nrates: validation Dice by learning rate over the usual one; the searched range is 0.1 to 10")
    print(f"{'loss':26}{'optimizer':10}" + "".join(f"{factor:>9}" for factor in factors) + "  best outside by")
    for arm in dict.fromkeys((row["loss"], row["optimizer"]) for row in rows):
        here = [row for row in rows if (row["loss"], row["optimizer"]) == arm]
        found = {
            factor: statistics.fmean(row["dice"] or 0.0 for row in here if row["factor"] == factor)
            for factor in factors
        }
        inside = max(dice for factor, dice in found.items() if 0.1 <= float(factor) <= 10)
        best = max(found, key=lambda factor: found[factor])
        said = f"{found[best] - inside:9.3f}" if found[best] > inside else ""
        print(f"{arm[0]:26}{arm[1]:10}" + "".join(f"{dice:9.3f}" for dice in found.values()) + said)


def main() -> None:
    """Trains, or prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="?", choices=["train", "tables"], default="tables")
    parser.add_argument("data", nargs="?", help="folder with the data sets, to train")
    parser.add_argument("--part", nargs="+", choices=list(ITERATIONS), default=list(ITERATIONS))
    parser.add_argument("--cache", default="training-defaults-cache", help="folder for prepared cases")
    given = parser.parse_args()
    if given.what == "train":
        train(given)
        return
    compare("clip", "clip")
    compare("decay", "weight_decay")
    rates()


if __name__ == "__main__":
    main()
