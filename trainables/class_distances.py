"""Distances between classes, for the Wasserstein loss: matrices by name, and what a matrix must be."""

import json
from collections.abc import Sequence

Rows = Sequence[Sequence[float]]

UNIFORM = "uniform"
"""All confusions cost 1, for any number of classes."""

MATRICES: dict[str, tuple[tuple[float, ...], ...]] = {
    "brats5": (
        (0.0, 1.0, 1.0, 1.0, 1.0),
        (1.0, 0.0, 0.6, 0.2, 0.5),
        (1.0, 0.6, 0.0, 0.6, 0.7),
        (1.0, 0.2, 0.6, 0.0, 0.5),
        (1.0, 0.5, 0.7, 0.5, 0.0),
    ),
    "brats4": (
        (0.0, 1.0, 1.0, 1.0),
        (1.0, 0.0, 0.6, 0.5),
        (1.0, 0.6, 0.0, 0.7),
        (1.0, 0.5, 0.7, 0.0),
    ),
}
"""Distances by name. Labels: 0 background, 1 necrosis, 2 oedema, (3 non-enhancing,) 4 enhancing; NiftyNet's numbers."""


def rows_of(matrix: str | Rows) -> Rows | None:
    """Return the rows of a matrix given by name, as rows, or as JSON text; None where it is none of these."""
    if not isinstance(matrix, str):
        return matrix
    if matrix in MATRICES:
        return MATRICES[matrix]
    try:
        rows = json.loads(matrix)
    except ValueError:
        return None
    return rows if is_rows(rows) else None


def is_rows(value: object) -> bool:
    """Tell whether a value is a list of lists of numbers."""
    return isinstance(value, list) and all(
        isinstance(row, list) and all(isinstance(x, int | float) and not isinstance(x, bool) for x in row)
        for row in value
    )


def flaw_of(matrix: str | Rows, classes: int) -> str | None:
    """Return why a matrix is no matrix of distances between `classes` classes; None where it is one."""
    if matrix == UNIFORM:
        return None
    rows = rows_of(matrix)
    if rows is None:
        return f"expected {', '.join((UNIFORM, *MATRICES))} or rows of numbers, found {matrix!r}"
    if [len(row) for row in rows] != [classes] * classes:
        found = f"{matrix}, which is for {len(rows)}" if matrix in MATRICES else f"rows of {[len(row) for row in rows]}"
        return f"expected {classes} rows of {classes} distances for {classes} classes, found {found}"
    proper = all(
        0 <= rows[k][c] <= 1 and rows[k][c] == rows[c][k] and (c == k) <= (rows[k][c] == 0)
        for k in range(classes)
        for c in range(classes)
    )
    if proper and all(distance == 1 for distance in rows[0][1:]):
        return None
    return (
        "expected distances in [0, 1], symmetric, 0 on the diagonal and 1 from background to any other class, "
        f"found {[list(row) for row in rows]}"
    )
