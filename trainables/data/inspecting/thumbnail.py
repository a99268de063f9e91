"""Thumbnails for `check --html`: the slice of a case with the most foreground, grey, with its class indices."""

import base64
import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from trainables.data.cases import digests, keys
from trainables.data.cases.case import Case, read_for
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.layouts import CaseFiles
from trainables.data.inspecting.measure import quantiles
from trainables.data.inspecting.threads import in_threads
from trainables.pictures import previews
from trainables.storage import whole_files

LONGEST = 192
"""Pixels of the longer side."""
DECIDING = (__name__, previews.__name__)
"""Modules whose code decides a thumbnail, beside those of `keys.DECIDING`."""


@dataclasses.dataclass(frozen=True, eq=False)
class Thumbnail:
    """One slice, in square pixels: front at the top, the patient's right on the left.

    Attributes:
        index: Index of the slice along z; None in 2D.
        grey: uint8 `(rows, columns)`, between the study's `clip` or the case's 0.5th and 99.5th percentile.
        labels: uint8 class indices, likewise.
    """

    index: int | None
    grey: np.ndarray
    labels: np.ndarray

    def plain(self) -> dict[str, Any]:
        """JSON-able."""
        planes = {name: base64.b64encode(getattr(self, name).tobytes()).decode() for name in ("grey", "labels")}
        return {"index": self.index, "shape": list(self.grey.shape), **planes}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `plain`."""
        grey, labels = (
            np.frombuffer(base64.b64decode(data[name]), np.uint8).reshape(data["shape"]) for name in ("grey", "labels")
        )
        return cls(data["index"], grey, labels)


def thumbnail(case: Case, clip: tuple[float, float] | None) -> Thumbnail:
    """Make the thumbnail of a case: the slice with most of its reference, or the middle one if it is empty.

    Args:
        case: The case; its first channel is shown.
        clip: Lowest and highest intensity shown; None: the case's 0.5th and 99.5th percentile.
    """
    image, labels = case.image[0], case.reference
    low, high = quantiles(image)[::2] if clip is None else clip
    index, spacing = None, case.spacing or (1.0,) * labels.ndim
    if labels.ndim == 3:
        index = previews.fullest_slice(labels)
        image, labels = np.flip(image[index]), np.flip(labels[index])
    lengths = [n * s / min(spacing[-2:]) for n, s in zip(labels.shape, spacing[-2:], strict=True)]
    rows, columns = (max(1, round(length * min(1.0, LONGEST / max(lengths)))) for length in lengths)
    grey = np.rint(np.clip((image - low) / max(high - low, 1e-30), 0, 1) * 255).astype(np.uint8)
    return Thumbnail(index, previews.smooth(grey, (rows, columns)), previews.nearest(labels, (rows, columns)))


def of_cases(
    cases: Sequence[CaseFiles], options: PreprocessOptions, *, workers: int = 1, memory: pathlib.Path | None = None
) -> dict[str, Thumbnail]:
    """Make the thumbnails of cases, by name.

    Args:
        cases: Cases that `inspect` found nothing wrong with.
        options: How they are read.
        workers: Threads, each with one case in memory.
        memory: The cache's folder, where thumbnails are remembered by content; None: nothing is remembered.

    Raises:
        InputError: A case cannot be read any more.
    """
    make = functools.partial(_remembered, options=options, memory=memory)
    return dict(zip((case.name for case in cases), in_threads(make, cases, workers), strict=True))


def _remembered(files: CaseFiles, options: PreprocessOptions, memory: pathlib.Path | None) -> Thumbnail:
    if memory is None:
        return thumbnail(read_for(files, options), options.clip)
    place = _place(digests.of_case(files, memory), options, memory)
    with contextlib.suppress(KeyError, TypeError, ValueError):  # damaged: as if it were not there
        if (known := whole_files.read_json(place)) is not None:
            return Thumbnail.from_plain(known)
    content, made = keys.steady(files, memory, lambda: thumbnail(read_for(files, options), options.clip))
    whole_files.write_json(_place(content, options, memory), made.plain())
    return made


def _place(content: Sequence[str], options: PreprocessOptions, memory: pathlib.Path) -> pathlib.Path:
    name = digests.of_text(keys.key_of(content, options) + digests.of_code(DECIDING))
    return memory / "thumbnails" / f"{name}.json"
