"""What looking at a training costs: `training.log_every`, and validations; two minutes.

    python benchmarks/looks.py [--seconds 60] [--threads 2]

Two trainings of the same network, data and seed run in turn, an iteration at a time and the first one alternating; one
of them records the training patches' soft Dice by class (`log_every`). A validation predicts a case in windows and
scores it by Dice, as `evaluate_every` has it done. Networks, patches and cases are those of `starved.py`; windows
overlap by half. Times are the processor's, of all threads, so that other work on the machine counts little.

The last line is `ratio logged_NETWORK=… validated_NETWORK=…`: an iteration that records over one that does not, and a
validated case over an iteration. The exit status is 0 only if recording costs at most 2 %.
"""

import argparse
import dataclasses
import os
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import torch
from starved import NETWORKS, cases, spec_of

from trainables.training.training import Training

ALLOWED = 1.02
FEWEST, WARM, VALIDATED = 5, 2, 3
SHOWN = ("unet", "unet3d")


def timed(act: Callable[[], object], count: int = 1) -> float:
    """Returns processor seconds of `count` calls."""
    start = time.process_time()
    for _ in range(count):
        act()
    return time.process_time() - start


def measure(model: str, folder: pathlib.Path, given: argparse.Namespace) -> tuple[list[float], list[float], float]:
    """Returns seconds of each iteration, plain and recording, and of a validated case."""
    data = cases(folder, len(NETWORKS[model]))
    halves = tuple(length // 2 for length in NETWORKS[model])
    plain = dataclasses.replace(spec_of(model, data, given), patch_overlap=halves, metrics=("dice",))
    trainings = [Training(dataclasses.replace(plain, log_every=every), data) for every in (0, 10)]
    ways = [lambda training=each: training.advance(training.iteration + 1) for each in trainings]
    found: tuple[list[float], list[float]] = ([], [])
    for iterate in ways:
        timed(iterate, WARM)
    start = time.perf_counter()
    while len(found[0]) < FEWEST or time.perf_counter() - start < given.seconds:
        for which in (0, 1) if len(found[0]) % 2 else (1, 0):
            found[which].append(timed(ways[which]))
    validated = [timed(lambda name=name: trainings[0].evaluate([name])) for name in list(data.cases)[:VALIDATED]]
    return *found, statistics.median(validated)


def main() -> int:
    """Prints a table and the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of each network")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    given.device = "cpu"
    said, reached = [], True
    for model in SHOWN:
        with tempfile.TemporaryDirectory() as folder:
            plain, logging, validated = measure(model, pathlib.Path(folder), given)
        logged = statistics.median(one / other for one, other in zip(logging, plain, strict=True))
        reached = reached and logged <= ALLOWED
        print(
            f"{model:7} {statistics.median(plain) * 1e3:8.1f} ms an iteration, {statistics.median(logging) * 1e3:8.1f} "
            f"with log_every, {validated * 1e3:8.1f} a validated case, {len(plain)} turns",
            flush=True,
        )
        said.append(f"logged_{model}={logged:.3f} validated_{model}={validated / statistics.median(plain):.2f}")
    print(f"{given.device}, {given.threads} threads, torch {torch.__version__}, load {os.getloadavg()[0]:.1f}")
    print("ratio " + " ".join(said))
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
