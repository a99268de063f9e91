"""From a study file to arguments of the data code: the files of its cases and the options of preprocessing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from study.cases.splits import natural
from study.in_words import counted
from study.study_file import Study
from study.study_file.dataset import label_rule
from trainables.data.cases.area import Crop, Roi
from trainables.data.cases.label_values import parse, parse_all
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding import layouts, remote
from trainables.data.finding.known_layouts import channel_names
from trainables.data.finding.layouts import CaseFiles
from trainables.data.inspecting.inspect import CaseFacts


def root_of(study: Study) -> Path:
    """Return the folder of the study's data on this machine; for data at a URL, of their copy (`fetch`)."""
    assert study.dataset.path is not None
    return remote.folder(study.dataset.path)


def files_of(study: Study) -> list[CaseFiles]:
    """Find the study's cases, sorted by name; only the first ones if the file has a `limit`.

    Raises:
        InputError: There is no folder, an image lacks its mask or its region of interest, …
    """
    dataset = study.dataset
    roi = dataset.roi if isinstance(dataset.roi, str) else None
    found = layouts.find(root_of(study), dataset.images, dataset.masks, dataset.exclude, roi)
    kept = sorted((case.name for case in found), key=natural)[: dataset.limit]
    return [case for case in found if case.name in set(kept)]


def fields(study: Study) -> dict[str, Any]:
    """Return the keyword arguments of `PreprocessOptions` from the sections `dataset`, `patch` and `preprocess`."""
    dataset, preprocess = study.dataset, study.preprocess
    how = preprocess.normalize
    return {
        "dim": study.dim,
        "labels": parse_all(dataset.labels),
        "other_labels": dataset.other_labels,
        "ignore": tuple(parse("", rule) for rule in dataset.ignore),
        "regions": study.regions,
        "colour": dataset.colour,
        "roi": _roi(study),
        "crop": _crop(study),
        "spacing": preprocess.spacing,
        "outside_roi": preprocess.outside_roi,
        "clip": preprocess.limits,
        "percentiles": preprocess.percentiles,
        "normalize": tuple(how[name] for name in dataset.images) if isinstance(how, dict) else how,
        "pad": preprocess.pad,
        "unshear": preprocess.unshear,
        "components": study.needs_components,
    }


def misfits(study: Study, facts: Sequence[CaseFacts]) -> list[str]:
    """Return how cases contradict the study or its data's own description, one line each."""
    problems = []
    if study.patch.context:
        problems += [
            f"{fact.name}: flat, so it has no neighbouring slices. Leave `patch.context` out, or exclude the case."
            for fact in facts
            if len(fact.shape) == 2
        ]
    if "volume_error" in (study.objective.metric, *study.report.metrics):
        problems += [
            f"{fact.name}: flat, so it has no volume in mL for volume_error. Give volume_bias, or leave it out."
            for fact in facts
            if len(fact.shape) == 2
        ]
    dataset = study.dataset
    names = channel_names(root_of(study)) if dataset.images is None and dataset.path is not None else ()
    problems += [
        f"{fact.name}: {counted(fact.channels, 'channel')} in the image, dataset.json names {len(names)} "
        f"({', '.join(names)}). Copy the image again, or correct the list."
        for fact in facts
        if names and fact.channels != len(names)
    ]
    return problems


def notices(study: Study) -> Iterator[str]:
    """Yield facts about selection and cropping of cases that a reader must know."""
    if study.dataset.limit is not None:
        yield f"only the first {counted(study.dataset.limit, 'case')} are used (dataset.limit): a trial run, no result"
    crop, roi = study.preprocess.crop, study.dataset.roi
    by_reference = isinstance(roi, dict)
    if crop is not None and (crop.to == "reference" or (crop.to == "roi" and by_reference)):
        label = crop.label if crop.to == "reference" else roi["label"]
        yield f"oracle crop: each case is cut to {label!r} in its own reference, which a new case does not have"
    if by_reference:
        yield f"oracle region: only {roi['label']!r} of each case's own reference is scored, which a new case lacks"


def _roi(study: Study) -> Roi | None:
    roi = study.dataset.roi
    if roi is None:
        return None
    if isinstance(roi, str):
        return Roi()
    return Roi(rule=label_rule(roi["label"], study.dataset.labels)) if isinstance(roi, dict) else Roi(box=roi)


def _crop(study: Study) -> Crop | None:
    crop = study.preprocess.crop
    if crop is None:
        return None
    rule = None if crop.label is None else label_rule(crop.label, study.dataset.labels)
    return Crop(to=crop.to, rule=rule, margin=crop.margin)


def options_of(study: Study) -> PreprocessOptions:
    """Return the options of preprocessing the study's cases."""
    return PreprocessOptions(**fields(study))
