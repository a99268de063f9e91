"""NIfTI-1 and NIfTI-2 files and pairs, and ANALYZE 7.5 pairs: compressed or not, whatever the name says."""

import pathlib
from typing import Any

import numpy as np

from trainables.data.reading import axes, parts
from trainables.data.reading.bounded import Packing, Source, Span, judged_excess, packing_of, read_span
from trainables.data.reading.nifti_place import placed
from trainables.data.reading.raw import Colour, Raw, at_least_3d, refuse_non_numbers, short
from trainables.data.reading.units import metres_per, to_mm
from trainables.errors import InputError

HEADER_SIZES = {348: 1, 540: 2}
"""First number of a header → NIfTI version; ANALYZE shares the first."""
NIFTI_UNITS = {0: None, 1: "m", 2: "mm", 3: "um"}
"""Code of `xyzt_units` → unit; None is unknown, taken as mm."""
ANALYZE = "an ANALYZE 7.5 file does not say how the volume lies, nor which side is left: axes taken as SPM does"
MATRIX = "the .mat file beside it, in which SPM keeps its position, is not read"
EXTENSIONS_ALLOWED = 1 << 26
"""Most bytes between a header and its voxels."""


def read_nifti(path: pathlib.Path, colour: Colour) -> Raw:
    """Read a NIfTI file, `.nii` or `.nii.gz`; `colour` is ignored."""
    del colour
    return _read(path, path)


def read_pair(path: pathlib.Path, colour: Colour) -> Raw:
    """Read a pair of `.hdr` and `.img`, each possibly with `.gz`, by the name of either; `colour` is ignored.

    Raises:
        InputError: One of the two files is missing, or the pair is damaged.
    """
    del colour
    header, data = parts.pair_of(path)
    for file in (header, data):
        if not file.exists():
            raise InputError(f"{short(path)}: its other file {file.name} is not there. Copy it too.")
    return _read(header, data)


def _read(path: pathlib.Path, data: pathlib.Path) -> Raw:
    if path.stat().st_size == 0:
        raise InputError(f"{short(path)}: the file is empty. Copy it again.")
    header, kind = header_of(path)
    single = path == data
    if single and kind == "pair":
        raise InputError(f"{short(path)}: the header of a pair, without voxels. Name it .hdr, beside its .img.")
    shape, dtype = _shape(header, path), _dtype(header, path)
    span = _span(header, path, data, int(np.prod(shape)) * dtype.itemsize)
    content, more = read_span(span)
    warnings = judged_excess(span, more, known_start=True)
    stored = np.ndarray(shape, dtype, content, order="F")
    slope, inter = header.get_slope_inter()
    array = at_least_3d(_scaled(stored, slope, inter), path)
    if kind == "analyze":
        affine = np.asarray(header.get_best_affine(), np.float64)
        apart = (MATRIX,) if path.with_suffix(".mat").exists() else ()
        return Raw(array, affine, axes.shortest_sides(affine), (*warnings, ANALYZE, *apart))
    place = placed(header, path)
    unit = NIFTI_UNITS.get(int(header["xyzt_units"]) & 7)
    scale = metres_per(unit) / metres_per("mm")
    affine, sides, said = to_mm(place.affine, place.sides, scale)
    others = tuple(other.scaled(scale) for other in place.others)
    step = None if stored.dtype.kind == "f" or slope in (None, 1.0) else abs(float(slope))
    return Raw(array, affine, sides, (*warnings, *place.warnings, *said), others, step=step)


def header_of(path: pathlib.Path) -> tuple[Any, str]:
    """Return nibabel's header and what it is of: `single`, `pair` or `analyze`. Nothing is checked by nibabel."""
    import nibabel

    with Source.open(path, packing_of(path)) as source:
        block = source.take(540)
    sizes = {order: int(np.frombuffer(block[:4].ljust(4, b"\0"), f"{order}i4")[0]) for order in "<>"}
    order = next((order for order, size in sizes.items() if size in HEADER_SIZES and len(block) >= size), None)
    if order is None:
        raise InputError(f"{short(path)}: cannot be read (it has no NIfTI header). Is it damaged?")
    size = sizes[order]
    if HEADER_SIZES[size] == 2:
        single = block[4:8] != b"ni2\0"
        made = nibabel.Nifti2Header(block[:540], order, check=False)
        return made, "single" if single else "pair"
    magic = block[344:348]
    if magic in (b"n+1\0", b"ni1\0"):
        return nibabel.Nifti1Header(block[:348], order, check=False), "single" if magic[1:2] == b"+" else "pair"
    if path.name.lower().endswith((".hdr", ".hdr.gz")):
        return nibabel.spm2analyze.Spm2AnalyzeHeader(block[:348], order, check=False), "analyze"
    raise InputError(f"{short(path)}: cannot be read (it has no NIfTI header). Is it damaged?")


def _shape(header: Any, path: pathlib.Path) -> tuple[int, ...]:
    dims = [int(size) for size in header["dim"]]
    if not 1 <= dims[0] <= 7 or min(dims[1 : dims[0] + 1], default=0) < 1:
        raise InputError(f"{short(path)}: damaged header: dim is {dims}. Copy it again.")
    return tuple(dims[1 : dims[0] + 1])


def _dtype(header: Any, path: pathlib.Path) -> np.dtype:
    try:
        dtype: np.dtype = np.dtype(header.get_data_dtype())
    except Exception as error:  # nibabel's own error for codes that it does not know
        raise InputError(f"{short(path)}: damaged header: datatype {int(header['datatype'])} is unknown.") from error
    refuse_non_numbers(dtype, path)
    return dtype


def _span(header: Any, path: pathlib.Path, data: pathlib.Path, expected: int) -> Span:
    packing: Packing = packing_of(data)
    start = float(header["vox_offset"])
    if not (np.isfinite(start) and 0 <= start <= EXTENSIONS_ALLOWED):
        raise InputError(f"{short(path)}: damaged header: vox_offset is {start:g}. Copy it again.")
    if path == data:
        start = max(start, 352 if int(header["sizeof_hdr"]) == 348 else 544)  # 0 in files that others rewrote
    return Span(path, data, int(start), expected, packing, inside=True)


def _scaled(stored: np.ndarray, slope: float | None, inter: float | None) -> np.ndarray:
    """Return `stored * slope + inter`: small integers in float32, which holds them exactly, others in float64."""
    native = stored if stored.dtype.isnative else stored.astype(stored.dtype.newbyteorder("="))
    slope, inter = 1.0 if slope is None else float(slope), 0.0 if inter is None else float(inter)
    if slope == 1.0 and inter == 0.0:
        return native
    precision = np.float32 if native.dtype.itemsize <= 2 else np.float64
    scaled: np.ndarray = np.multiply(native, precision(slope), dtype=precision)
    np.add(scaled, precision(inter), out=scaled)
    return scaled
