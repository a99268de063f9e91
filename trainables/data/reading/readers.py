"""Registry of readers, one function a format: a file, or a folder with a DICOM series, to an array as stored."""

import contextlib
import gzip
import pathlib
import zlib
from collections.abc import Callable, Iterator

from trainables.data.reading import itk, parts
from trainables.data.reading.flat_pictures import LOSSY as LOSSY
from trainables.data.reading.flat_pictures import read_picture
from trainables.data.reading.metaimage import read_metaimage
from trainables.data.reading.nifti import read_nifti, read_pair
from trainables.data.reading.nrrd import read_nrrd
from trainables.data.reading.raw import Colour as Colour
from trainables.data.reading.raw import Raw as Raw
from trainables.data.reading.raw import short as short
from trainables.errors import InputError


def read(path: pathlib.Path, *, colour: Colour = "grey") -> Raw:
    """Read any supported file, or the DICOM series in a folder.

    Args:
        path: A file whose ending is one of `READERS`, or a folder of slices.
        colour: Treatment of a picture's colours: `grey`; `channels`, red, green and blue; `refuse`, for a mask,
            which keeps palette indices.

    Raises:
        InputError: It is missing, empty, truncated, damaged, or of an unknown kind.
    """
    with _errors_in_one_line(path):
        if path.is_dir():
            return itk.read_series(path)
        ending = suffix(path)
        if ending is None:
            raise InputError(f"{short(path)}: unknown kind of file. Known are {', '.join(READERS)}.")
        return READERS[ending](path, colour)


def suffix(path: pathlib.Path) -> str | None:
    """Return the ending that names the format, such as `.nii.gz`; None if there is no reader for it."""
    name = path.name.lower()
    return next((ending for ending in READERS if name.endswith(ending)), None)


def stem(path: pathlib.Path) -> str:
    """Return the file's name without that ending; the whole name of a folder."""
    return path.name if path.is_dir() else path.name[: -len(suffix(path) or path.suffix) or None]


def is_image(path: pathlib.Path) -> bool:
    """Return whether it is a file of a known format, or a folder that holds DICOM slices."""
    return parts.is_series(path) if path.is_dir() else suffix(path) is not None


@contextlib.contextmanager
def _errors_in_one_line(path: pathlib.Path) -> Iterator[None]:
    """Convert errors of format libraries to one line that names the file."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{short(path)}: no such file.") from None
    except PermissionError:
        raise InputError(f"{short(path)}: no permission to read it.") from None
    except MemoryError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{short(path)}: truncated or damaged gzip ({_one_line(error)}). Copy it again.") from error
    except Exception as error:  # each library raises its own error types for damaged bytes
        if path.stat().st_size == 0:
            raise InputError(f"{short(path)}: the file is empty. Copy it again.") from None
        raise InputError(f"{short(path)}: cannot be read ({_one_line(error)}). Is it damaged?") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


Reader = Callable[[pathlib.Path, Colour], Raw]
READERS: dict[str, Reader] = {
    ".nii.gz": read_nifti,
    ".nii": read_nifti,
    ".hdr.gz": read_pair,
    ".hdr": read_pair,
    ".img.gz": read_pair,
    ".img": read_pair,
    ".mha": read_metaimage,
    ".mhd": read_metaimage,
    ".nrrd": read_nrrd,
    ".nhdr": read_nrrd,
    ".png": read_picture,
    ".jpg": read_picture,
    ".jpeg": read_picture,
    ".tif": read_picture,
    ".tiff": read_picture,
    ".bmp": read_picture,
}
"""Ending → reader; the longer ending of two comes first."""
