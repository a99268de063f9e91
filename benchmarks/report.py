"""Time and memory of a whole report: 10,000 final trainings × 100 cases × 3 regions, two metrics, with voxel counts.

About 4 minutes on 2 quiet cores, most of them to write the ledger (6 million scores, 3 million counts; 500 MB in the
temporary folder, or in FOLDER, where it is kept for the next run). The report itself is made in a process of its own,
in every default format of `segstudy report`. `--quick` takes a tenth.

    python benchmarks/report.py [FOLDER] [--quick]
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from sqlalchemy import insert, select

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))  # its ledgers are those of the tests

from study.ledger import Ledger
from study.ledger.database import schema
from tests.reports.ledgers import Fake, build

SECONDS, MEGABYTES, IMPORT_SECONDS = 20.0, 2000.0, 1.0
"""Limits of wall time, peak memory and import time."""

MEASURED = """
import sys, time
begun = time.perf_counter()
import reports
from reports import build
imported = time.perf_counter() - begun
build.write(sys.argv[1], "fake", sys.argv[2])
with open("/proc/self/status") as status:  # getrusage would tell the greatest size of whoever started this too
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
print(imported, time.perf_counter() - begun, time.process_time(), peak)
"""


def fill(path: pathlib.Path, seeds: int) -> None:
    """Writes ten arms of `seeds` final trainings each."""
    fake = Fake(
        models=("unet", "vnet"), losses=("dice", "focal", "tversky", "cross_entropy", "dice_sq"), trials=0, seeds=seeds,
        patients=(1,) * 100, marks=(100,), previews=False, metrics=("dice", "hd95"),
        regions={"organ": ["organ", "lesion"], "lesion": ["lesion"], "cyst": ["cyst"]},
    )  # fmt: skip
    build(path, fake)
    with Ledger.open(path) as ledger:
        for part in _parts(ledger):
            ledger.write(lambda connection, rows=part: connection.execute(insert(schema.case_counts), rows))


def _parts(ledger: Ledger, trials: int = 50):
    """Yields voxel counts of every final training on every test case, `trials` at a time; one in fifty is a miss."""
    with ledger.reading() as connection:
        ids = list(connection.scalars(select(schema.trials.c.id).where(schema.trials.c.stage == "final")))
        rows = connection.execute(select(schema.cases.c.id, schema.cases.c.splits)).all()
    cases, random = [id_ for id_, splits in rows if "test" in splits], np.random.default_rng(0)
    for start in range(0, len(ids), trials):
        false = random.random((trials, 3, len(cases))) < 0.02
        yield [
            {"trial_id": id_, "iteration": 100, "region": region, "case_id": case}
            | (
                {"tp": 0, "fp": 9, "fn": 0, "tn": 10**6}
                if false[i, j, k]
                else {"tp": 900, "fp": 9, "fn": 7, "tn": 10**6}
            )
            for i, id_ in enumerate(ids[start : start + trials])
            for j, region in enumerate(("organ", "lesion", "cyst"))
            for k, case in enumerate(cases)
        ]


def main() -> int:
    """Prints the table; returns 0 only if all three figures are reached."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", nargs="?", type=pathlib.Path)
    asked.add_argument("--quick", action="store_true")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or pathlib.Path(temporary)
        seeds = 100 if given.quick else 1000
        path = folder / f"report-{seeds}.db"
        if not path.exists():
            begun = time.perf_counter()
            draft = folder / "draft.db"
            draft.unlink(missing_ok=True)
            fill(draft, seeds)
            os.replace(draft, path)
            print(f"ledger written in {time.perf_counter() - begun:.0f} s, {path.stat().st_size / 1e6:.0f} MB")
        command = [sys.executable, "-c", MEASURED, str(path), str(folder / "report")]
        done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    imported, wall, cpu, peak = map(float, done.stdout.split())
    print(f"{'':22}{'found':>10}{'asked':>10}")
    for name, found, limit in (
        ("wall time, s", wall, SECONDS),
        ("processor time, s", cpu, float("nan")),
        ("peak memory, MB", peak, MEGABYTES),
        ("import, s", imported, IMPORT_SECONDS),
    ):
        print(f"{name:22}{found:10.2f}{limit:10.1f}")
    print(f"ratio report_seconds={wall:.2f} report_mb={peak:.0f} import_seconds={imported:.2f}")
    return 0 if wall < SECONDS and peak < MEGABYTES and imported < IMPORT_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
