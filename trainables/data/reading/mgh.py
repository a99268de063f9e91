"""FreeSurfer's MGH files (`.mgh`, `.mgz`, `.mgh.gz`): compressed or not, whatever the name says."""

import pathlib

import numpy as np

from trainables.data.reading.bounded import Source, Span, judged_excess, packing_of, read_span
from trainables.data.reading.raw import Colour, Raw, at_least_3d, positive_sides, short, shortest
from trainables.errors import InputError

TYPES = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2", 10: ">u2"}
"""Code of a voxel's type → NumPy's."""
HEADER = 284
PLACE = np.dtype([("good", ">i2"), ("delta", ">f4", 3), ("directions", ">f4", (3, 3)), ("centre", ">f4", 3)])
UNPLACED = "the file does not say how the volume lies (goodRASFlag is 0): FreeSurfer's usual axes taken"
FOOTER = 1 << 24
"""Most bytes after the voxels: scan parameters and tags."""


def read_mgh(path: pathlib.Path, colour: Colour) -> Raw:
    """Read an MGH file; `colour` is ignored.

    Raises:
        InputError: The header is damaged, or data are missing.
    """
    del colour
    if path.stat().st_size == 0:
        raise InputError(f"{short(path)}: the file is empty. Copy it again.")
    packing = packing_of(path)
    with Source.open(path, packing) as source:
        block = source.take(HEADER)
    version, *sizes, kind = np.frombuffer(block[:24], ">i4").tolist() if len(block) == HEADER else [0] * 6
    if version != 1 or kind not in TYPES or min(sizes) < 1:
        raise InputError(f"{short(path)}: cannot be read (it has no MGH header). Is it damaged?")
    dtype = np.dtype(TYPES[kind])
    span = Span(path, path, HEADER, int(np.prod(sizes)) * dtype.itemsize, packing, inside=True)
    content, more = read_span(span)
    warnings = judged_excess(span, more, known_start=True) if more > FOOTER else ()
    stored = np.ndarray(tuple(sizes), dtype, content, order="F")
    affine, sides, said = _place(block, sizes, path)
    return Raw(at_least_3d(stored.astype(dtype.newbyteorder("=")), path), affine, sides, (*warnings, *said))


def _place(block: bytes, sizes: list[int], path: pathlib.Path) -> tuple[np.ndarray, tuple[float, ...], tuple[str, ...]]:
    """Return affine, voxel sizes and warnings; the header places the centre of the volume, not its first voxel."""
    place = np.frombuffer(block, PLACE, 1, 28)[0]
    good = int(place["good"]) > 0
    delta = place["delta"].astype(np.float64) if good else np.ones(3)
    directions = place["directions"].T.astype(np.float64) if good else np.array([[-1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    sides = positive_sides(tuple(shortest(side) for side in delta), "delta", path)
    affine = np.eye(4)
    affine[:3, :3] = directions * delta
    centre = place["centre"].astype(np.float64) if good else np.zeros(3)
    affine[:3, 3] = centre - affine[:3, :3] @ (np.array(sizes[:3]) / 2)
    return affine, sides, () if good else (UNPLACED,)
