"""Cache keys: one digest of all inputs of a case's facts and arrays."""

import functools
import json
import pathlib

from trainables.data.cases import digests
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.layouts import CaseFiles

DECIDING = (
    "cases.area",
    "cases.case",
    "cases.coding",
    "cases.labels",
    "cases.options",
    "inspecting.inspect",
    "inspecting.measure",
    "preparing.components",
    "preparing.normalization",
    "preparing.preprocess",
    "preparing.resample",
    "reading.axes",
    "reading.bounded",
    "reading.contours",
    "reading.dicom",
    "reading.dicom_kinds",
    "reading.dicom_objects",
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
    "reading.onto_grid",
    "reading.parts",
    "reading.raw",
    "reading.readers",
    "reading.rtstruct",
    "reading.segments",
    "reading.shear",
    "reading.stacks",
    "reading.units",
    "reading.volume",
)
"""Modules below `trainables.data` whose code decides a case's facts and arrays.

Named and not imported, since some of them import this module.
"""


def key(files: CaseFiles, how: PreprocessOptions, root: pathlib.Path) -> str:
    """Return the digest of a case's file contents, the options and the code. The case's name and place do not count.

    Args:
        files: The case.
        how: What is done to it.
        root: Cache folder in which the digests of files are remembered.

    Raises:
        InputError: A file cannot be read.
    """
    content = [digests.of_case(files, root), how.plain(), code_version()]
    return digests.of_text(json.dumps(content, sort_keys=True))


@functools.cache
def code_version() -> str:
    """Return the digest of the code that decides an entry's content."""
    return digests.of_code(f"trainables.data.{module}" for module in DECIDING)
