"""Units of length in headers, and affines brought from them to millimetres."""

import numpy as np

METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "nm": 1e-9, "in": 0.0254, "angstrom": 1e-10, "pm": 1e-12}
"""Unit → metres."""
NAMES = {
    "meter": "m", "meters": "m", "metre": "m", "metres": "m",
    "centimeter": "cm", "centimeters": "cm", "centimetre": "cm", "centimetres": "cm",
    "millimeter": "mm", "millimeters": "mm", "millimetre": "mm", "millimetres": "mm",
    "micrometer": "um", "micrometers": "um", "micrometre": "um", "micrometres": "um",
    "micron": "um", "microns": "um", "µm": "um", "μm": "um", "\\u00b5m": "um",
    "nanometer": "nm", "nanometers": "nm", "nanometre": "nm", "nanometres": "nm",
    "inch": "in", "inches": "in", "å": "angstrom", "ångström": "angstrom", "picometer": "pm",
}  # fmt: skip
"""Other spellings, in lower case."""
UNUSUAL = 100.0
"""Millimetres from which a voxel's side is likely a wrong unit."""
CONVERSIONS = (1e3, 1e-3, 1e6, 1e-6)
"""Factors between metres, millimetres, micrometres and nanometres."""


def metres_per(unit: str | None) -> float:
    """Return the metres of a unit; None counts as millimetres."""
    return METRES["mm" if unit is None else unit]


def unit_of(text: str) -> str | None:
    """Return the unit that a header's text means, one of `METRES`; None if it is none that is known."""
    plain = text.strip().strip('"').strip()
    if plain in METRES:
        return plain
    return NAMES.get(plain.lower(), plain.lower() if plain.lower() in METRES else None)


def to_mm(
    affine: np.ndarray, sides: tuple[float, ...], scale: float
) -> tuple[np.ndarray, tuple[float, ...], tuple[str, ...]]:
    """Return an affine and voxel sizes in millimetres, with a warning where the unit is likely wrong.

    Args:
        affine: 4 × 4, in the header's unit.
        sides: Voxel sizes in the same unit.
        scale: Millimetres of that unit.
    """
    if scale == 1.0:
        return affine, sides, ()
    scaled = np.array(affine, np.float64)
    scaled[:3] *= scale
    millimetres = tuple(float(f"{side * scale:.7g}") for side in sides)
    told = f"the header's unit is {scale:g} mm: voxels of {' x '.join(f'{side:.4g}' for side in millimetres)} mm"
    return scaled, millimetres, ((f"{told}. Is the unit wrong?",) if max(millimetres) >= UNUSUAL else ())
