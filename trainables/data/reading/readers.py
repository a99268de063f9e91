"""Registry of readers, one function a format: a file, or a folder with a DICOM series, to an array as stored."""

import contextlib
import gzip
import pathlib
import unicodedata
import zlib
from collections.abc import Callable, Iterator

from trainables.data.reading import parts
from trainables.data.reading.dicom.objects import read_dicom, read_folder
from trainables.data.reading.flat.opened import ENDINGS
from trainables.data.reading.flat_pictures import LOSSY as LOSSY
from trainables.data.reading.flat_pictures import read_picture
from trainables.data.reading.metaimage import read_metaimage
from trainables.data.reading.mgh import read_mgh
from trainables.data.reading.minc import read_minc
from trainables.data.reading.nifti import read_nifti, read_pair
from trainables.data.reading.nrrd import read_nrrd
from trainables.data.reading.raw import Colour as Colour
from trainables.data.reading.raw import Grid as Grid
from trainables.data.reading.raw import Raw as Raw
from trainables.data.reading.raw import short as short
from trainables.data.reading.stacks import read_tiff
from trainables.errors import InputError


def read(path: pathlib.Path, *, colour: Colour = "grey", grid: Grid | None = None) -> Raw:
    """Read any supported file, or the DICOM series in a folder.

    Args:
        path: A file whose ending is one of `READERS`, or a folder of slices.
        colour: Treatment of a picture's colours: `grey`; `channels`, red, green and blue; `refuse`, for a mask,
            which keeps palette indices.
        grid: The image that a mask of contours or single frames (RTSTRUCT, DICOM-SEG) is placed on.

    Raises:
        InputError: It is missing, empty, truncated, damaged, or of an unknown kind.
    """
    with _errors_in_one_line(path):
        if path.is_dir():
            return read_folder(path, grid)
        if path.exists() and not path.is_file():
            raise InputError(f"{short(path)}: no ordinary file (a pipe, a device or a socket). Take it away.")
        ending = suffix(path)
        if ending is None:
            raise InputError(f"{short(path)}: unknown kind of file. Known are {', '.join(READERS)}.")
        _refuse_other_content(path, ending)
        if ending == ".dcm":
            return read_dicom(path, colour, grid)
        return READERS[ending](path, colour)


def suffix(path: pathlib.Path) -> str | None:
    """Return the ending that names the format, such as `.nii.gz`; None if there is no reader for it."""
    name = path.name.lower()
    return next((ending for ending in READERS if name.endswith(ending)), None)


def stem(path: pathlib.Path) -> str:
    """Return the file's name without that ending; the whole name of a folder."""
    name = path.name if path.is_dir() else path.name[: -len(suffix(path) or path.suffix) or None]
    return composed(name)


def composed(name: str) -> str:
    """Return a name with its letters in composed form (NFC): macOS stores `ü` as `u` and two dots."""
    return unicodedata.normalize("NFC", name)


def is_image(path: pathlib.Path) -> bool:
    """Return whether it is a file of a known format, or a folder that holds DICOM slices."""
    if path.is_dir():
        return parts.is_series(path)
    return suffix(path) is not None and not _is_half(path)


def unread(path: pathlib.Path) -> bool:
    """Return whether a file is likely an image of a format that has no reader, by its ending."""
    return suffix(path) is None and path.name.lower().endswith(UNREAD)


def _is_half(path: pathlib.Path) -> bool:
    """Return whether a file is the voxels of a pair, whose header stands for both."""
    return path.name.lower().endswith((".img", ".img.gz")) and parts.pair_of(path)[0].exists()


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


def _refuse_other_content(path: pathlib.Path, ending: str) -> None:
    """Refuse a file whose first bytes are those of something else, naming what it is.

    Raises:
        InputError: It is a pointer to a file, a web page, an archive, or an image of another format.
    """
    with path.open("rb") as file:
        begin = file.read(256)
    if b"oid sha256:" in begin[:200] and begin.startswith(b"version "):
        raise InputError(f"{short(path)}: a pointer of Git LFS, not the file itself. Fetch it with `git lfs pull`.")
    if b"/annex/objects/" in begin:
        raise InputError(f"{short(path)}: a pointer of git-annex, not the file itself. Fetch it with `git annex get`.")
    if begin.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise InputError(f"{short(path)}: a web page, not the file itself: its download failed. Download it again.")
    begin = b"DICM" if begin[128:132] == b"DICM" else begin
    kind = next((kind for signature, kind in OTHER_CONTENT.items() if begin.startswith(signature)), None)
    if kind is not None and ending not in kind[1] and ending not in ENDINGS:
        raise InputError(f"{short(path)}: its content is {kind[0]}, unlike its name. Rename or convert it.")


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
    ".mgz": read_mgh,
    ".mgh.gz": read_mgh,
    ".mgh": read_mgh,
    ".mnc": read_minc,
    ".dcm": read_dicom,
    ".mha": read_metaimage,
    ".mhd": read_metaimage,
    ".seg.nrrd": read_nrrd,
    ".nrrd": read_nrrd,
    ".nhdr": read_nrrd,
    ".png": read_picture,
    ".jpg": read_picture,
    ".jpeg": read_picture,
    ".ome.tiff": read_tiff,
    ".ome.tif": read_tiff,
    ".tif": read_tiff,
    ".tiff": read_tiff,
    ".bmp": read_picture,
    ".gif": read_picture,
}
"""Ending → reader; the longer ending of two comes first."""
OTHER_CONTENT: dict[bytes, tuple[str, tuple[str, ...]]] = {
    b"\x89PNG": ("a PNG picture", ()),
    b"\xff\xd8\xff": ("a JPEG picture", ()),
    b"PK\3\4": ("a zip archive", ()),
    b"NRRD0": ("a NRRD", (".nrrd", ".nhdr", ".seg.nrrd")),
    b"DICM": ("DICOM", (".dcm",)),
    b"\x89HDF": ("HDF5", (".mnc",)),
    b"BZh": ("packed by bzip2", ()),
    b"\xfd7zXZ": ("packed by xz", ()),
    b"\x28\xb5\x2f\xfd": ("packed by zstd", ()),
}
"""First bytes → what they are, and the endings under which they are read. Flat pictures tell for themselves."""
UNREAD = (
    ".npy", ".npz", ".h5", ".hdf5", ".mat", ".vtk", ".vti", ".gipl", ".gipl.gz", ".par", ".rec", ".head", ".brik",
    ".webp", ".jp2", ".j2k", ".svs", ".ndpi", ".mrxs", ".czi", ".lif", ".nd2", ".ims", ".zarr", ".b2nd", ".mrc",
    ".nii.bz2", ".nii.xz", ".nii.zst", ".nii.zip", ".zip", ".heic", ".avif", ".dicom", ".obj", ".stl", ".vol",
)  # fmt: skip
"""Endings of images and masks that have no reader: a case that has only such files is named, not passed over."""
