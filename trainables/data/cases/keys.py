"""Keys: a name for everything that a case's facts and arrays follow from, so that they can be found again."""

import functools
import json
import pathlib

from trainables.data.cases import digests
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.layouts import CaseFiles

DECIDING = (
    "cases.area",
    "cases.case",
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
    "reading.dicom.contours",
    "reading.dicom.series",
    "reading.dicom.frames",
    "reading.dicom.kinds",
    "reading.dicom.objects",
    "reading.flat_pictures",
    "reading.metaimage",
    "reading.mgh",
    "reading.minc",
    "reading.nifti",
    "reading.nifti_place",
    "reading.nrrd",
    "reading.nrrd_place",
    "reading.dicom.onto_grid",
    "reading.parts",
    "reading.raw",
    "reading.readers",
    "reading.dicom.structures",
    "reading.segments",
    "reading.shear",
    "reading.stacks",
    "reading.units",
    "reading.volume",
)
"""Modules below `trainables.data` whose code decides what comes out.

Named and not imported, since some of them look things up by key.
"""


def key(files: CaseFiles, how: PreprocessOptions, root: pathlib.Path) -> str:
    """Digest of the content of a case's files, of the options and of the code. Its name and place do not matter.

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
    """Digest of the code that decides an entry's content."""
    return digests.of_code(f"trainables.data.{module}" for module in DECIDING)
