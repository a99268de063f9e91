"""Keys: a name for everything that a case's facts and arrays follow from, so that they can be found again."""

import functools
import json
import pathlib

from trainables.data import digests
from trainables.data.layouts import CaseFiles
from trainables.data.options import PreprocessOptions

DECIDING = (
    "area",
    "case",
    "components",
    "geometry",
    "inspect",
    "itk",
    "labels",
    "metaimage",
    "measure",
    "nifti",
    "normalization",
    "options",
    "pictures",
    "preprocess",
    "raw",
    "readers",
    "resample",
    "thinning",
    "volume",
)
"""Modules whose code decides what comes out; named, not imported, since some of them look things up by key."""


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
    return digests.of_code(pathlib.Path(__file__).with_name(f"{module}.py") for module in DECIDING)
