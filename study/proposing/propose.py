"""A study proposed for a folder of images: measured, decided by rules, timed by a probe, and held to `check`."""

import dataclasses
import itertools
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from study.checking.check import Check, check
from study.checking.local_probe import ahead, data_of
from study.checking.time_and_cost import estimate
from study.events import OnEvent
from study.in_words import counted, duration
from study.machines.admission import Node
from study.proposing import places as finding
from study.proposing.facts import EFFORTS, Facts, measure
from study.proposing.image_rules import IMAGES
from study.proposing.learning_rules import LEARNING, METRICS
from study.proposing.rules import DATA, decide
from study.proposing.written import text
from study.study_file import Study, load
from study.study_file.errors import SpecError
from trainables.errors import InputError

LADDER = (
    100,
    150,
    200,
    300,
    450,
    600,
    1000,
    1500,
    2000,
    3000,
    4500,
    6000,
    10_000,
    15_000,
    20_000,
    30_000,
    50_000,
    100_000,
)
"""Iterations that a study may train for; the last is about what nnU-Net trains in 400 epochs."""
MARGIN = 0.8
"""Share of the user's time that the simulation may fill: other work on the machine takes the rest."""
WORTH_A_SEARCH = 450
"""Iterations below which networks are hardly trained: the time is better spent on them than on a search."""
SMOKE_CASES = (12, 24, 48, None)
"""Numbers of cases that a smoke run may take, the first whose split works; None: all."""


@dataclasses.dataclass(frozen=True)
class Proposal:
    """A proposed study.

    Attributes:
        text: The study file.
        facts: What it is based on.
        warnings: The warnings of `check`.
    """

    text: str
    facts: Facts
    warnings: tuple[str, ...]


def propose(
    data: Path,
    out: Path,
    machine: Node,
    *,
    hours: float,
    gpus: int,
    probe: bool,
    ask: Callable[[int], bool] | None,
    tell: OnEvent,
) -> Proposal:
    """Look at a folder of images and return a study file that `check` passes.

    Args:
        data: The folder.
        out: The study file's path, to which the data's is relative if it lies in the same folder; nothing is written.
        machine: This machine.
        hours: Time for the whole study.
        gpus: Number of GPUs; 0: cores.
        probe: Whether networks are measured here, so that the study fits the time.
        ask: Asks whether each of so many cases is another patient; None where nobody can answer.
        tell: Receives events of the probe.

    Raises:
        InputError: The folder or a file in it cannot be used, or there are fewer than three patients.
    """
    facts = measure(finding.find(data), ask=ask, hours=hours, gpus=gpus)
    if facts.patients < 3:
        raise InputError(
            f"{data}: {counted(facts.patients, 'group')} of cases (dataset.group {facts.group!r}), and training, "
            "validation and test need one each. Add cases of others."
        )
    with tempfile.TemporaryDirectory(prefix="segstudy-") as folder:
        draft = _Draft(Path(folder), data, out, machine)
        if probe:
            facts = _timed(facts, draft, machine, tell)
        seen = draft.checked(facts)
        return Proposal(draft.text(facts, draft.smoke(facts), seen.warnings), facts, seen.warnings)


@dataclasses.dataclass(frozen=True)
class _Draft:
    """A study file on its way: written into a folder of its own, and checked there."""

    folder: Path
    data: Path
    out: Path
    machine: Node

    def text(self, facts: Facts, smoke: Mapping[str, Any], warnings: Sequence[str]) -> str:
        """Return the study file."""
        return text(
            _name(self.data),
            _relative(self.data, self.out),
            decide(facts, (*DATA, *IMAGES, *LEARNING)),
            {rule: rule.value(facts) for rule in METRICS if rule.when(facts)},
            smoke,
            _header(facts, warnings),
        )

    def study(self, facts: Facts, smoke: Mapping[str, Any], *, small: bool = False) -> Study:
        """Return the study as `check` loads it."""
        file = self.folder / "study.yaml"
        file.write_text(self.text(facts, smoke, ()), encoding="utf-8")
        return load(file, data=self.data.resolve(), small=small)

    def checked(self, facts: Facts) -> Check:
        """Return what `check` says of the whole study.

        Raises:
            InputError: It refuses the study: something in the data that the user must correct.
        """
        try:
            return check(self.study(facts, _smoke(facts, None)), self.machine, self.folder / "cache")
        except SpecError as error:
            more = f" ({len(error.lines) - 1} more problems)" if len(error.lines) > 1 else ""
            raise InputError(f"{self.data}: {error.lines[0]}{more}") from error

    def smoke(self, facts: Facts) -> dict[str, Any]:
        """Return the smoke section with the fewest cases of `SMOKE_CASES` that `check` accepts."""
        for cases in SMOKE_CASES:
            if cases is None or cases >= facts.cases:
                break
            try:
                check(self.study(facts, _smoke(facts, cases), small=True), self.machine, self.folder / "cache")
            except SpecError:
                continue
            return _smoke(facts, cases)
        return _smoke(facts, None)


