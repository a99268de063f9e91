"""NIfTI files, read whole so that a cut or altered one is noticed."""

import gzip
import io
import pathlib
from typing import Any

import numpy as np

from trainables.data.reading import axes
from trainables.data.reading.raw import Colour, Raw, at_least_3d, short, shortest
from trainables.errors import InputError

UNPLACED = "both form codes are 0, so the file does not say how the volume lies: axes taken as stored"


def read_nifti(path: pathlib.Path, colour: Colour) -> Raw:
    """A NIfTI-1 or NIfTI-2 file, compressed or not; `colour` has no meaning for it."""
    import nibabel

    del colour
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
    step = None if stored.dtype.kind == "f" or proxy.slope == 1 else abs(float(proxy.slope))
    return Raw(at_least_3d(array, path), affine, sides, warnings, step=step)


def _voxel_sides(header: Any, affine: np.ndarray) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """The header's own sides, which no re-orientation rounds; the affine's where they contradict it."""
    measured = axes.voxel_sides(affine)
    stated = (*(shortest(side) for side in header.get_zooms()[:3]), *measured)[:3]
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
