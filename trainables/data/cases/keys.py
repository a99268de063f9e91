"""Cache keys: one digest of all inputs of a case's facts and arrays."""

import functools
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from trainables.data.cases import digests
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.layouts import CaseFiles
from trainables.data.reading.readers import short
from trainables.errors import InputError

Made = TypeVar("Made")
ATTEMPTS = 3

DECIDING = (
    "cases.area",
    "cases.case",
    "cases.coding",
    "cases.label_values",
    "cases.options",
    "inspecting.inspect",
    "inspecting.measure",
    "preparing.components",
    "preparing.normalization",
    "preparing.preprocess",
    "preparing.resample",
    "reading.axes",
    "reading.bounded",
    "reading.dicom.contours",
    "reading.dicom.frames",
    "reading.dicom.kinds",
    "reading.dicom.objects",
    "reading.dicom.onto_grid",
    "reading.dicom.series",
    "reading.dicom.structures",
    "reading.flat.deep",
    "reading.flat.opened",
    "reading.flat.orientation",
    "reading.flat.pixels",
    "reading.flat.png",
    "reading.flat.transparency",
    "reading.flat_pictures",
    "reading.metaimage",
    "reading.mgh",
    "reading.minc",
    "reading.nifti",
    "reading.nifti_place",
    "reading.nrrd",
    "reading.nrrd_place",
    "reading.parts",
    "reading.quiet",
    "reading.raw",
    "reading.readers",
    "reading.segments",
    "reading.shear",
    "reading.stacks",
    "reading.units",
    "reading.volume",
)
"""Modules below `trainables.data` whose code decides a case's facts and arrays.

Named and not imported, since some of them import this module.
"""


def key_of(content: Sequence[str], how: PreprocessOptions) -> str:
    """Return the digest of a case's file contents, the options and the code. Its name and place do not count.

    Args:
        content: `digests.of_case` of its files.
        how: Preprocessing of the case.
    """
    return digests.of_text(json.dumps([tuple(content), how.plain(), code_version()], sort_keys=True))


def steady(files: CaseFiles, root: pathlib.Path, work: Callable[[], Made]) -> tuple[tuple[str, ...], Made]:
    """Call a function that reads a case, again where its files change meanwhile, so that the result is of one content.

    Args:
        files: The case.
        root: Cache folder in which the digests of files are remembered.
        work: Reads the files.

    Returns:
        `digests.of_case` of the files before and after, and the function's result.

    Raises:
        InputError: `work` raised it on files that did not change, or they changed each time.
    """
    content = digests.of_case(files, root)
    for _ in range(ATTEMPTS):
        made, error = _tried(work)
        before, content = content, digests.of_case(files, root)
        if content == before:
            if error is not None:
                raise error
            return content, cast(Made, made)
    raise InputError(
        f"{short(files.mask)}: its case changes while it is read, {ATTEMPTS} times in a row. Wait until it is copied."
    )


def _tried(work: Callable[[], Made]) -> tuple[Made | None, InputError | None]:
    try:
        return work(), None
    except InputError as error:
        return None, error


@functools.cache
def code_version() -> str:
    """Return the digest of the code that decides an entry's content."""
    return digests.of_code(f"trainables.data.{module}" for module in DECIDING)
