"""Scores of one mark: values and voxel counts by case and region, values over all cases, lesions. Plain data."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from trainables.lesion_records import packed_bytes
from trainables.pictures.kept import unpack


@dataclasses.dataclass(frozen=True)
class Score:
    """One metric of one region of one case at one mark.

    Attributes:
        case: The case's name.
        region: The region's.
        metric: The metric's.
        value: None where the report's policy for empty masks calls it missing.
        note: Which masks are empty: `clean negative` (both), `false positive` (the reference), `miss` (the prediction).
        counted: Where `value` is missing, the value that an objective with `empty: one` counts, if any.
    """

    case: str
    region: str
    metric: str
    value: float | None
    note: str | None = None
    counted: float | None = None


@dataclasses.dataclass(frozen=True)
class Counts:
    """Voxels of one region of one case at one mark: what is pooled over cases, and the volume of what is falsely found.

    Attributes:
        case: The case's name.
        region: The region's.
        tp: In reference and prediction.
        fp: In the prediction alone.
        fn: In the reference alone.
        tn: In neither, of those that are scored.
    """

    case: str
    region: str
    tp: int
    fp: int
    fn: int
    tn: int


@dataclasses.dataclass(frozen=True)
class PooledScore:
    """One metric of one region at one mark, over the voxels of all cases together; None where it is not defined."""

    region: str
    metric: str
    value: float | None


@dataclasses.dataclass(frozen=True)
class LesionScores:
    """Lesions of one region of one case at one mark, found and missed.

    Attributes:
        case: The case's name.
        region: The region's.
        lesions: Components of the reference.
        found: Number of these that a predicted component overlaps.
        false_positives: Predicted components that overlap none.
        records: `trainables.lesion_records.Lesions.pack`.
    """

    case: str
    region: str
    lesions: int
    found: int
    false_positives: int
    records: bytes

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Return the scores from their JSON form, whose records are packed text.

        Raises:
            ValueError: The records are damaged, or of another size.
        """
        size = packed_bytes(plain["lesions"], plain["false_positives"])
        return cls(**{**plain, "records": unpack(plain["records"], size)})
