"""Where a NIfTI volume lies: its sform or qform, and what the header says against it. In the header's own unit."""

import dataclasses
import pathlib
from typing import Any

import numpy as np

from trainables.data.reading import axes
from trainables.data.reading.raw import Place, positive_sides, short, shortest
from trainables.errors import InputError

UNPLACED = "both form codes are 0, so the file does not say how the volume lies: axes taken as stored"
CONTRADICTION = 0.5
"""Distance in voxels from which two orientations in one header contradict each other."""
LONGEST_QUATERNION = 1e-3
"""Excess over 1 of a quaternion's squared length that still counts as rounding."""


@dataclasses.dataclass(frozen=True, eq=False)
class NiftiPlace:
    """The place of a volume.

    Attributes:
        affine: 4 × 4, in the header's unit, RAS+.
        sides: Voxel size along each stored axis in the same unit.
        warnings: Contradictions, one line each.
        others: Affines that other programs take.
    """

    affine: np.ndarray
    sides: tuple[float, ...]
    warnings: tuple[str, ...]
    others: tuple[Place, ...]


def placed(header: Any, path: pathlib.Path) -> NiftiPlace:
    """Return the place that a NIfTI header gives: the sform if its code is above 0, else the qform.

    Args:
        header: nibabel's, unchecked.
        path: The file, for messages.

    Raises:
        InputError: Voxel sizes are zero or not finite where they are needed, or the quaternion is no rotation.
    """
    codes = int(header["sform_code"]), int(header["qform_code"])
    negative = _make_plain(header)
    if codes[0] > 0:
        affine = np.asarray(header.get_sform(), np.float64)
        others, said = _other_form(header, affine, codes, path)
    else:
        affine, others, said = _without_sform(header, codes, path)
    sides, contradiction = _sides(header, affine)
    return NiftiPlace(affine, sides, (*negative, *said, *contradiction), others)


def _make_plain(header: Any) -> tuple[str, ...]:
    """Set what only rounding, or a writer that left it out, makes illegal; return a warning about negative sizes."""
    sides = header["pixdim"][1:4].tolist()
    if header["pixdim"][0] not in (-1, 1):
        header["pixdim"][0] = 1  # the standard: 0 counts as 1
    header["pixdim"][1:4] = np.abs(header["pixdim"][1:4])
    header.quaternion_threshold = -LONGEST_QUATERNION
    if min(sides) >= 0:
        return ()
    return (f"the header's voxel size ({' x '.join(f'{side:g}' for side in sides)}) is negative: its size is taken",)


def _without_sform(
    header: Any, codes: tuple[int, int], path: pathlib.Path
) -> tuple[np.ndarray, tuple[Place, ...], tuple[str, ...]]:
    needed = tuple(float(side) for side in header["pixdim"][1 : 1 + min(3, int(header["dim"][0]))])
    positive_sides(needed, "pixdim", path)
    if codes[1] > 0:
        return _qform(header, path), (), ()
    affine = np.asarray(header.get_base_affine(), np.float64)
    upright = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.diag([*axes.voxel_sides(affine), 1.0])
    return affine, (Place(upright, "what ITK takes where both form codes are 0"),), (UNPLACED,)


def _qform(header: Any, path: pathlib.Path) -> np.ndarray:
    try:
        affine = np.asarray(header.get_qform(), np.float64)
    except ValueError as error:
        length = float(sum(np.float64(header[f"quatern_{letter}"]) ** 2 for letter in "bcd"))
        raise InputError(
            f"{short(path)}: damaged header: its quaternion is no rotation (b² + c² + d² = {length:.6g}, 1 at most)."
        ) from error
    if not np.isfinite(affine).all():
        raise InputError(f"{short(path)}: damaged header: its qform has values that are not finite.")
    return affine


def _other_form(
    header: Any, affine: np.ndarray, codes: tuple[int, int], path: pathlib.Path
) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """Return the qform beside an sform, and a warning if it puts the volume elsewhere."""
    if codes[1] <= 0:
        return (), ()
    try:
        qform = _qform(header, path)
    except InputError:
        return (), ("the header's qform is damaged; its sform is used",)
    shape = [*(int(size) for size in header["dim"][1 : int(header["dim"][0]) + 1]), 1, 1][:3]
    side = np.linalg.norm(affine[:3, :3], axis=0).min()
    if not side > 0 or (apart := axes.displacement(affine, qform, shape)) <= CONTRADICTION:
        return (Place(qform, "its qform"),), ()
    warning = (
        f"the header's qform and sform contradict each other, by up to {apart:.3g} voxels: the sform (code {codes[0]}) "
        "is used; programs that follow the qform place the volume elsewhere"
    )
    return (Place(qform, "its qform"),), (warning,)


def _sides(header: Any, affine: np.ndarray) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Return the header's voxel sizes, which no reorientation rounds, or the affine's where the two contradict."""
    measured = axes.voxel_sides(affine)
    stated = (*(shortest(side) for side in header.get_zooms()[:3]), *measured)[:3]
    if np.allclose(stated, measured, rtol=1e-3, atol=0):
        return stated, ()
    told = [" x ".join(f"{side:.4g}" for side in sides) for sides in (stated, measured)]
    return measured, (f"the header's voxel size ({told[0]} mm) contradicts its affine's ({told[1]} mm), which is used",)
