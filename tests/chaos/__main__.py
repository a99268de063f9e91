"""Chaos test: a small real study under seeded faults must end with the digest of an undisturbed run.

`python -m tests.chaos --runs 50 --seed 1`: workers, the driver, PostgreSQL and MLflow are killed at random; runs of
even seeds have checkpoints and cache in an object store, which is stopped too. Prints a line for each run and a total;
exits with 0 only if every run has the undisturbed digest and no trial was lost. A run takes about a minute on two
shared cores, three under load.
"""

import argparse
import collections
import pathlib
import shutil
import signal
import sys
import tempfile
import time
from types import FrameType

from study.ledger import Ledger
from study.tracking.database import configure
from tests.chaos.faults import KINDS, Kind, drawn
from tests.chaos.life import Life, LifeError, Told
from tests.chaos.servers import MLflow, ObjectStore, Postgres
from tests.chaos.small_study import CASES, FINALS, NAME
from trainables.data.phantom.phantom import generate
from trainables.storage.object_store import storage_at


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=120, help="no further run begins after this time")
    parser.add_argument("--seed", type=int, default=1, help="of the first run; the next has the next number")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    configure()
    with tempfile.TemporaryDirectory(prefix="segstudy-chaos-") as made:
        folder = pathlib.Path(made)
        generate(folder / "data", CASES, dim=2, seed=1)
        with Postgres(folder / "pg") as postgres, MLflow(folder / "mlflow") as mlflow, ObjectStore() as store:
            chaos = Chaos(folder, postgres, mlflow, store)
            return chaos.runs(range(given.seed, given.seed + given.runs), 60 * given.minutes)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


class Chaos:
    """Runs of the same study with the same servers."""

    def __init__(self, folder: pathlib.Path, postgres: Postgres, mlflow: MLflow, store: ObjectStore) -> None:
        self.folder, self.postgres, self.mlflow, self.store = folder, postgres, mlflow, store
        self.faults: collections.Counter[Kind] = collections.Counter()
        self.lost = self.fell = self.starts = 0

    def runs(self, seeds: range, seconds: float) -> int:
        """Executes all runs, or as many as can start in time; returns the exit code."""
        began = time.monotonic()
        whole, trials, told = self._run("undisturbed", seed=None)
        digest = told.ended["digest"]
        print(f"undisturbed: {len(trials)} trials, {told.events} events, {told.seconds:.0f} s, digest {digest[:12]}")
        if whole is not None:
            print(f"undisturbed: FAILED: {whole}")
            return 1
        good = done = 0
        for seed in seeds:
            if time.monotonic() - began > seconds:
                print(f"no time for the runs from seed {seed} on")
                break
            good += self._judged(seed, told.events, trials, digest)
            done += 1
        kinds = ", ".join(f"{kind} {self.faults[kind]}" for kind in KINDS)
        print(
            f"total: {good} of {done} runs ended as the undisturbed one; {self.faults.total()} faults injected "
            f"({kinds}); {self.starts} starts, {self.fell} of them ended by themselves too early; "
            f"trials lost {self.lost}; {time.monotonic() - began:.0f} s",
            flush=True,
        )
        return 0 if good == len(seeds) and not self.lost else 1

    def _judged(self, seed: int, events: int, trials: set[str], digest: str) -> bool:
        """Executes one disturbed run; tells whether it ended as the undisturbed one."""
        try:
            flaw, found, told = self._run(f"run_{seed}", seed, events)
        except LifeError as error:
            print(f"seed {seed}: FAILED: {error}", flush=True)
            return False
        lost = len(trials - found)
        if told.ended["digest"] != digest:
            flaw = f"digest {told.ended['digest'][:12]}"
        self.faults += told.faults
        self.lost += lost
        self.fell += len(told.fell)
        self.starts += told.starts
        kinds = ", ".join(f"{kind} {told.faults[kind]}" for kind in KINDS)
        print(
            f"seed {seed}: killed {kinds}; {told.starts} starts; trials lost {lost}; {told.seconds:.0f} s; "
            f"{'as undisturbed' if flaw is None else f'FAILED: {flaw}'}",
            flush=True,
        )
        for line in told.fell:
            print(f"    a driver ended by itself: {line}", flush=True)
        return flaw is None and not lost

    def _run(self, name: str, seed: int | None, events: int = 0) -> tuple[str | None, set[str], Told]:
        """A run in a home and database of its own: what is wrong with it, trials that ended well, what it told."""
        home = self.folder / name
        ledger = self.postgres.database(name)
        stored = seed is not None and seed % 2 == 0
        storage = self.store.url(name) if stored else str(home)
        life = Life(home, self.folder / "data", ledger, storage, self.postgres, self.mlflow, self.store)
        told = life.live(() if seed is None else drawn(seed, events, store=stored))
        with Ledger.open(ledger, read_only=True) as opened:
            row = opened.study(NAME)
            ended = {str(trial.plan.key) for trial in opened.known(row.id) if trial.status in ("finished", "halved")}
        if told.faults["mlflow"] and self.mlflow.lacks(row, ended):  # it was down at the end: a repeat sends the rest
            told.starts += life.live().starts
        flaw = _left(home, storage) or self.mlflow.lacks(row, ended)
        if flaw is not None:
            flaw = f"{flaw}; see {shutil.move(home / 'driver.log', f'/tmp/segstudy-chaos-{name}.log')}"
        shutil.rmtree(home)
        self.postgres.drop(name)
        return flaw, ended, told


def _left(home: pathlib.Path, storage: str) -> str | None:
    """Lists files that should not be left: unneeded networks, partly written files."""
    files, trials = storage_at(storage), f"trials/{NAME}"
    kept = {trial for trial in files.names(trials) if any("-" in name for name in files.names(f"{trials}/{trial}"))}
    if kept != set(FINALS):
        return f"checkpoints of {sorted(kept)}, expected of {FINALS}"
    if parts := [path.name for path in home.rglob("*.part")]:
        return f"half written: {parts}"
    return None


if __name__ == "__main__":
    sys.exit(main())