def _smoke(facts: Facts, cases: int | None) -> dict[str, Any]:
    """Return the smoke section: a tiny network and few iterations on the first cases."""
    network = next(iter(decide(facts, LEARNING)["models"].value))
    return {
        **({} if cases is None else {"dataset": {"limit": cases}}),
        "models": {network: {"width": 2}},
        "training": {"iterations": 20, "batch_size": 2},
        "budget": {"trials_per_arm": 2, "cohort": 1, "halving": None, "final_seeds": 1},
    }


def _timed(facts: Facts, draft: _Draft, machine: Node, tell: OnEvent) -> Facts:
    """Return the facts with the longest training of the ladder whose study fits the user's time.

    Where that is shorter than `WORTH_A_SEARCH`, less is searched, and the ladder is tried again.
    """
    seen = draft.checked(facts)
    gpus, slots = (facts.gpus, None) if facts.gpus else (None, seen.slots)
    ledger = str(draft.folder / "ledger.db")
    first = ahead(seen, ledger, machine, gpus=gpus, slots=slots, probe=True, tell=tell)
    if first.device is None:
        raise InputError("the probe gave no speed of this network. Use --no-probe.")
    data, most = data_of(seen), MARGIN * facts.hours * 3600

    def seconds(tried: Facts) -> float:
        study = draft.study(tried, _smoke(tried, None))
        return estimate(study, data, first.footprints, gpus=gpus, slots=slots).ahead.simulation.seconds

    found = facts
    for effort in EFFORTS:
        ladder = (dataclasses.replace(facts, effort=effort, iterations=iterations) for iterations in LADDER)
        fitting = list(itertools.takewhile(lambda tried: seconds(tried) <= most, ladder))
        found = fitting[-1] if fitting else dataclasses.replace(facts, effort=effort, iterations=LADDER[0])
        if found.iterations >= WORTH_A_SEARCH:
            break
    taken = seconds(found)
    outlook = f"about {duration(taken)} by the speed of {first.device}"
    if taken > most:
        outlook += f", which is more than {MARGIN:.0%} of the {facts.hours:g} h given: the shortest training was taken"
    return dataclasses.replace(found, outlook=outlook)


def _name(data: Path) -> str:
    """Return the folder's name as a study's name."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", data.resolve().name.lower()).strip("-._")[:80]
    return plain or "study"


def _relative(data: Path, out: Path) -> str:
    """Return the data's folder as the study file names it: relative if it lies beside or below the file."""
    place, beside = data.resolve(), out.resolve().parent
    return os.path.relpath(place, beside) if place.is_relative_to(beside) else str(place)


def _header(facts: Facts, warnings: Sequence[str]) -> list[str]:
    """Return the sentences of the first lines: what was seen, how long it takes, what `check` warns of."""
    where = facts.places
    shape, spacing = " x ".join(map(str, facts.shape)), " x ".join(f"{side:.3g}" for side in facts.spacing)
    lines = [
        "Written by `segstudy new`, which opened every file. A comment above a key says why it is so. Change what you "
        "know better, then: segstudy check, segstudy run.",
        f"Seen: {counted(facts.cases, 'case')} ({where.layout or 'found by names'}), "
        f"{counted(facts.channels, 'channel')}"
        f"{': ' + ', '.join(facts.channel_names) if facts.channel_names else ''}; median shape {shape} voxels"
        f"{f' of {spacing} mm' if spacing else ''}; {counted(facts.masks.empty, 'empty mask')}; foreground "
        f"{facts.share:.2%} of an image in {facts.components:g} components (medians).",
    ]
    if where.unused:
        lines.append(f"Not used: {counted(where.unused, 'image file')} that belong to no case with a mask.")
    if facts.outlook is not None:
        lines.append(f"Time: {facts.outlook}.")
    return [*lines, *(f"check: {warning}" for warning in warnings)]
