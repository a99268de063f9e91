"""Readers: one file → an array as stored, with its affine where the format has one. One function a format."""

import contextlib
import dataclasses
import gzip
import io
import pathlib
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from trainables.data import geometry
from trainables.errors import InputError

UNPLACED = "both form codes are 0, so the file does not say how the volume lies: axes taken as stored"


@dataclasses.dataclass(frozen=True, eq=False)
class Raw:
    """A file's content, in the file's own axes.

    Attributes:
        array: `(x, y, z)` or `(x, y, z, channel)` in stored order where there is an affine, else `(y, x)`.
        affine: 4 × 4, from voxel indices to millimetres in RAS+; None for formats that carry none (PNG, JPEG).
        sides: mm of a voxel along each stored axis, as the file says it; None without an affine.
        warnings: What the file leaves open or contradicts itself in.
    """

    array: np.ndarray
    affine: np.ndarray | None
    sides: tuple[float, ...] | None = None
    warnings: tuple[str, ...] = ()


def read(path: pathlib.Path, *, grey: bool = True) -> Raw:
    """Any supported file.

    Args:
        path: A file whose ending is one of `READERS`.
        grey: Colour becomes grey (an image); False keeps palette indices and refuses real colours (a mask).

    Raises:
        InputError: It is missing, empty, truncated, damaged, or of an unknown kind.
    """
    ending = suffix(path)
    if ending is None:
        raise InputError(f"{short(path)}: unknown kind of file. Known are {', '.join(READERS)}.")
    with _said_plainly(path):
        return READERS[ending](path, grey)


def suffix(path: pathlib.Path) -> str | None:
    """The ending that names the format, such as `.nii.gz`; None where no reader knows it."""
    name = path.name.lower()
    return next((ending for ending in READERS if name.endswith(ending)), None)


def stem(path: pathlib.Path) -> str:
    """The file's name without that ending."""
    return path.name[: -len(suffix(path) or path.suffix) or None]


def short(path: pathlib.Path) -> str:
    """The last folder and the name: enough to find a file, short enough for one line."""
    return f"{path.parent.name}/{path.name}"


def _read_nifti(path: pathlib.Path, grey: bool) -> Raw:
    import nibabel

    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
        content = file.read()  # to the end, since only there gzip checks its sum
    if not content:
        raise InputError(f"{short(path)}: the file is empty. Copy it again.")
    kind = nibabel.Nifti2Image if int.from_bytes(content[:4], "little") in (540, 469893120) else nibabel.Nifti1Image
    image = kind.from_stream(io.BytesIO(content))
    proxy = image.dataobj
    needed = proxy.offset + proxy.dtype.itemsize * int(np.prod(proxy.shape))
    if len(content) < needed:
        raise InputError(f"{short(path)}: truncated ({len(content):,} of {needed:,} bytes). Copy it again.")
    if proxy.dtype.kind not in "iuf":
        raise InputError(f"{short(path)}: voxels of type {proxy.dtype} are not grey values. Convert it to numbers.")
    stored = np.ndarray(proxy.shape, proxy.dtype, content, proxy.offset, order="F")
    array = _scaled(stored, float(proxy.slope), float(proxy.inter))
    affine = np.asarray(image.affine, np.float64)
    sides, warnings = _voxel_sides(image.header, affine)
    return Raw(_at_least_3d(array, path), affine, sides, warnings)


def _voxel_sides(header: Any, affine: np.ndarray) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """The header's own sides, which no re-orientation rounds; the affine's where they contradict it."""
    measured = geometry.voxel_sides(affine)
    stated = (*(float(str(side)) for side in header.get_zooms()[:3]), *measured)[:3]  # the shortest decimal: 0.8
    if np.allclose(stated, measured, rtol=1e-3, atol=0):
        unplaced = not (header["qform_code"] or header["sform_code"])
        return stated, (UNPLACED,) if unplaced else ()
    told = [" x ".join(f"{side:.4g}" for side in sides) for sides in (stated, measured)]
    return measured, (f"the header's voxel size ({told[0]} mm) contradicts its affine's ({told[1]} mm), which is used",)


def _scaled(stored: np.ndarray, slope: float, inter: float) -> np.ndarray:
    """`stored * slope + inter`; small integers in float32, which holds them exactly, the rest in float64."""
    native = stored if stored.dtype.isnative else stored.astype(stored.dtype.newbyteorder("="))
    if slope == 1.0 and inter == 0.0:
        return native
    precision = np.float32 if native.dtype.itemsize <= 2 else np.float64
    scaled: np.ndarray = np.multiply(native, precision(slope), dtype=precision)
    np.add(scaled, precision(inter), out=scaled)
    return scaled


def _at_least_3d(array: np.ndarray, path: pathlib.Path) -> np.ndarray:
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim > 4 or array.size == 0:
        raise InputError(f"{short(path)}: expected 2, 3 or 4 (channels last) dimensions, found shape {array.shape}.")
    return array.reshape(array.shape + (1,) * (3 - array.ndim))


def _read_flat(path: pathlib.Path, grey: bool) -> Raw:
    from PIL import Image

    with Image.open(path) as picture:
        pages = getattr(picture, "n_frames", 1)
        if pages > 1:
            raise InputError(f"{short(path)}: {pages} pages in one file. Write one file for each slice.")
        picture.load()
        return Raw(_one_channel(picture, path, grey), None)


def _one_channel(picture: Any, path: pathlib.Path, grey: bool) -> np.ndarray:
    """`(y, x)`; a palette's indices are a mask's values, but an image's colours."""
    if picture.mode in ("L", "I", "F", "1") or picture.mode.startswith("I;16") or (picture.mode == "P" and not grey):
        array = np.asarray(picture)
        return array.astype(np.uint8) if array.dtype == bool else array
    if picture.mode == "LA":
        return np.asarray(picture.getchannel("L"))
    colours = np.asarray(picture.convert("RGB"))
    if (colours == colours[..., :1]).all():
        return np.ascontiguousarray(colours[..., 0])
    if grey or suffix(path) in LOSSY:
        return np.asarray(picture.convert("RGB").convert("L"))
    raise InputError(f"{short(path)}: a mask in colours. Save class numbers as grey values (or palette indices).")


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


Reader = Callable[[pathlib.Path, bool], Raw]
READERS: dict[str, Reader] = {
    ".nii.gz": _read_nifti,
    ".nii": _read_nifti,
    ".png": _read_flat,
    ".jpg": _read_flat,
    ".jpeg": _read_flat,
    ".tif": _read_flat,
    ".tiff": _read_flat,
    ".bmp": _read_flat,
}
"""Ending → reader; the longer ending of two comes first."""
LOSSY = (".jpg", ".jpeg")
