"""Motion: the geometric part of a draw: mirrors, one affine map, one displacement field."""

import dataclasses
import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from trainables.data.augmentation import deform
from trainables.data.augmentation.draws import Drawn

MOVING = {"rotate", "scale", "elastic", "elastic_filter"}
MARGIN = 0.25
"""Share of the patch that is taken more on each side, so that turned patches show tissue in their corners."""


@dataclasses.dataclass(frozen=True, eq=False)
class Motion:
    """The geometric map of one patch.

    Attributes:
        matrix: `(dim, dim)`, as `deform.matrix` gives it.
        field: `(dim, *size)` voxels added to the source offsets, or None.
        reach: Voxels beyond the patch, on each side, that can be seen; never more than the margin.
    """

    matrix: np.ndarray
    field: Tensor | None
    reach: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Space:
    """Patch size and voxel sides, in which patches are moved.

    Attributes:
        size: Voxels of a patch.
        spacing: Voxel sides along the same axes, in any unit.
    """

    size: tuple[int, ...]
    spacing: tuple[float, ...]

    def margin(self, names: Iterable[str]) -> tuple[int, ...]:
        """Voxels that a patch needs more on each side where these augmentations may happen."""
        if MOVING.isdisjoint(names):
            return (0,) * len(self.size)
        free = deform.free_axes(self.spacing)
        return tuple(math.ceil(MARGIN * size) if ok else 0 for size, ok in zip(self.size, free, strict=True))

    def flips(self, drawn: Drawn) -> Sequence[bool]:
        """For each axis whether it is mirrored."""
        flips: Sequence[bool] = drawn.values.get("mirror", (False,) * len(self.size))
        return flips

    def motion(self, drawn: Drawn, device: torch.device) -> Motion | None:
        """None where nothing but mirrors moves the patch; the field is on the device."""
        if MOVING.isdisjoint(drawn.values):
            return None
        matrix, field = self.matrix(drawn), self.fields([drawn], device)
        shift = 0.0 if field is None else np.array([float(max(-along.min(), along.max())) for along in field[0]])
        half = (np.array(self.size) - 1) / 2
        beyond = np.ceil(np.abs(matrix) @ half + shift - half).astype(int) + 1
        reach = tuple(int(min(max(far, 0), most)) for far, most in zip(beyond, self.margin(MOVING), strict=True))
        return Motion(matrix, None if field is None else field[0], reach)

    def matrix(self, drawn: Drawn) -> np.ndarray:
        """Turn, scale and mirrors in one (`deform.matrix`)."""
        angles = drawn.values.get("rotate", (0.0,) * 3)[: 1 if len(self.size) == 2 else 3]
        return deform.matrix(angles, drawn.values.get("scale", 1.0), self.flips(drawn), self.spacing)

    def fields(self, drawn: Sequence[Drawn], device: torch.device) -> Tensor | None:
        """Displacements of all these patches, `(N, dim, *size)` voxels; None where none is bent."""
        found = None
        if any("elastic" in one.values for one in drawn):
            control = np.zeros((len(drawn), len(self.size), *deform.knots(self.size, self.spacing)), np.float32)
            for row, one in zip(control, drawn, strict=True):
                if "elastic" in one.values:
                    row[:] = one.stream("elastic").standard_normal(row.shape, np.float32)
                    row *= np.float32(one.values["elastic"])
            found = deform.displacement(deform.sent(torch.from_numpy(control), device), self.size, self.spacing)
        if any("elastic_filter" in one.values for one in drawn):
            filtered = torch.stack([self._filtered(one, device) for one in drawn])
            found = filtered if found is None else found + filtered
        return found

    def _filtered(self, drawn: Drawn, device: torch.device) -> Tensor:
        shape = (len(self.size), *self.size)
        if "elastic_filter" not in drawn.values:
            return torch.zeros(shape, device=device)
        alpha, sigma = drawn.values["elastic_filter"]
        noise = torch.from_numpy(2 * drawn.stream("elastic_filter").random(shape, np.float32) - 1)
        return deform.smoothed(deform.sent(noise, device), sigma, self.spacing) * float(alpha)
