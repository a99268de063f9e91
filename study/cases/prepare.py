"""A study's cases: found and divided once for `check` and the run, then prepared by Ray tasks into the cache."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from study.cases import patient_groups
from study.cases.fetch import fetch
from study.cases.from_study_file import files_of, misfits, options_of
from study.cases.judged import not_judged
from study.cases.roles import Splits, divide, with_folds
from study.cases.splits import Role
from study.events import OnEvent, Prepared, Step, ignore
from study.ledger.rows import Case
from study.study_file import Study
from study.study_file.errors import SpecError
from study.trial_specs import Data
from trainables.data.cache import cache, local_copy, mirror, scaling
from trainables.data.cache.cache import CaseRecord
from trainables.data.cache.scaling import Scales
from trainables.data.cases import digests
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding import remote
from trainables.data.finding.layouts import CaseFiles
from trainables.data.finding.remote import Remote
from trainables.data.inspecting import inspect
from trainables.data.inspecting.inspect import CaseFacts
from trainables.errors import InputError
from trainables.storage.object_store import is_url

POLL = 0.5  # seconds between two checks for a stop
AHEAD = 4  # tasks given to Ray for each CPU


class Source(Protocol):
    """Source of a study's data; tests replace it."""

    def prepare(self, root: str | pathlib.Path, on_event: OnEvent, stopping: Callable[[], None]) -> Data:
        """Prepare the data, with a running Ray.

        Args:
            root: Folder that all nodes can access, or an object store's URL.
            on_event: Receives progress events.
            stopping: Called repeatedly; raises to stop.

        Raises:
            InputError: Cases are wrong; it lists everything.
        """


@dataclasses.dataclass(frozen=True)
class FoundCases:
    """The cases of a study, found and divided, but not opened.

    Attributes:
        study: The study, with the number of folds that its split's file or folders give.
        files: The files of each case, sorted by name.
        group: Case → group.
        splits: The role of each case in each fold, without regard to `stratify`; empty if there is a `problem`.
        problem: Why the cases cannot be divided; None if they can.
    """

    study: Study
    files: tuple[CaseFiles, ...]
    group: Mapping[str, str]
    splits: Splits
    problem: InputError | None = None

    def divided(self, facts: Sequence[CaseFacts]) -> Splits:
        """Return the role of each case in each fold; facts about the cases are needed by `stratify`.

        Raises:
            InputError: The cases cannot be divided.
        """
        if self.problem is not None:
            raise self.problem
        if self.study.dataset.split.stratify == "none":
            return self.splits
        return divide(self.study, self.files, list(self.group.items()), facts)

    def prepare(self, root: str | pathlib.Path, on_event: OnEvent, stopping: Callable[[], None]) -> Data:
        """Prepare every case that the cache lacks; see `Source.prepare`."""
        if self.problem is not None:
            raise self.problem
        options = options_of(self.study)
        where = local_copy.below(str(root), "cache")
        on_event(Step(f"preparing {len(self.files)} cases"))
        records = _records(self, options, where, on_event, stopping)
        problems = [found for found in records.values() if isinstance(found, str)]
        made = [found for found in records.values() if isinstance(found, CaseRecord)]
        problems += inspect.across([record.facts for record in made], options)
        problems += misfits(self.study, [record.facts for record in made])
        if problems:
            raise SpecError("dataset", problems)
        splits = self.divided([record.facts for record in made])
        if problems := not_judged(self.study, [record.facts for record in made], splits):
            raise SpecError(self.study.name, problems)
        index = (mirror if is_url(where) else cache).write_index(where, made, options)
        cases = tuple(
            Case(
                name=record.name,
                group=self.group[record.name],
                splits=tuple(roles[record.name] for roles in splits),
                facts=record.facts.plain(),
            )
            for record in made
        )
        scales = _scales(index, splits) if options.scaled_by_training else ()
        return Data(str(index), digests.of_contents({record.name: record.content for record in made}), cases, scales)


def find(study: Study, tell: OnEvent = ignore) -> FoundCases:
    """Find a study's cases, copying data at a URL first, and divide them. No case is opened.

    Args:
        study: The study as its file describes it.
        tell: Receives events about data that are copied.

    Raises:
        InputError: There is no folder, an image lacks its mask, a name matches no group, …
    """
    if study.dataset.path is None:
        raise InputError(f"{study.name}: no data: give --data DIR, or `dataset.path` in the study file")
    fetch(study, tell)
    files = tuple(files_of(study))
    grouped = patient_groups.grouped(study, files)
    try:
        patient_groups.refuse_unsaid(study, files)
        splits = divide(study, files, grouped)
    except InputError as error:
        return FoundCases(study, files, dict(grouped), (), error)
    return FoundCases(with_folds(study, len(splits)), files, dict(grouped), splits)


def _scales(index: str | pathlib.Path, splits: Sequence[Mapping[str, Role]]) -> tuple[Scales, ...]:
    """Return the intensity scales of each fold's training cases."""
    dataset = cache.Dataset.open(index)
    return tuple(
        scaling.training_scales(
            [case for name, case in dataset.cases.items() if roles[name] == "train"], dataset.options
        )
        for roles in splits
    )


def _records(
    found: FoundCases, options: PreprocessOptions, where: str, on_event: OnEvent, stopping: Callable[[], None]
) -> dict[str, CaseRecord | str]:
    """Return the record of each case, or what is wrong with it, in the order of the files."""
    import ray

    task = ray.remote(num_cpus=1, max_retries=3)(_prepare)
    url = found.study.dataset.path
    origins = remote.of_cases(url, found.files) if url is not None and is_url(url) else {}
    ahead = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
    results: dict[str, CaseRecord | str] = {case.name: "not prepared" for case in found.files}
    waiting = list(reversed(found.files))
    running: dict[Any, str] = {}
    done = 0
    while waiting or running:
        while waiting and len(running) < ahead:
            case = waiting.pop()
            reference = task.remote(case, options, where, found.group[case.name], origins.get(case.name))
            running[reference] = case.name
        stopping()
        for finished in ray.wait(list(running), timeout=POLL)[0]:
            name = running.pop(finished)
            results[name] = ray.get(finished)
            done += 1
            on_event(Prepared(name, done, len(found.files)))
    return results


def _prepare(
    case: CaseFiles, options: PreprocessOptions, where: str, group: str, origin: Remote | None = None
) -> CaseRecord | str:
    """Prepare a case on a worker. Wrong input is returned, not raised, so that all problems are reported together."""
    import torch

    torch.set_num_threads(1)  # the number that Ray reserves for it
    try:
        case = case if origin is None else remote.here(case, origin)
        prepare_case = mirror.prepare_case if is_url(where) else cache.prepare_case
        return prepare_case(case, options, where, group, verify=True)
    except InputError as error:
        return str(error)
