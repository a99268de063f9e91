"""Units of length in headers."""

import numpy as np
import pytest

from trainables.data.reading.units import metres_per, to_mm, unit_of


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("mm", "mm"),
        ('"um"', "um"),
        ("microns", "um"),
        ("µm", "um"),
        ("Millimeter", "mm"),
        ("NM", "nm"),
        ("cm", "cm"),
        ("furlong", None),
        ("", None),
        ("s", None),
    ],
)
def test_names_of_units(text: str, unit: str | None) -> None:
    assert unit_of(text) == unit


def test_no_unit_counts_as_millimetres() -> None:
    assert metres_per(None) == 1e-3
    assert metres_per("um") == 1e-6


def test_affines_and_sides_are_scaled_and_unlikely_ones_told() -> None:
    matrix = np.array([[2.0, 0, 0, 10], [0, 3, 0, 20], [0, 0, 5, 30], [0, 0, 0, 1]])
    scaled, sides, warnings = to_mm(matrix, (2.0, 3.0, 5.0), 0.001)
    assert scaled.tolist() == [[0.002, 0, 0, 0.01], [0, 0.003, 0, 0.02], [0, 0, 0.005, 0.03], [0, 0, 0, 1]]
    assert sides == (0.002, 0.003, 0.005)
    assert warnings == ()
    assert to_mm(matrix, (2.0, 3.0, 5.0), 1.0)[0] is matrix
    assert "voxels of 2000 x 3000 x 5000 mm. Is the unit wrong?" in to_mm(matrix, (2.0, 3.0, 5.0), 1000.0)[2][0]
