"""Empty masks: the value of every metric when the reference, the prediction or both are empty, in one table."""

import enum
from collections.abc import Mapping
from typing import Literal

from trainables.metrics.geometry import Geometry

Kind = Literal["overlap", "ranking", "distance", "volume", "bias", "lesions", "count", "calibration", "voxels"]
"""Kinds of metric. `overlap`: a share of voxels, best 1, worst 0. `ranking`: the same for ranked voxels, defined for an
empty prediction too. `distance`: best 0, worst the image's diagonal. `volume`: an absolute error, best 0. `bias`: a
signed error relative to the reference. `lesions`: a share of lesions, undefined without lesions. `count`,
`calibration` and `voxels` (a share of all voxels, or of those outside the reference): always defined."""

Note = Literal["clean negative", "false positive", "miss"]

Empty = Literal["missing", "one"]
"""The two policies: `missing` leaves cases without the region out of every mean; `one` has 1 for a case that has the
region in neither mask and 0 where only the prediction has it, as the inverse-weighting paper and KiTS19 score."""


class Value(enum.Enum):
    """A value that is set by rule."""

    MISSING = "left out of every mean, and counted"
    BEST = "1 for a share, 0 for a distance"
    WORST = "0 for a share, the image's diagonal for a distance"
    COMPUTED = "what the metric computes: it is defined here"


NOTES: Mapping[tuple[bool, bool], Note] = {
    # (reference is empty, prediction is empty)
    (True, True): "clean negative",
    (True, False): "false positive",
    (False, True): "miss",
}

_MISSED: Mapping[Kind, Value] = {
    "overlap": Value.WORST,
    "ranking": Value.COMPUTED,
    "distance": Value.WORST,
    "volume": Value.COMPUTED,
    "bias": Value.COMPUTED,
    "lesions": Value.COMPUTED,
    "count": Value.COMPUTED,
    "calibration": Value.COMPUTED,
    "voxels": Value.COMPUTED,
}

_WITHOUT: Mapping[Kind, Value] = {
    **dict.fromkeys(_MISSED, Value.MISSING),
    "count": Value.COMPUTED,
    "calibration": Value.COMPUTED,
    "voxels": Value.COMPUTED,
}

RULES: Mapping[Empty, Mapping[Note, Mapping[Kind, Value]]] = {
    "missing": {
        "clean negative": _WITHOUT,
        "false positive": _WITHOUT,
        "miss": _MISSED,
    },
    "one": {
        "clean negative": {
            "overlap": Value.BEST,
            "ranking": Value.BEST,
            "distance": Value.BEST,
            "volume": Value.COMPUTED,
            "bias": Value.MISSING,  # 0 / 0; a prediction below would be infinite
            "lesions": Value.MISSING,
            "count": Value.COMPUTED,
            "calibration": Value.COMPUTED,
            "voxels": Value.COMPUTED,
        },
        "false positive": {
            "overlap": Value.WORST,
            "ranking": Value.WORST,
            "distance": Value.WORST,
            "volume": Value.COMPUTED,
            "bias": Value.MISSING,
            "lesions": Value.MISSING,
            "count": Value.COMPUTED,
            "calibration": Value.COMPUTED,
            "voxels": Value.COMPUTED,
        },
        "miss": _MISSED,
    },
}


def note_of(geometry: Geometry) -> Note | None:
    """Return which masks are empty, as `Score.note` records it; None where neither is."""
    return NOTES.get((geometry.tp + geometry.fn == 0, geometry.tp + geometry.fp == 0))


def by_rule(geometry: Geometry, kind: Kind, empty: Empty = "missing") -> float | Literal[Value.COMPUTED] | None:
    """Return the value that the table sets (None: missing), or COMPUTED where the metric computes it."""
    note = note_of(geometry)
    rule = Value.COMPUTED if note is None else RULES[empty][note][kind]
    if rule is Value.COMPUTED:
        return Value.COMPUTED
    if rule is Value.MISSING:
        return None
    share = kind in ("overlap", "ranking")
    if rule is Value.BEST:
        return 1.0 if share else 0.0
    return 0.0 if share else geometry.diagonal
