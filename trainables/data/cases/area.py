"""Area: which part of a case is kept, and which of its voxels count: crop, region of interest, ignored voxels.

A box is `[start, stop)` in voxels of the original grid along `[z, y, x]` (closest RAS) or `[y, x]`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np

from trainables.data.cases.label_values import Label
from trainables.errors import InputError

Box = tuple[tuple[int, int], ...]
CropTo = Literal["nonzero", "roi", "reference"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Roi:
    """A region of interest: what lies outside is not scored, and predictions there count as background.

    Attributes:
        rule: Values of the reference mask that are inside; None: not said by them.
        box: Voxels that are inside; in 3D two sides mean those of `[y, x]`, all slices. None: not said by it. With
            neither, each case brings a mask of its own (`CaseFiles.roi`), where everything but 0 is inside.
    """

    rule: Label | None = None
    box: Box | None = None

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `dataclasses.asdict`, after JSON."""
        box = data["box"]
        return cls(rule=_label(data["rule"]), box=None if box is None else tuple((low, high) for low, high in box))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Crop:
    """Part of a case that is kept for training: a bounding box. Scores are still of the whole case.

    Attributes:
        to: Box of the voxels that are not 0 in some channel (`nonzero`), of the region of interest (`roi`), or of what
            `rule` names in the reference mask (`reference`): an oracle crop, which a new case could not have.
        rule: For `reference`.
        margin: Voxels of the original grid more on each side, one number or one for each axis, >= 0.
    """

    to: CropTo
    rule: Label | None = None
    margin: tuple[int, ...] = (0,)

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `dataclasses.asdict`, after JSON."""
        return cls(to=data["to"], rule=_label(data["rule"]), margin=tuple(data["margin"]))


def _label(data: Mapping[str, Any] | None) -> Label | None:
    return None if data is None else Label(**data)


def slices(box: Box) -> tuple[slice, ...]:
    """Return a box as an index."""
    return tuple(slice(start, stop) for start, stop in box)


def bounding_box(inside: np.ndarray) -> Box | None:
    """Return the smallest box that holds all True voxels; None where there are none."""
    box = []
    for axis in range(inside.ndim):
        found = np.flatnonzero(inside.any(axis=tuple(other for other in range(inside.ndim) if other != axis)))
        if not found.size:
            return None
        box.append((int(found[0]), int(found[-1]) + 1))
    return tuple(box)


def widened(box: Box, margin: Sequence[int], shape: Sequence[int]) -> Box:
    """The box with `margin` voxels more on each side, as far as there are any.

    Args:
        box: Inside `shape`.
        margin: One number for all axes, or one for each.
        shape: The volume's voxels.
    """
    each = tuple(margin) * len(box) if len(margin) == 1 else tuple(margin)
    return tuple(
        (max(0, low - more), min(size, high + more)) for (low, high), more, size in zip(box, each, shape, strict=True)
    )


def box_mask(box: Box, shape: Sequence[int]) -> np.ndarray:
    """Return an array that is True inside the box.

    Args:
        box: One pair for each axis, or one for each of the last two.
        shape: The volume's voxels.

    Raises:
        InputError: The box has another number of sides, or no voxel of the volume is in it.
    """
    if len(box) != len(shape) and len(box) != 2:
        raise InputError(f"`dataset.roi` has {len(box)} sides, the image {len(shape)}. Give [start, stop] for each.")
    inside = np.zeros(tuple(shape), bool)
    index = (slice(None),) * (len(shape) - len(box)) + slices(box)
    if not inside[index].size:
        raise InputError(
            f"`dataset.roi` {[list(side) for side in box]} holds no voxel of the image's {list(shape)}. Check its axes."
        )
    inside[index] = True
    return inside


def kept_box(crop: Crop, inside: np.ndarray) -> Box:
    """Return the box that a crop keeps.

    Args:
        crop: How.
        inside: True where there is what it crops to.

    Raises:
        InputError: There is nothing to crop to, or the margin has not as many numbers as the image has axes.
    """
    if len(crop.margin) not in (1, inside.ndim):
        raise InputError(
            f"`preprocess.crop.margin` has {len(crop.margin)} numbers, the image {inside.ndim} axes. Give one, or one "
            "for each."
        )
    box = bounding_box(inside)
    if box is None:
        nothing = {
            "nonzero": "all voxels are 0",
            "roi": "the region of interest is empty",
            "reference": f"the mask has nothing of the label to crop to ({crop.rule})",
        }
        raise InputError(
            f"{nothing[crop.to]}, so `preprocess.crop` keeps nothing. List the case under `dataset.exclude`."
        )
    return widened(box, crop.margin, inside.shape)
