"""Inspection: reads each case completely, collects its facts, and reports every problem of a dataset at once."""

import collections
import contextlib
import dataclasses
import functools
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from trainables.data.cases import digests, keys
from trainables.data.cases.case import Case, read_for
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.layouts import CaseFiles
from trainables.data.inspecting import measure
from trainables.data.inspecting.threads import in_threads
from trainables.data.preparing import memory, preprocess
from trainables.data.reading import readers
from trainables.errors import InputError
from trainables.storage import whole_files


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaseFacts:
    """Facts of a case that `check` shows. Plain data, JSON-able by `plain`.

    Attributes:
        name: The case's name.
        group: Cases of one group are one patient: split together.
        channels: Number of image channels.
        shape: Voxels of the original grid, `[z, y, x]` or `[y, x]`.
        spacing: mm along the same axes; None where the files do not say.
        prepared_shape: Voxels of the training grid.
        intensities: Lowest and highest intensity of each channel, as stored (after the file's own scaling).
        quantiles: For each channel the 0.5th, 50th and 99.5th percentile.
        voxels: Label → number of voxels in the reference.
        lesions: Region → voxels of each of its connected components in the reference, the largest first.
        ceilings: Region → Dice of the reference sent to the training grid and back; None where it has none.
        content: Digest of the image's voxels: two cases with one are the same image.
        mask_values: Different values of the mask other than 0, rising; the first 16.
        scored_voxels: Voxels that are scored: not ignored and inside the region of interest.
        centres: Label → its centre of mass in the reference along each axis, in [0, 1]; without labels that it lacks.
        warnings: Warnings, one line each, without the case's name.
    """

    name: str
    group: str
    channels: int
    shape: tuple[int, ...]
    spacing: tuple[float, ...] | None
    prepared_shape: tuple[int, ...]
    intensities: tuple[tuple[float, float], ...]
    quantiles: tuple[tuple[float, ...], ...]
    voxels: Mapping[str, int]
    lesions: Mapping[str, tuple[int, ...]]
    ceilings: Mapping[str, float | None]
    content: str
    warnings: tuple[str, ...]
    mask_values: tuple[float, ...] = ()
    scored_voxels: int = 1
    centres: Mapping[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)

    @property
    def voxel_volume(self) -> float | None:
        """mm³ of a voxel of the original grid, mm² in 2D; None where the files do not say."""
        return None if self.spacing is None else math.prod(self.spacing)

    def plain(self) -> dict[str, Any]:
        """As JSON-able data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `plain`, also after a journey through JSON."""
        given = dict(data)
        for name in ("shape", "prepared_shape", "warnings"):
            given[name] = tuple(given[name])
        given["spacing"] = None if given["spacing"] is None else tuple(given["spacing"])
        given["intensities"] = tuple((low, high) for low, high in given["intensities"])
        given["quantiles"] = tuple(tuple(values) for values in given["quantiles"])
        given["mask_values"] = tuple(given.get("mask_values", ()))
        given["centres"] = {label: tuple(centre) for label, centre in given.get("centres", {}).items()}
        given["lesions"] = {region: tuple(sizes) for region, sizes in given["lesions"].items()}
        return cls(**given)


