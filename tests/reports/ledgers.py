"""Generated ledgers of complete, seeded studies that never ran, with a given end for each trial; written in bulk."""

import dataclasses
import itertools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, insert, select

from search_spaces.metrics import scored
from study.design import DEFAULTS, Arm, Design, Status, TrialKey
from study.ledger import Ledger
from study.ledger.database import schema
from study.ledger.rows import Case
from study.study_file import Study
from trainables.trial import soft_dice_curve

OWED, LOST, COLLAPSED = "owed", "lost: the machine went away 3 times", "collapsed"
DIVERGED = "non-finite loss at iteration 9; a lower learning rate may keep it finite"
MEMORY = "out of memory on the device: try a smaller patch or batch, or a larger share of the GPU"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fake:
    """Description of a generated study.

    Attributes:
        name: Name of the study.
        models: Networks.
        losses: Losses; arms are models × losses.
        quality: Mean Dice by arm; 0.8 by default.
        patients: Number of test cases of each patient.
        seeds: Final seeds.
        searches: Searches of each arm.
        folds: 0 for none; otherwise each case is tested in one fold, unless `test_apart`.
        test_apart: With folds, whether all folds test the same cases.
        marks: Iterations.
        trials: Search trials of each arm; 0 where nothing is tuned.
        tuned: Keys of `training` in the study file that are tuned beside the learning rate.
        fates: End by trial key: OWED, COLLAPSED, or the reason of a failure; a loss where the reason begins so.
        spacing: Spacing of every case; None is unknown.
        empty: Share of cases without a lesion.
        grouped: Whether the file names the patients.
        ungrouped: `dataset.group` where it does not.
        previews: Whether final trials keep slices.
        pixels: Height of a preview.
        slices: Number of further slices that the first seed keeps of each case.
        baseline: `report.baseline` of the study file.
        metrics: `report.metrics`.
        region: Region of the objective.
        seed_spread: SD of a training's own quality.
        suffix: End of every test case's name.
        search_in: `budget.search_in`.
        tables: `report.tables`.
        published: `report.published`.
        equivalence: `report.equivalence`.
        defaults: `budget.defaults`.
        weighting: `weighting` of the study file.
        patch: Patch size.
        log_every: `training.log_every`.
        sums: Further losses, with names of their own.
        empty_counts: `report.empty`.
        means: `report.means`.
        lesions: `report.lesions`.
        regions: Labels by region, the greater first; a case may lack the region named lesion.
    """

    name: str = "fake"
    models: Sequence[str] = ("unet",)
    losses: Sequence[str] = ("dice", "focal", "tversky")
    quality: Mapping[str, float] = dataclasses.field(default_factory=dict)
    patients: Sequence[int] = (1, 2, 1, 3, 1, 2, 1, 1, 2, 1, 1, 2)
    seeds: int = 3
    searches: int = 1
    folds: int = 0
    test_apart: bool = False
    marks: Sequence[int] = (250, 1000)
    trials: int = 4
    tuned: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    fates: Mapping[str, str] = dataclasses.field(default_factory=dict)
    spacing: Sequence[float] | None = (1.5, 0.8, 0.8)
    empty: float = 0.2
    grouped: bool = True
    ungrouped: str = "case"
    previews: bool = True
    pixels: int = 96
    slices: int = 0
    baseline: str | None = None
    metrics: Sequence[str] = ("dice", "recall", "hd95")
    region: str = "mean"
    seed_spread: float = 0.006
    suffix: str = ""
    search_in: str = "first_fold"
    tables: Sequence[Any] = ()
    published: Sequence[str] = ()
    equivalence: float | None = None
    defaults: bool = False
    empty_counts: str = "missing"
    means: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    lesions: Mapping[str, Any] | None = None
    weighting: Sequence[str] = ("none",)
    patch: Sequence[int] = (64, 64)
    log_every: int | None = None
    sums: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    regions: Mapping[str, Sequence[str]] = dataclasses.field(
        default_factory=lambda: {"organ": ["organ", "lesion"], "lesion": ["lesion"]}
    )

    @property
    def study(self) -> Study:
        """Returns the study file."""
        split: dict[str, Any] = {"validation": 0.2, "test": 0.3}
        if self.folds:
            split = {"folds": self.folds} | ({"test": 0.3} if self.test_apart else {})
        tuned = {"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}} if self.trials else {"learning_rate": 1e-3}
        tuned |= self.tuned
        return Study.from_plain(
            {
                "name": self.name,
                "seed": 1,
                "dataset": {
                    "path": "/home/somebody/data",
                    "labels": {name: value for value, name in enumerate(self.labels, 1)},
                    "regions": {name: list(labels) for name, labels in self.regions.items()},
                    "group": "^(p[0-9]+)_" if self.grouped else self.ungrouped,
                    "split": split,
                },
                "patch": {"size": list(self.patch)},
                "models": dict.fromkeys(self.models, "default"),
                "losses": {**dict.fromkeys(self.losses, "default"), **self.sums},
                "weighting": list(self.weighting),
                "training": {**tuned, "iterations": self.marks[-1], "log_every": self.log_every},
                "budget": {
                    "trials_per_arm": self.trials or 4,
                    "cohort": self.trials or 4,
                    "sampler": "random",
                    "halving": {"eta": 2, "marks": list(self.marks)} if len(self.marks) > 1 else None,
                    "searches": self.searches,
                    "final_seeds": self.seeds,
                    "search_in": self.search_in,
                    "defaults": self.defaults,
                },
                "objective": {"metric": self.metrics[0], "region": self.region},
                "report": {"baseline": self.baseline, "metrics": list(self.metrics)}
                | {"empty": self.empty_counts, "means": self.means, "lesions": self.lesions}
                | {"tables": list(self.tables), "published": list(self.published), "equivalence": self.equivalence},
            }
        )

    @property
    def labels(self) -> list[str]:
        """Returns all labels of the regions, in their order."""
        return list(dict.fromkeys(label for labels in self.regions.values() for label in labels))

    @property
    def cases(self) -> list[Case]:
        """Returns training, validation and test cases, with facts as inspection gives them."""
        folds, tested = max(1, self.folds), []
        for patient, count in enumerate(self.patients):
            for index in range(count):
                test_in = range(folds) if self.test_apart or not self.folds else [patient % folds]
                splits = tuple("test" if fold in test_in else "train" for fold in range(folds))
                tested.append(self._case(f"p{patient:02d}_{index}{self.suffix}", f"p{patient:02d}", splits))
        others = [self._case(f"v{i}_0", f"v{i}", ("validation",) * folds) for i in range(2)]
        return sorted([*tested, *others], key=lambda case: case.name)

    def _case(self, name: str, group: str, splits: tuple[str, ...]) -> Case:
        lesion = self.has_lesion(name)
        facts = {
            "shape": [20, 100, 100],
            "spacing": self.spacing,
            "voxels": {"organ": 1000, "lesion": 50 if lesion else 0},
            "ceilings": {"organ": 0.991, "lesion": 0.962 if lesion else None},
        }
        return Case(name, group if self.grouped else name, splits, facts)

    def has_lesion(self, case: str) -> bool:
        """Whether the case's reference has one: a function of its name."""
        return zlib.crc32(case.encode()) % 100 >= 100 * self.empty


def build(path: Path, fake: Fake) -> Path:
    """Writes the ledger and returns its path."""
    with Ledger.open(path) as ledger:
        add(ledger, fake)
    return path


def add(ledger: Ledger, fake: Fake, digest: str = "d" * 64) -> None:
    """Writes a further study into a ledger, with data of the given digest."""
    design, versions = fake.study.design(), {"segstudy": "0.1.0", "torch": "2.13.0"}
    study_id = ledger.create_study(fake.name, fake.study.plain(), design, fake.cases, digest, versions, now=1e9)
    ledger.write(lambda connection: _fill(connection, study_id, design, fake))


def _fill(connection: Connection, study_id: int, design: Design, fake: Fake) -> None:
    tables = (schema.arms, schema.cases)
    arms, cases = (
        {row.name: row.id for row in connection.execute(table.select().where(table.c.study_id == study_id))}
        for table in tables
    )
    rows: dict[Any, list[dict[str, Any]]] = {}
    used = connection.scalar(select(func.max(schema.trials.c.id))) or 0
    for number, trial in enumerate(_trials(design, fake), used + 1):
        trial.id = number
        trial.write(rows, study_id, arms, cases)
    for table, found in rows.items():
        for start in range(0, len(found), 20_000):
            connection.execute(insert(table), found[start : start + 20_000])


def _trials(design: Design, fake: Fake) -> Iterator["_Trial"]:
    for arm, search in itertools.product(design.arms, range(fake.searches)):
        length = design.trials_per_arm if fake.trials and not arm.name.endswith(DEFAULTS) else 0
        halved = set(range(length // 2, length)) if len(fake.marks) > 1 else set()
        search_keys = [TrialKey("search", arm.index, search, 0, n) for n in range(length)]
        for key in search_keys:
            yield _Trial(fake, arm, key, halved=key.number in halved)
        usable = [key for key in search_keys if str(key) not in fake.fates and key.number not in halved]
        if (length and not usable) or any(fake.fates.get(str(key)) == OWED for key in search_keys):
            continue
        for fold, seed in itertools.product(range(design.folds), range(fake.seeds)):
            source = usable[-1] if usable else None
            yield _Trial(fake, arm, TrialKey("final", arm.index, search, fold, seed), source=source)


class _Trial:
    """Rows of one trial."""

    def __init__(
        self, fake: Fake, arm: Arm, key: TrialKey, *, halved: bool = False, source: TrialKey | None = None
    ) -> None:
        self.fake, self.arm, self.key, self.source = fake, arm, key, source
        self.id = 0
        self.halved = halved
        self.fate = fake.fates.get(str(key), "")
        self.random = np.random.default_rng(zlib.crc32(f"{arm.name} {key}".encode()))

    @property
    def status(self) -> Status:
        if self.fate == OWED:
            return "open"
        if self.fate.startswith("lost"):
            return "lost"
        if self.fate and self.fate != COLLAPSED:
            return "failed"
        return "halved" if self.halved else "finished"

    @property
    def reached(self) -> Sequence[int]:
        marks = self.fake.marks
        return marks if self.status == "finished" else marks[:1] if self.status == "halved" else ()

    @property
    def parameters(self) -> dict[str, Any]:
        number = self.key.number if self.source is None else self.source.number
        where = self.key.search * 10 + self.arm.index
        values = dict(self.arm.default)
        if self.fake.trials and number:
            random = np.random.default_rng(where * 100 + number)
            values["training.learning_rate"] = float(10 ** random.uniform(-4, -2))
            for name, space in self.fake.tuned.items():
                values[f"training.{name}"] = float(space["low"] * (space["high"] / space["low"]) ** random.random())
        return values

    def write(
        self, rows: dict[Any, list[dict[str, Any]]], study_id: int, arms: Mapping[str, int], cases: Mapping[str, int]
    ) -> None:
        key, hours = self.key, 900.0 + 70 * self.key.number
        ended = None if self.status == "open" else 1e9 + 1e4
        rows.setdefault(schema.trials, []).append(
            {"id": self.id, "study_id": study_id, "arm_id": arms[self.arm.name], "key": str(key), "stage": key.stage}
            | {"search": key.search, "fold": key.fold, "number": key.number, "cohort": 0, "seed": key.number}
            | {"parameters": self.parameters, "source": None if self.source is None else str(self.source)}
            | {"status": self.status, "reason": self.fate if self.status in ("failed", "lost") else None}
            | {"sampled_by": "random", "revision": 1, "created": 1e9, "ended": ended}
        )
        rows.setdefault(schema.attempts, []).append(
            {"trial_id": self.id, "stop": self.fake.marks[-1], "started_from": 0, "started": 1e9}
            | {"ended": None if ended is None else 1e9 + hours, "result": "done", "reason": None}
        )
        if key.stage == "final" and self.status != "open":
            self._write_curve(rows)
        for mark in self.reached:
            self._write_mark(rows, mark, cases, study_id)

    def _write_curve(self, rows: dict[Any, list[dict[str, Any]]]) -> None:
        last = 250 if self.fate == DIVERGED else self.fake.marks[-1]
        for iteration in range(25, last + 1, 25):
            value = 0.15 + 0.8 * np.exp(-iteration / 220) + float(self.random.normal(0, 0.012))
            rows.setdefault(schema.curves, []).append(
                {"trial_id": self.id, "name": "loss", "iteration": iteration, "value": value}
            )
        every = self.fake.log_every
        for iteration in range(every, last + 1, every) if every else ():
            for index, name in enumerate(("background", *self.fake.labels)):
                value = (0.99, 0.9, 0.6, 0.5)[index] * (1 - np.exp(-iteration / (60 + 90 * index)))
                rows[schema.curves].append(
                    {"trial_id": self.id, "name": soft_dice_curve(name), "iteration": iteration}
                    | {"value": value - 0.01 * self.key.number}
                )

    def _write_mark(
        self, rows: dict[Any, list[dict[str, Any]]], mark: int, cases: Mapping[str, int], study_id: int
    ) -> None:
        level = self.fake.quality.get(self.arm.name, 0.8) * (1 - 0.35 * np.exp(-3 * mark / self.fake.marks[-1]))
        level += float(self.random.normal(0, self.fake.seed_spread))
        objective = level + float(self.random.normal(0, 0.02)) if self.key.stage == "search" else level
        rows.setdefault(schema.segments, []).append(
            {"trial_id": self.id, "iteration": mark, "objective": objective, "weights": "w", "revision": 1}
            | {"checkpoint": None, "attempts": 1, "seconds": 500.0, "evaluate_seconds": 60.0, "trained": mark}
            | {"host": "here", "device": "cpu", "peak_bytes": 0, "ended": 1e9 + 5e3}
        )
        if self.key.stage == "search":
            return
        for case in self.fake.cases:
            if case.splits[self.key.fold] == "test":
                self._write_case(rows, mark, level, case, cases[case.name])
        if self.fake.previews and mark == self.fake.marks[-1]:
            shown = [case for case in self.fake.cases if case.splits[self.key.fold] == "test"][:3]
            rows.setdefault(schema.previews, []).extend(self._preview(case, cases[case.name], level) for case in shown)
            if self.fake.slices and self.key.number == 0:
                for case in shown:
                    self._write_slices(rows, case, cases[case.name], level, study_id)

    def _write_case(
        self, rows: dict[Any, list[dict[str, Any]]], mark: int, level: float, case: Case, case_id: int
    ) -> None:
        patient = float(np.random.default_rng(zlib.crc32(case.group.encode())).normal(0, 0.05))
        for index, region in enumerate(self.fake.regions):
            easier = -0.12 if index else 0.1
            dice = min(0.99, max(0.02, level + easier + patient + float(self.random.normal(0, 0.03))))
            note = None
            values = {"dice": dice, "recall": min(1.0, dice + 0.02), "hd95": 40 * (1 - dice), "precision": dice}
            values["average_precision"] = dice
            if region == "lesion" and not self.fake.has_lesion(case.name):
                note = "false positive" if self.random.random() < 0.4 else "clean negative"
                values = dict.fromkeys(values)
            elif self.fate == COLLAPSED or (region == "lesion" and self.random.random() < 0.06):
                note = "miss"
                values = dict.fromkeys(values, 0.0) | {"hd95": 150.0}
            rows.setdefault(schema.case_scores, []).extend(
                {"trial_id": self.id, "iteration": mark, "region": region, "metric": metric, "case_id": case_id}
                | {"value": values[metric], "note": note}
                for metric in scored(self.fake.metrics)
            )

    def _write_slices(
        self, rows: dict[Any, list[dict[str, Any]]], case: Case, case_id: int, level: float, study_id: int
    ) -> None:
        """Writes slices 9, 10, 11, …, with that of the preview; further ones are darker and emptier."""
        plane, count = self._preview(case, case_id, level), self.fake.slices
        shape = (plane["height"], plane["width"])
        image, reference, prediction = (
            np.frombuffer(plane[part], np.uint8) for part in ("image", "reference", "prediction")
        )
        far = [abs(index - 11) for index in range(9, 9 + count)]
        if all(row["case_id"] != case_id for row in rows.setdefault(schema.case_slices, [])):
            rows[schema.case_slices].append(
                {"case_id": case_id, "study_id": study_id, "slices": list(range(9, 9 + count))}
                | {"height": shape[0], "width": shape[1]}
                | {"image": b"".join((image // (1 + f)).tobytes() for f in far)}
                | {"reference": b"".join((reference * (f < 3)).tobytes() for f in far)}
            )
        rows.setdefault(schema.predicted_slices, []).append(
            {"trial_id": self.id, "case_id": case_id}
            | {"prediction": b"".join((prediction * (f < 2)).astype(np.uint8).tobytes() for f in far)}
        )

    def _preview(self, case: Case, case_id: int, level: float) -> dict[str, Any]:
        """Draws a body with an organ and a lesion; the predicted organ is shifted, more for worse arms."""
        size = self.fake.pixels
        y, x = np.mgrid[:size, : size * 5 // 4]
        body = np.hypot((y - size / 2) / 0.9, x - size * 0.62) < size * 0.45
        random = np.random.default_rng(zlib.crc32(case.name.encode()))

        def blob(row: float, column: float, radius: float) -> Any:
            return np.hypot(y - row * size, (x - column * size) * 0.8) < radius * size

        shift = (1 - level) * 0.25
        organ, lesion = blob(0.5, 0.55, 0.2), blob(0.45, 0.6, 0.06) & self.fake.has_lesion(case.name)
        found, spot = blob(0.5 + shift, 0.55, 0.2), blob(0.45, 0.6 + shift / 2, 0.05)
        grey = 20 + 70 * body + 60 * organ + 40 * lesion + random.normal(0, 9, y.shape)
        empty = self.fate == COLLAPSED
        prediction = np.where(spot, 2, np.where(found, 1, 0)) * (not empty)
        return {
            "trial_id": self.id,
            "case_id": case_id,
            "slice_index": 11,
            "height": size,
            "width": y.shape[1],
            "image": grey.clip(0, 255).astype(np.uint8).tobytes(),
            "reference": np.where(lesion, 2, np.where(organ, 1, 0)).astype(np.uint8).tobytes(),
            "prediction": prediction.astype(np.uint8).tobytes(),
        }
