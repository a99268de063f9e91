"""Masks drawn by hand that the metrics' tests share."""

import numpy as np
from numpy.typing import NDArray

from trainables.metrics import gather, measure_case


def drawn(*rows: str) -> NDArray[np.bool_]:
    return np.array([[letter == "#" for letter in row] for row in rows])


REFERENCE = drawn(
    "......",
    ".###..",
    ".###..",
    ".###..",
    "......",
)
PREDICTION = drawn(
    "......",
    "..##..",
    "..###.",
    "......",
    "......",
)

LESIONS = np.array(
    [
        list("aa......"),
        list("aa....b."),
        list(".....b.."),
        list("........"),
        list("c......."),
    ]
)
LOG_ODDS = np.array(
    [
        [9, 0, 0, 0, 0, 0, 0, 0],
        [8, 0, 2, 0, 0, 0, 3, 0],
        [0, 0, 1, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 7, 0, 0, 4, 5, 6],
    ],
    np.float16,
)


def measured(reference: np.ndarray, log_odds: np.ndarray, **how: object) -> dict[str, float | None]:
    """Scores of one region by metric, from log-odds drawn by hand."""
    inside = 1 / (1 + np.exp(-log_odds.astype(np.float32)))
    plane = np.stack([1 - inside, inside])
    names = ("lesion_recall", "lesion_false_positives", "lesion_dice", "average_precision", "dice")
    regions = {"r": (1,)}
    scored = measure_case(
        "case",
        reference.astype(np.uint8),
        (log_odds > 0).astype(np.uint8),
        regions=regions,
        metrics=names,
        spacing=None,
        odds=gather([plane], reference.astype(np.uint8), (log_odds > 0).astype(np.uint8), regions),
        **how,  # type: ignore[arg-type]
    )
    return {score.metric: score.value for score in scored.scores}