@dataclasses.dataclass(frozen=True)
class Inspection:
    """Facts of a dataset's cases, and its problems.

    Attributes:
        facts: Facts of the cases that could be read, in the order given.
        problems: One line each; training starts only when there are none.
        warnings: One line each, beginning with the case's name.
    """

    facts: tuple[CaseFacts, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def inspect(files: CaseFiles, options: PreprocessOptions, group: str | None = None) -> CaseFacts:
    """Read a case, check it and return its facts.

    Args:
        files: The case.
        options: Its labels, regions and voxel size.
        group: Its group; None where each case is its own.

    Raises:
        InputError: Something is wrong with it: one line that begins with the file.
    """
    case = read_for(files, options)
    return facts_of(files, case, options, training_label(files, case, options), group)


def training_label(files: CaseFiles, case: Case, options: PreprocessOptions) -> np.ndarray:
    """Call `preprocess.training_label` with the file's name in its error."""
    try:
        preprocess.check_channels(case, options)
        memory.refuse_too_large(
            case.reference.shape,
            preprocess.training_shape(case, options),
            channels=len(case.image),
            classes=len(options.classes),
            spacing=options.spacing,
        )
        return preprocess.training_label(case, options)
    except InputError as error:
        raise InputError(f"{readers.short(files.images[0])}: {error}") from error


def facts_of(
    files: CaseFiles, case: Case, options: PreprocessOptions, label: np.ndarray, group: str | None = None
) -> CaseFacts:
    """Return the facts of a case that was read already; `label` is its `training_label`."""
    intensities = tuple((float(channel.min()), float(channel.max())) for channel in case.image)
    warnings = [*case.warnings]
    warnings += [f"channel {index} is constant" for index, (low, high) in enumerate(intensities) if low == high]
    reference = preprocess.scored_reference(case)
    voxels, centres = measure.labels_in(reference, options.classes)
    return CaseFacts(
        name=files.name,
        group=group or files.name,
        channels=len(case.image),
        shape=case.reference.shape,
        spacing=case.spacing,
        prepared_shape=label.shape,
        intensities=intensities,
        quantiles=tuple(measure.quantiles(channel) for channel in case.image),
        voxels=voxels,
        centres=centres,
        lesions=measure.lesion_sizes(reference, options.regions),
        ceilings=preprocess.ceilings(
            label, reference, options.regions, len(options.classes), box=case.box, excluded=case.excluded
        ),
        content=measure.content_digest(case.image),
        warnings=tuple(warnings),
        mask_values=case.mask_values,
        scored_voxels=reference.size if case.excluded is None else int(np.count_nonzero(~case.excluded)),
    )


def all_cases(
    cases: Sequence[CaseFiles],
    options: PreprocessOptions,
    groups: Mapping[str, str] | None = None,
    *,
    workers: int = 1,
    memory: pathlib.Path | None = None,
) -> Inspection:
    """Inspect every case; a bad one does not stop the others.

    Args:
        cases: Result of `layouts.find`.
        options: Labels, regions and voxel size.
        groups: Case → group; None where each case is its own.
        workers: Threads, each with one case in memory.
        memory: The cache's folder. Facts are looked up there, and put there, by the content of the files, the options
            and the code, so that unchanged files are not opened again. None opens all and writes nothing.
    """
    groups = groups or {}
    look = functools.partial(_attempt, options=options, groups=groups, memory=memory)
    results = in_threads(look, cases, workers)
    facts = tuple(result for result in results if isinstance(result, CaseFacts))
    problems = [str(result) for result in results if isinstance(result, InputError)]
    problems += across(facts, options)
    warnings = [f"{fact.name}: {warning}" for fact in facts for warning in (*fact.warnings, *_without_label(fact))]
    return Inspection(facts, tuple(problems), tuple(warnings))


def _attempt(
    files: CaseFiles, options: PreprocessOptions, groups: Mapping[str, str], memory: pathlib.Path | None
) -> CaseFacts | InputError:
    group = groups.get(files.name)
    try:
        if memory is None:
            return inspect(files, options, group)
        return remembered(files, options, memory, group)
    except InputError as error:
        return error


def remembered(
    files: CaseFiles, options: PreprocessOptions, memory: pathlib.Path, group: str | None = None
) -> CaseFacts:
    """Return the facts of a case, from the cache if the same content was inspected before, also under another name.

    Args:
        files: The case.
        options: Labels, regions and voxel size.
        memory: The cache's folder.
        group: The case's group; None where each case is its own.

    Raises:
        InputError: Something is wrong with the case; such a case is opened each time.
    """
    key = keys.key_of(digests.of_case(files, memory), options)
    for folder in ("facts", "keys"):  # looked at, or prepared
        known = whole_files.read_json(memory / folder / f"{key}.json")
        with contextlib.suppress(KeyError, TypeError, ValueError):  # damaged: as if it were not there
            if known is not None:
                plain = {**known["facts"], "name": files.name, "group": group or files.name}
                return _in_order(CaseFacts.from_plain(plain), options)
    content, facts = keys.steady(files, memory, functools.partial(inspect, files, options, group))
    whole_files.write_json(memory / "facts" / f"{keys.key_of(content, options)}.json", {"facts": facts.plain()})
    return facts


def _in_order(facts: CaseFacts, options: PreprocessOptions) -> CaseFacts:
    """Restore the study file's order of labels and regions, which files with sorted keys lose."""
    return dataclasses.replace(
        facts,
        voxels={label: facts.voxels[label] for label in options.classes[1:]},
        lesions={region: facts.lesions[region] for region in options.regions},
        ceilings={region: facts.ceilings[region] for region in options.regions},
    )


def across(facts: Sequence[CaseFacts], options: PreprocessOptions) -> list[str]:
    """Return problems that show only across cases, one line each: channel counts, labels that no case has."""
    if not facts:
        return []
    usual, _ = collections.Counter(fact.channels for fact in facts).most_common(1)[0]
    problems = [
        f"{fact.name}: {fact.channels} channels, most cases have {usual}. "
        "Re-export it, or list the case under `dataset.exclude`."
        for fact in facts
        if fact.channels != usual
    ]
    problems += _coded_otherwise(facts)
    problems += [
        f"dataset.labels: {label.name!r} ({label.operator}{label.value:g}) occurs in no case's mask. "
        "Check the value, or take the label out."
        for label in options.labels
        if not any(fact.voxels[label.name] for fact in facts)
    ]
    return problems


def _without_label(fact: CaseFacts) -> list[str]:
    """Return a note on a mask that is not empty, but in which no label is found."""
    if not fact.mask_values or any(fact.voxels.values()):
        return []
    return [f"its mask has values other than 0 ({_shown(fact.mask_values)}), but no label is found in it"]


def _coded_otherwise(facts: Sequence[CaseFacts]) -> list[str]:
    """Return problems of masks with one value that is no label, where each mask with a label has one other value.

    Such a set has one object, coded 0 and 1 in some files and 0 and 255 in others.
    """
    labelled = [fact for fact in facts if any(fact.voxels.values())]
    usual = {value for fact in labelled for value in fact.mask_values}
    if not labelled or any(len(fact.mask_values) != 1 for fact in labelled):
        return []
    return [
        f"{fact.name}: its mask has the value {_shown(fact.mask_values)}, which is no label; masks in which labels are "
        f"found, such as {labelled[0].name}'s, have {_shown(sorted(usual))}. Export it likewise, or exclude the case."
        for fact in facts
        if len(fact.mask_values) == 1 and not any(fact.voxels.values()) and usual.isdisjoint(fact.mask_values)
    ]


def _shown(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values[:4]) + (", …" if len(values) > 4 else "")
