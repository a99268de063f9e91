"""Conversion of slices for the page: outlines as SVG paths, grey slices as data URLs, cropping to the foreground."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]


def planes(pixels: bytes, shape: tuple[int, int]) -> Labels:
    """Returns `(slices, height, width)` from a picture's bytes, row-major, slice by slice."""
    return np.frombuffer(pixels, dtype=np.uint8).reshape(-1, *shape)


def box(stacks: Sequence[Labels], margin: float = 0.18) -> tuple[slice, slice]:
    """Returns the rectangle around the foreground of all slices, with a margin; the whole slice without foreground.

    Args:
        stacks: `(slices, height, width)` class indices, all of one shape, one at least.
        margin: On each side, as a share of the rectangle; 6 pixels at least.
    """
    inside = np.any([stack.any(axis=0) for stack in stacks], axis=0)
    if not inside.any():
        return slice(None), slice(None)
    ends = []
    for axis, size in enumerate(inside.shape):
        there = np.flatnonzero(inside.any(axis=1 - axis))
        pad = max(6, round(margin * (there[-1] - there[0] + 1)))
        ends.append((max(0, int(there[0]) - pad), min(size, int(there[-1]) + 1 + pad)))
    return slice(*ends[0]), slice(*ends[1])


def outlines(labels: Labels) -> str:
    """Returns an SVG path along the border of every class: closed polygons around pixels with cut corners.

    Args:
        labels: `(height, width)` class indices; 0 has no outline. Pixel (row, column) covers x in [column, column + 1].
    """
    from contourpy import contour_generator  # matplotlib's contour library

    padded = np.pad(labels, 1)  # closes outlines at the image border
    parts = []
    for index in range(1, int(labels.max(initial=0)) + 1):
        lines = contour_generator(z=(padded == index).astype(np.float64)).lines(0.5)
        for line in lines:
            parts.append(_polygon(np.asarray(line)[:-1] - 0.5))
    return "".join(parts)


def _polygon(points: NDArray[np.float64]) -> str:
    """Returns a closed polygon by its corners alone, each relative to the one before: a third of the letters."""
    steps = np.roll(points, -1, axis=0) - points
    corners = points[(steps != np.roll(steps, 1, axis=0)).any(axis=1)]
    moves = " ".join(f"{x:g} {y:g}" for x, y in np.diff(corners, axis=0))
    return f"M{corners[0, 0]:g} {corners[0, 1]:g}l{moves}Z"


def png(grey: Labels) -> str:
    """Returns a grey slice as a data URL."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(grey)).save(out, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
