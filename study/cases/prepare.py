"""A study's data made ready: cases found and split at once, then prepared by Ray tasks into the cache."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from study.cases import patient_groups
from study.cases.from_study_file import files_of, misfits, options_of
from study.cases.judged import not_judged
from study.cases.roles import divide
from study.cases.splits import Role
from study.events import OnEvent, Prepared, Step
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
from trainables.errors import InputError
from trainables.storage.object_store import is_url

PATIENCE = 0.5  # seconds between looks whether the run is to stop
AHEAD = 4  # tasks handed to Ray for each CPU


class Source(Protocol):
    """Where a study's data come from; a test may put none in its place."""

    def prepare(self, root: str | pathlib.Path, on_event: OnEvent, stopping: Callable[[], None]) -> Data:
        """Makes the data ready, with a running Ray.

        Args:
            root: Folder that all nodes see, or an object store's URL.
            on_event: Hears how far it is.
            stopping: Called now and then; raises to stop.

        Raises:
            InputError: With all that is wrong with the cases.
        """


@dataclasses.dataclass(frozen=True)
class FoundCases:
    """The cases of a study's folder, not opened yet.

    Attributes:
        study: Whose they are.
        files: By name.
        group: Case → group.
        options: What preprocessing does to them.
    """

    study: Study
    files: tuple[CaseFiles, ...]
    group: Mapping[str, str]
    options: PreprocessOptions

    def prepare(self, root: str | pathlib.Path, on_event: OnEvent, stopping: Callable[[], None]) -> Data:
        """Prepares every case that the cache lacks; see `Source.prepare`."""
        where = local_copy.below(str(root), "cache")
        on_event(Step(f"preparing {len(self.files)} cases"))
        records = _records(self, where, on_event, stopping)
        problems = [found for found in records.values() if isinstance(found, str)]
        made = [found for found in records.values() if isinstance(found, CaseRecord)]
        problems += inspect.across([record.facts for record in made], self.options)
        problems += misfits(self.study, [record.facts for record in made])
        if problems:
            raise SpecError("dataset", problems)
        splits = divide(self.study, self.files, list(self.group.items()), [record.facts for record in made])
        if problems := not_judged(self.study, [record.facts for record in made], splits):
            raise SpecError(self.study.name, problems)
        index = (mirror if is_url(where) else cache).write_index(where, made, self.options)
        cases = tuple(
            Case(
                name=record.name,
                group=self.group[record.name],
                splits=tuple(roles[record.name] for roles in splits),
                facts=record.facts.plain(),
            )
            for record in made
        )
        scales = _scales(index, splits) if self.options.scaled_by_training else ()
        return Data(str(index), digests.of_dataset(self.files, local_copy.local_folder(where)), cases, scales)


def find(study: Study) -> FoundCases:
    """Finds a study's cases and their groups, and sees that they can be split; opens none.

    Raises:
        InputError: There is no folder, an image lacks its mask, a split is empty, …
    """
    dataset = study.dataset
    if dataset.path is None:
        raise InputError(f"{study.name}: no data: give --data DIR, or `dataset.path` in the study file")
    files = files_of(study)
    grouped = patient_groups.grouped(study, files)
    if (problem := patient_groups.unsaid(study, files)) is not None:
        raise SpecError(study.name, [problem])
    divide(study, files, grouped)  # what is wrong with the split is said before anything is prepared
    return FoundCases(study, tuple(files), dict(grouped), options_of(study))


def _scales(index: str | pathlib.Path, splits: Sequence[Mapping[str, Role]]) -> tuple[Scales, ...]:
    """For each fold the scales of its own training cases."""
    dataset = cache.Dataset.open(index)
    return tuple(
        scaling.training_scales(
            [case for name, case in dataset.cases.items() if roles[name] == "train"], dataset.options
        )
        for roles in splits
    )


def _records(
    found: FoundCases, where: str, on_event: OnEvent, stopping: Callable[[], None]
) -> dict[str, CaseRecord | str]:
    """Case → what was made of it, or what is wrong with it; in the order of the files."""
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
            reference = task.remote(case, found.options, where, found.group[case.name], origins.get(case.name))
            running[reference] = case.name
        stopping()
        for finished in ray.wait(list(running), timeout=PATIENCE)[0]:
            name = running.pop(finished)
            results[name] = ray.get(finished)
            done += 1
            on_event(Prepared(name, done, len(found.files)))
    return results


def _prepare(
    case: CaseFiles, options: PreprocessOptions, where: str, group: str, origin: Remote | None = None
) -> CaseRecord | str:
    """Runs on a worker; what is wrong with a case is a result, so that all of it can be said at once."""
    import torch

    torch.set_num_threads(1)  # what Ray counts for it
    try:
        case = case if origin is None else remote.here(case, origin)
        prepare_case = mirror.prepare_case if is_url(where) else cache.prepare_case
        return prepare_case(case, options, where, group, verify=True)
    except InputError as error:
        return str(error)
