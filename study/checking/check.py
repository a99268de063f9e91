"""What `check` finds: the study's cases, splits and work, and all that is wrong or worth a look.

It writes nothing but what it has seen, where it is given a place for that.
"""

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from search_spaces.grammar import to_plain
from study.cases import from_study_file, patient_groups
from study.cases.fetch import fetch
from study.cases.from_study_file import options_of
from study.cases.judged import not_judged
from study.cases.overview import Overview, ceilings, overview
from study.cases.roles import Splits, divide, resolved
from study.checking.notices import limits, of_data, of_grid, of_plan, unscored
from study.checking.sides import mirrored_sides
from study.events import OnEvent, ignore
from study.machines.admission import Node, impossible, slots
from study.machines.trial_shape import lacking, shape_of
from study.planning.planned_work import ArmForecast, forecast
from study.probing import micro_batches
from study.study_file import Study
from study.study_file.errors import SpecError
from trainables.data.inspecting import inspect
from trainables.data.inspecting.inspect import CaseFacts
from trainables.errors import InputError

AT_ONCE = 4
"""Cases opened at once at most. Threads, since unpacking and NumPy let others run meanwhile: on 159 small volumes two
took 0.7 of one's time; two processes took 6 times it, to start up. No more, since 512 x 512 x 1000 voxels take 3 GB."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """A study that can be run.

    Attributes:
        study: The study.
        facts: Its cases, by name.
        splits: For each fold, case → role.
        overview: The cases as a whole.
        work: For each arm, what it will do if nothing fails.
        slots: Segments that this machine runs at once.
        notices: What a reader of the report must know and the report cannot see by itself, one line each.
        limits: What the results will not allow to say; the report says so too.
    """

    study: Study
    facts: tuple[CaseFacts, ...]
    splits: Splits
    overview: Overview
    work: tuple[ArmForecast, ...]
    slots: int
    notices: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Everything that is allowed and worth a look."""
        return (*self.notices, *self.limits)

    def plain(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "study": self.study.plain(),
            "cases": [{**fact.plain(), "splits": [roles[fact.name] for roles in self.splits]} for fact in self.facts],
            "overview": self.overview.plain(),
            "ceilings": {region: dict(values) for region, values in ceilings(self.facts).items()},
            "arms": [
                {
                    **dataclasses.asdict(work),
                    "space": {name: to_plain(parameter) for name, parameter in arm.space.items()},
                    "default": dict(arm.default),
                }
                for arm, work in zip(self.study.arms, self.work, strict=True)
            ],
            "slots": self.slots,
            "warnings": list(self.warnings),
        }


def check(study: Study, machine: Node, memory: pathlib.Path | None = None, tell: OnEvent = ignore) -> Check:
    """Opens every file of a study and looks at it as a whole.

    Args:
        study: The study, as its file says.
        machine: Where its trials are to run.
        memory: A cache's folder, where what was seen is remembered by content; None: nothing is remembered.
        tell: Hears how far data are that come from a URL.

    Raises:
        SpecError: With everything that is wrong.
    """
    problems: list[str] = []
    fetch(study, tell)
    study = _resolved(study)
    shape = shape_of(study, machine)
    if (reason := impossible((machine,), shape)) is not None:
        problems.append(lacking(reason, shape, (machine,)))
    facts, splits, warnings = _data(study, memory, problems)
    if facts:
        problems += micro_batches.refusals(study, facts[0].channels)
    if problems:
        raise SpecError(study.name, problems)
    seen = overview(facts, splits, in_voxels=study.preprocess.spacing == "unknown")
    return Check(
        study=study,
        facts=facts,
        splits=splits,
        overview=seen,
        work=forecast(study.design()),
        slots=slots((machine,), (shape,)),
        notices=(
            *warnings,
            *of_data(seen),
            *unscored(study, facts, splits),
            *of_grid(facts),
            *of_plan(study),
            *mirrored_sides(study),
            *from_study_file.notices(study),
        ),
        limits=tuple(limits(study, facts, splits)),
    )


def _data(
    study: Study, memory: pathlib.Path | None, problems: list[str]
) -> tuple[tuple[CaseFacts, ...], Splits, tuple[str, ...]]:
    """The cases and their splits; what is wrong goes to `problems`."""
    try:
        files = from_study_file.files_of(study)
        grouped = patient_groups.grouped(study, files)
    except InputError as error:
        problems += lines_of(error)
        return (), (), ()
    problems += filter(None, [patient_groups.unsaid(study, files)])
    splits: Splits = ()
    try:
        splits = divide(study, files, grouped)
    except InputError as error:
        problems += lines_of(error)
    workers = min(AT_ONCE, os.cpu_count() or 1)
    seen = inspect.all_cases(files, options_of(study), dict(grouped), workers=workers, memory=memory)
    problems += collapsed([*seen.problems, *from_study_file.misfits(study, seen.facts)])
    if not problems:
        splits = divide(study, files, grouped, seen.facts)  # strata follow from what the masks hold
        problems += not_judged(study, seen.facts, splits)
    return seen.facts, splits, tuple(collapsed(seen.warnings))


def _resolved(study: Study) -> Study:
    """The study with its number of folds; where it cannot be found out, `_data` says why."""
    try:
        return resolved(study)
    except InputError:
        return study


def lines_of(error: InputError) -> list[str]:
    """All that an error says is wrong, one line each."""
    if isinstance(error, SpecError):
        return [f"{error.source}: {line}" for line in error.lines]
    return [str(error)]


def collapsed(lines: Sequence[str]) -> list[str]:
    """Lines `FILE: what is wrong` that say the same of several files as one: `FILE and 7 more: what is wrong`."""
    files: dict[str, list[str]] = {}
    for line in lines:
        file, _, rest = line.partition(": ")
        files.setdefault(rest, []).append(file)
    return [
        f"{named[0]} and {len(named) - 1} more: {rest}"
        if rest and len(named) > 1
        else f"{named[0]}: {rest}".rstrip(": ")
        for rest, named in files.items()
    ]
