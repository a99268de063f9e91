"""`check`: examines a study's cases, splits and plan, and collects everything that is wrong or notable.

It writes nothing but facts about files, if it is given a folder for them.
"""

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from search_spaces.grammar import to_plain
from study.cases import from_study_file
from study.cases.from_study_file import options_of
from study.cases.judged import not_judged
from study.cases.overview import Overview, ceilings, overview
from study.cases.prepare import FoundCases, find
from study.cases.roles import Splits
from study.checking.estimate import estimated, nearly
from study.checking.notices import limits, of_data, of_grid, of_objective, of_plan, unscored
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
"""Maximum number of cases that are open at the same time. Threads: on 159 small volumes two threads took 0.7 of one
thread's time, two processes 6 times, for their start. No more, since 512 x 512 x 1000 voxels take 3 GB."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """A study that can be run.

    Attributes:
        study: The study.
        cases: Its cases, found and divided.
        facts: Facts about its cases, sorted by name.
        splits: For each fold, case → role.
        overview: The cases as a whole.
        work: The planned work of each arm.
        slots: Number of segments that this machine runs at the same time.
        notices: Facts that a reader of the report must know and the report cannot see by itself, one line each.
        limits: Conclusions that the results will not allow; the report states them too.
    """

    study: Study
    cases: FoundCases
    facts: tuple[CaseFacts, ...]
    splits: Splits
    overview: Overview
    work: tuple[ArmForecast, ...]
    slots: int
    notices: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Everything that is allowed but notable."""
        return (*self.notices, *self.limits)

    def plain(self) -> dict[str, Any]:
        """Return JSON-able data."""
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
    """Open every file of a study and examine the study as a whole.

    Args:
        study: The study as its file describes it.
        machine: The machine on which its trials will run.
        memory: Folder of a cache in which facts are kept by content; None keeps nothing.
        tell: Receives events about data that are copied from a URL.

    Raises:
        SpecError: Something is wrong; it lists everything.
    """
    problems: list[str] = []
    found = _found(study, problems, tell)
    study = study if found is None else found.study
    shape = shape_of(study, machine)
    if (reason := impossible((machine,), shape)) is not None:
        problems.append(lacking(reason, shape, (machine,)))
    if found is None:
        raise SpecError(study.name, problems)
    facts, splits, warnings = _data(found, memory, problems)
    if facts:
        problems += micro_batches.refusals(study, facts[0].channels)
    if problems:
        raise SpecError(study.name, problems)
    seen = overview(facts, splits, in_voxels=study.preprocess.spacing == "unknown")
    return Check(
        study=study,
        cases=found,
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
            *of_objective(study, facts, splits),
            *of_plan(study),
            *nearly(estimated(study, facts)),
            *mirrored_sides(study),
            *from_study_file.notices(study),
        ),
        limits=tuple(limits(study, facts, splits)),
    )


def _found(study: Study, problems: list[str], tell: OnEvent) -> FoundCases | None:
    try:
        return find(study, tell)
    except InputError as error:
        problems += lines_of(error)
        return None


def _data(
    found: FoundCases, memory: pathlib.Path | None, problems: list[str]
) -> tuple[tuple[CaseFacts, ...], Splits, tuple[str, ...]]:
    """Open the cases and divide them; problems are added to `problems`."""
    if found.problem is not None:
        problems += lines_of(found.problem)
    workers = min(AT_ONCE, os.cpu_count() or 1)
    options = options_of(found.study)
    seen = inspect.all_cases(found.files, options, dict(found.group), workers=workers, memory=memory)
    problems += collapsed([*seen.problems, *from_study_file.misfits(found.study, seen.facts)])
    splits = () if problems else found.divided(seen.facts)
    problems += not_judged(found.study, seen.facts, splits)
    return seen.facts, splits, tuple(collapsed(seen.warnings))


def lines_of(error: InputError) -> list[str]:
    """Return everything that an error reports, one line each."""
    if isinstance(error, SpecError):
        return [f"{error.source}: {line}" for line in error.lines]
    return [str(error)]


def collapsed(lines: Sequence[str]) -> list[str]:
    """Merge lines `FILE: problem` with the same problem into one: `FILE and 7 more: problem`."""
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
