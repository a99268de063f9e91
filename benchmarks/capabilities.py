"""How often claims agree between processors: one study on two instruction sets, with three study seeds.

    python benchmarks/capabilities.py run STUDY DATA OUT [--set KEY=VALUE …]   # six runs of the study
    python benchmarks/capabilities.py table OUT                               # the tables

The same machine computes with all that it has and with kernels held to AVX2 (`ONEDNN_MAX_CPU_ISA`,
`ATEN_CPU_CAPABILITY`, `MKL_ENABLE_INSTRUCTIONS`). Plan, dispatch, training and report are the project's; segments run
one after the other in one process of one thread, without Ray. For each study seed the table has every arm's mean and
its difference from the baseline with p on both; then how often sign and claim (Holm's p below .05, and its direction)
agree between instruction sets with equal seeds, and between seeds on one instruction set: where these agree equally
often, another processor is another seed. Runs that are not there yet are left out.
"""

import argparse
import itertools
import os
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

KERNELS: dict[str, dict[str, str]] = {
    "native": {},
    "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
}
SEEDS = (0, 1, 2)
Claims = Mapping[str, tuple[float, float | None]]
"""Arm → difference from the baseline, and p adjusted by Holm."""


def run(given: argparse.Namespace) -> None:
    """Runs the study on each instruction set with each seed, each in a process of its own."""
    for seed, name in itertools.product(SEEDS, given.kernels):
        home = pathlib.Path(given.out) / f"{name}-{seed}"
        line = [sys.executable, __file__, "one", given.study, given.data, str(home)]
        line += [part for each in (f"seed={seed}", *given.set) for part in ("--set", each)]
        subprocess.run(line, env={**os.environ, **KERNELS[name]}, check=True)


def one(given: argparse.Namespace) -> None:
    """Runs one study in this process."""
    import torch
    from parts.real_trainings import prepare

    from study.dispatch.bookkeeping import Bookkeeper
    from study.dispatch.dispatcher import RunSettings
    from study.ledger import Ledger
    from study.machines.admission import Node, Shape
    from study.running.assembly import objective_of, open_dispatcher
    from study.study_file import load
    from study.study_file.recorded.objective_empty import decided
    from trainables.segment import SegmentWork, driver_file
    from trainables.storage.folder import Storage
    from trainables.training.training import Training

    torch.set_num_threads(1)
    home = pathlib.Path(given.out)
    where = prepare(load(given.study, given.set, data=given.data, allow_code=True), home / "cache")
    study, data, storage = decided(where.study, ()), where.data, Storage(home)
    with Ledger.open(home / "ledger.db") as ledger:
        design = study.design()
        number = ledger.create_study(study.name, study.plain(), design, data.cases, data.digest, {})
        lease = ledger.acquire(number, seconds=86_400)
        settings = RunSettings(storage=storage.root, folder=f"trials/{study.name}", fence=lease.fence)
        storage.write(settings.driver, driver_file(lease.fence))
        books = Bookkeeper(ledger, lease, design, storage, objective_of(study), lambda event: None)
        shapes = dict.fromkeys(study.models, Shape(1))
        nodes = (Node("here", 1),)
        dispatcher = open_dispatcher(study, books, settings, data, shapes, lambda: nodes, lambda event: None)
        while (handout := dispatcher.hand_out("one")) is not None:
            work = SegmentWork(handout.assignment, lambda spec: Training(spec, where.cases))
            while not (report := work.step()).done:
                pass
            work.close()
            dispatcher.finished("one", report)


def claims_of(home: pathlib.Path) -> tuple[Claims, dict[str, float], str]:
    """The comparisons of a finished study, its arms' means and the kind of machine that trained it."""
    from reports.prose.provenance import machine_kind
    from reports.results.records import read
    from reports.results.results import results
    from study.ledger import Ledger

    with Ledger.open(home / "ledger.db", read_only=True) as ledger:
        (row,) = ledger.studies()
    found = results(read(home / "ledger.db", row.name, pictures=False)[0])
    kinds = {machine_kind(segment.machine) for segment in found.records.segments}
    claims = {
        each.arm: (each.cell.estimate.mean, each.p) for each in found.comparisons if each.cell.estimate is not None
    }
    means = {arm.row.name: arm.cells[found.objective].mean for arm in found.arms}
    return claims, means, "; ".join(sorted(kinds))


def claim(difference: float, p: float | None) -> int:
    """1 or -1 where a difference is claimed, 0 where none is."""
    return 0 if p is None or p >= 0.05 else 1 if difference > 0 else -1


def agreement(pairs: Sequence[tuple[Claims, Claims]]) -> str:
    """How often sign and claim agree over all arms of pairs of studies, and the mean distance of differences."""
    both = [(one[arm], other[arm]) for one, other in pairs for arm in one if arm in other]
    signs = sum((a[0] > 0) == (b[0] > 0) for a, b in both)
    same = sum(claim(*a) == claim(*b) for a, b in both)
    claimed = sum(claim(*a) != 0 or claim(*b) != 0 for a, b in both)
    kept = sum(claim(*a) == claim(*b) != 0 for a, b in both)
    apart = statistics.fmean(abs(a[0] - b[0]) for a, b in both)
    agreed = f"sign {signs} of {len(both)}, claim {same} of {len(both)}, claimed by both {kept} of {claimed}"
    return f"{agreed}; differences {apart:.4f} apart"


def pairs_of(found: Mapping[tuple[str, int], Claims]) -> Iterator[tuple[str, list[tuple[Claims, Claims]]]]:
    """Pairs of studies: other kernels with equal seeds, then other seeds with equal kernels."""
    kernels = [(("native", seed), ("avx2", seed)) for seed in SEEDS]
    seeds = [((name, a), (name, b)) for name in KERNELS for a, b in itertools.combinations(SEEDS, 2)]
    for what, pairs in (("other kernels, equal seed", kernels), ("other seed, equal kernels", seeds)):
        yield what, [(found[one], found[other]) for one, other in pairs if one in found and other in found]


def table(given: argparse.Namespace) -> None:
    """Prints means, differences and agreement."""
    found: dict[tuple[str, int], Claims] = {}
    for seed, name in itertools.product(SEEDS, KERNELS):
        home = pathlib.Path(given.out) / f"{name}-{seed}"
        if not (home / "ledger.db").exists():
            continue
        claims, means, kinds = claims_of(home)
        found[name, seed] = claims
        print(f"\nseed {seed}, {name} ({kinds})")
        for arm, mean in means.items():
            difference, p = claims.get(arm, (0.0, None))
            said = f"{difference:+.3f}  p {'–' if p is None else f'{p:.3f}'}" if arm in claims else "baseline"
            print(f"  {arm:28}{mean:7.3f}  {said}")
    print()
    for what, pairs in pairs_of(found):
        if pairs:
            print(f"{what}: {agreement(pairs)}")


def main() -> None:
    """Runs the studies, or prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parts = parser.add_subparsers(required=True)
    for name, work, said in (("run", run, "six runs of the study"), ("one", one, "one of them")):
        runs = parts.add_parser(name, help=said)
        for argument in ("study", "data", "out"):
            runs.add_argument(argument)
        runs.add_argument("--set", action="append", default=[])
        runs.add_argument("--kernels", nargs="+", choices=list(KERNELS), default=list(KERNELS))
        runs.set_defaults(work=work)
    shown = parts.add_parser("table")
    shown.add_argument("out")
    shown.set_defaults(work=table)
    given = parser.parse_args()
    pathlib.Path(given.out).mkdir(parents=True, exist_ok=True)
    given.work(given)


if __name__ == "__main__":
    main()
