"""Lesion records: the best match of each lesion of a case, and the false positives. Plain data."""

import dataclasses
import struct
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

MOST_FALSE_POSITIVES = 10_000
"""False positives kept for a case, the most confident ones; `false_positives` counts all. Early networks scatter
millions of them. A FROC up to 8 a scan is still exact for 1,250 scans."""

_ARRAYS: Mapping[str, type[np.generic]] = {
    "voxels": np.uint32,
    "dice": np.float64,
    "confidence": np.float32,
    "false_voxels": np.uint32,
    "false_confidence": np.float32,
}
_HEAD = struct.Struct("<IIIf")


@dataclasses.dataclass(frozen=True, eq=False)
class Lesions:
    """One region of one case: components of the reference, each against those of the prediction.

    A predicted component that overlaps no lesion is a false positive; several on one lesion are neither hits nor false.

    Attributes:
        case: The case's name.
        region: The region's.
        voxels: `(L,)` size of each lesion.
        dice: `(L,)` its best Dice with any one predicted component; 0 where none overlaps it.
        confidence: `(L,)` greatest log-odds in that component; -inf where there is none.
        false_voxels: `(F,)` size of false positives, the most confident first.
        false_confidence: `(F,)` their greatest log-odds.
        false_positives: How many there are; `F` unless there are more than `MOST_FALSE_POSITIVES`.
        peak: Greatest log-odds of any predicted component; -inf without one.
    """

    case: str
    region: str
    voxels: NDArray[np.uint32]
    dice: NDArray[np.float64]
    confidence: NDArray[np.float32]
    false_voxels: NDArray[np.uint32]
    false_confidence: NDArray[np.float32]
    false_positives: int
    peak: float

    @property
    def found(self) -> NDArray[np.bool_]:
        """`(L,)` whether a predicted component overlaps the lesion."""
        return self.dice > 0

    def pack(self) -> bytes:
        """All but the two names, as bytes that any machine reads."""
        head = _HEAD.pack(len(self.voxels), len(self.false_voxels), self.false_positives, self.peak)
        parts = (
            np.asarray(getattr(self, name), kind).astype(np.dtype(kind).newbyteorder("<")).tobytes()
            for name, kind in _ARRAYS.items()
        )
        return head + b"".join(parts)

    @classmethod
    def unpack(cls, case: str, region: str, packed: bytes) -> Self:
        """The inverse of `pack`."""
        lesions, kept, false_positives, peak = _HEAD.unpack_from(packed)
        start, arrays = _HEAD.size, dict[str, Any]()
        for name, kind in _ARRAYS.items():
            count = kept if name.startswith("false_") else lesions
            stored = np.frombuffer(packed, np.dtype(kind).newbyteorder("<"), count, start)
            arrays[name] = stored.astype(kind)
            start += stored.nbytes
        return cls(case, region, **arrays, false_positives=false_positives, peak=peak)


def packed_bytes(lesions: int, false_positives: int) -> int:
    """Return the bytes of `Lesions.pack` for a case.

    Args:
        lesions: Components of the reference.
        false_positives: Predicted components that overlap none; those beyond `MOST_FALSE_POSITIVES` are not kept.
    """
    kept = min(false_positives, MOST_FALSE_POSITIVES)
    counts = {name: kept if name.startswith("false_") else lesions for name in _ARRAYS}
    return _HEAD.size + sum(count * np.dtype(_ARRAYS[name]).itemsize for name, count in counts.items())
