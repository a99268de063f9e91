"""Readers: one file, or one folder with a DICOM series → an array as stored. One function a format."""

import contextlib
import gzip
import pathlib
import zlib
from collections.abc import Callable, Iterator

from trainables.data.reading import itk, parts
from trainables.data.reading.flat_pictures import LOSSY as LOSSY
from trainables.data.reading.flat_pictures import read_picture
from trainables.data.reading.itk import read_metaimage, read_nrrd
from trainables.data.reading.nifti import read_nifti
from trainables.data.reading.raw import Colour as Colour
from trainables.data.reading.raw import Raw as Raw
from trainables.data.reading.raw import short as short
from trainables.errors import InputError


def read(path: pathlib.Path, *, colour: Colour = "grey") -> Raw:
    """Any supported file, or the DICOM series in a folder.

    Args:
        path: A file whose ending is one of `READERS`, or a folder of slices.
        colour: What becomes of a picture's colours: `grey`; `channels`, red, green and blue; `refuse`, for a mask,
            which keeps palette indices.

    Raises:
        InputError: It is missing, empty, truncated, damaged, or of an unknown kind.
    """
    with _said_plainly(path):
        if path.is_dir():
            return itk.read_series(path)
        if path.exists() and not path.is_file():
            raise InputError(f"{short(path)}: no ordinary file (a pipe, a device or a socket). Take it away.")
        ending = suffix(path)
        if ending is None:
            raise InputError(f"{short(path)}: unknown kind of file. Known are {', '.join(READERS)}.")
        return READERS[ending](path, colour)


def suffix(path: pathlib.Path) -> str | None:
    """The ending that names the format, such as `.nii.gz`; None where no reader knows it."""
    name = path.name.lower()
    return next((ending for ending in READERS if name.endswith(ending)), None)


def stem(path: pathlib.Path) -> str:
    """The file's name without that ending; a folder's whole name."""
    return path.name if path.is_dir() else path.name[: -len(suffix(path) or path.suffix) or None]


def is_image(path: pathlib.Path) -> bool:
    """Whether it is a file of a known kind, or a folder that holds DICOM slices."""
    return parts.is_series(path) if path.is_dir() else suffix(path) is not None


@contextlib.contextmanager
def _said_plainly(path: pathlib.Path) -> Iterator[None]:
    """What goes wrong inside a format's library, as one line about the file."""
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
    except Exception as error:  # each library has errors of its own for bytes that it cannot read
        if path.stat().st_size == 0:
            raise InputError(f"{short(path)}: the file is empty. Copy it again.") from None
        raise InputError(f"{short(path)}: cannot be read ({_one_line(error)}). Is it damaged?") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


Reader = Callable[[pathlib.Path, Colour], Raw]
READERS: dict[str, Reader] = {
    ".nii.gz": read_nifti,
    ".nii": read_nifti,
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
    ".gif": read_picture,
}
"""Ending → reader; the longer ending of two comes first."""
