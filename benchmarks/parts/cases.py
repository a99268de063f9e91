"""Writes cases from memory into a cache on disk, as `segstudy run` does with those of a study."""

import pathlib
from collections.abc import Sequence

import numpy as np

from trainables.data.cache import cache
from trainables.data.cases.case import Case
from trainables.data.cases.label_values import parse_all
from trainables.data.cases.options import PreprocessOptions
from trainables.data.inspecting.inspect import CaseFacts
from trainables.data.phantom import phantom
from trainables.data.preparing import preprocess
from trainables.storage import whole_files


def in_the_cache(folder: pathlib.Path, made: Sequence[tuple[np.ndarray, np.ndarray]], step: float) -> cache.Dataset:
    """Prepares images in HU and their labels by the real preprocessing; returns them as memory-mapped arrays."""
    dim = made[0][0].ndim
    how = PreprocessOptions(dim=dim, labels=parse_all(phantom.LABELS), spacing="native", clip=(-160.0, 240.0))
    records = []
    for number, (hu, labels) in enumerate(made):
        done = preprocess.prepare(Case(hu[None], labels, (step,) * dim, ()), how)
        names = ("image", "label", "foreground", "reference", "grey")
        facts = {
            "spacing": done.spacing,
            "reference_spacing": done.reference_spacing,
            "padding": done.padding,
            "foreground_counts": done.foreground_counts,
            "box": None,
        }
        entry = whole_files.write_entry(folder / "entries", {name: getattr(done, name) for name in names}, facts)
        name = f"c{number:02d}"
        records.append(cache.CaseRecord(name=name, entry=entry, facts=_facts(name, hu.shape, step)))
    return cache.Dataset.open(cache.write_index(folder, records, how))


def _facts(name: str, shape: tuple[int, ...], step: float) -> CaseFacts:
    """Returns the facts that an index requires of a case; the benchmarks read only the spacing."""
    return CaseFacts(
        name=name,
        group=name,
        channels=1,
        shape=shape,
        spacing=(step,) * len(shape),
        prepared_shape=shape,
        intensities=((0.0, 1.0),),
        quantiles=((0.0, 0.5, 1.0),),
        voxels={},
        lesions={},
        ceilings={},
        content="",
        warnings=(),
    )
