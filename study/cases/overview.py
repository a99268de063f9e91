"""Overview of a data set: sizes, intensities, labels, lesions, duplicate images, balance of the splits."""

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from study.cases.outliers import Outlier, outliers
from study.cases.splits import Role
from trainables.data.inspecting.inspect import CaseFacts

ROLES: tuple[Role, ...] = ("train", "validation", "test")
CUTS = (5.0, 10.0, 20.0)
"""Diameters between strata of lesions: RECIST calls lesions from 10 mm measurable."""

Five = tuple[float, float, float, float, float]
"""Minimum, first quartile, median, third quartile, maximum."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Amount:
    """A label over the cases that have it.

    Attributes:
        cases: Number of cases that have it.
        volume: Its volume in those; None if none has it.
    """

    cases: int
    volume: Five | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lesions:
    """The lesions of a region over all cases.

    Attributes:
        count: Number of lesions.
        cases: Number of cases that have one.
        most: Maximum number in one case.
        diameter: Diameter of the sphere (2D: circle) of equal volume; None if there are no lesions.
        strata: Stratum of diameter, from `< 5` to `≥ 20` → number of lesions.
    """

    count: int
    cases: int
    most: int
    diameter: Five | None
    strata: Mapping[str, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """The training, validation or test cases of one fold.

    Attributes:
        cases: Number of cases.
        groups: Number of groups.
        labels: Label → its amount in this part.
    """

    cases: int
    groups: int
    labels: Mapping[str, Amount]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Duplicate:
    """Cases with one and the same image.

    Attributes:
        cases: Their names.
        parts: Their parts in each fold in which these differ: a tested image was then seen before.
    """

    cases: tuple[str, ...]
    parts: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overview:
    """A data set as a whole.

    Attributes:
        cases: Number of cases.
        groups: Number of groups.
        length: Unit of diameters: `mm`, or `voxels` if a voxel size is unknown.
        volume: Unit of volumes: `mm³` (2D: `mm²`), or `voxels`.
        shape: For each axis the spread of sides in voxels, of volumes or of 2D images, whichever are more.
        spacing: For each axis the spread in mm; None if no file states it.
        intensities: For each channel the lowest, the cases' median 0.5th, 50th and 99.5th percentile, and the highest.
        labels: Label → volumes.
        lesions: Region → lesions.
        parts: For each fold, role → part.
        outliers: Cases that differ from the rest.
        duplicates: Images that occur more than once.
    """

    cases: int
    groups: int
    length: str
    volume: str
    shape: tuple[Five, ...]
    spacing: tuple[Five, ...] | None
    intensities: tuple[Five, ...]
    labels: Mapping[str, Amount]
    lesions: Mapping[str, Lesions]
    parts: tuple[Mapping[Role, Part], ...]
    outliers: tuple[Outlier, ...]
    duplicates: tuple[Duplicate, ...]

    def plain(self) -> dict[str, Any]:
        """Return JSON-able data."""
        return dataclasses.asdict(self)


def overview(facts: Sequence[CaseFacts], splits: Sequence[Mapping[str, Role]], *, in_voxels: bool = False) -> Overview:
    """Summarise a data set.

    Args:
        facts: Facts about its cases, at least one, all with the same number of channels.
        splits: For each fold, case → role.
        in_voxels: Whether lengths are in voxels, whatever the files state.
    """
    dim = Counter(len(fact.shape) for fact in facts).most_common(1)[0][0]
    alike = [fact for fact in facts if len(fact.shape) == dim]  # 2D patches may come from volumes and 2D images
    measured = not in_voxels and len(alike) == len(facts) and all(fact.spacing is not None for fact in facts)
    sizes = {fact.name: fact.voxel_volume or 1.0 if measured else 1.0 for fact in facts}
    spacings = [fact.spacing for fact in alike if fact.spacing is not None]
    return Overview(
        cases=len(facts),
        groups=len({fact.group for fact in facts}),
        length="mm" if measured else "voxels",
        volume=("mm³" if dim == 3 else "mm²") if measured else "voxels",
        shape=tuple(five(side) for side in zip(*(fact.shape for fact in alike), strict=True)),
        spacing=tuple(five(side) for side in zip(*spacings, strict=True)) if spacings else None,
        intensities=tuple(_intensities(facts, channel) for channel in range(facts[0].channels)),
        labels=_amounts(facts, facts[0].voxels, sizes),
        lesions={region: _lesions(facts, region, sizes) for region in facts[0].lesions},
        parts=tuple(_parts(facts, roles, sizes) for roles in splits),
        outliers=outliers(facts),
        duplicates=duplicates(facts, splits),
    )


def five(values: Iterable[float]) -> Five:
    """Return minimum, quartiles and maximum of at least one value."""
    low, first, middle, third, high = np.percentile(np.fromiter(values, float), (0, 25, 50, 75, 100))
    return float(low), float(first), float(middle), float(third), float(high)


def diameter(volume: float, dim: int) -> float:
    """Return the diameter of the sphere (2D: circle) of a volume (area)."""
    return (6 * volume / math.pi) ** (1 / 3) if dim == 3 else 2 * math.sqrt(volume / math.pi)


def stratum(width: float) -> str:
    """Return the stratum of a diameter."""
    return STRATA[sum(width >= cut for cut in CUTS)]


STRATA = (f"< {CUTS[0]:g}", *(f"{a:g} to {b:g}" for a, b in itertools.pairwise(CUTS)), f"≥ {CUTS[-1]:g}")
"""Names of the strata; a diameter on a boundary belongs to the larger one."""


def ceilings(facts: Sequence[CaseFacts]) -> dict[str, dict[str, float]]:
    """Return upper limits: mean and minimum Dice, by region, of references resampled to the training grid and back."""
    found: dict[str, dict[str, float]] = {}
    for region in facts[0].ceilings if facts else ():
        values = [value for fact in facts if (value := fact.ceilings[region]) is not None]
        if values:
            found[region] = {"mean": sum(values) / len(values), "lowest": min(values), "cases": len(values)}
    return found


def duplicates(facts: Sequence[CaseFacts], splits: Sequence[Mapping[str, Role]]) -> tuple[Duplicate, ...]:
    """Return images that occur more than once, compared by content."""
    alike: dict[str, list[str]] = {}
    for fact in facts:
        alike.setdefault(fact.content, []).append(fact.name)
    found = []
    for names in alike.values():
        if len(names) > 1:
            parts = [" and ".join(_spread(names, roles)) for roles in splits if len(_spread(names, roles)) > 1]
            found.append(Duplicate(cases=tuple(names), parts=tuple(dict.fromkeys(parts))))
    return tuple(found)


def _spread(names: Sequence[str], roles: Mapping[str, Role]) -> list[Role]:
    there = {roles[name] for name in names}
    return [role for role in ROLES if role in there]


def _intensities(facts: Sequence[CaseFacts], channel: int) -> Five:
    lows, highs = zip(*(fact.intensities[channel] for fact in facts), strict=True)
    middles = [float(np.median(values)) for values in zip(*(fact.quantiles[channel] for fact in facts), strict=True)]
    return min(lows), middles[0], middles[1], middles[2], max(highs)


def _amounts(facts: Sequence[CaseFacts], labels: Iterable[str], sizes: Mapping[str, float]) -> dict[str, Amount]:
    found = {}
    for label in labels:
        volumes = [fact.voxels[label] * sizes[fact.name] for fact in facts if fact.voxels[label]]
        found[label] = Amount(cases=len(volumes), volume=five(volumes) if volumes else None)
    return found


def _lesions(facts: Sequence[CaseFacts], region: str, sizes: Mapping[str, float]) -> Lesions:
    widths = [diameter(size * sizes[fact.name], len(fact.shape)) for fact in facts for size in fact.lesions[region]]
    counts = Counter(map(stratum, widths))
    return Lesions(
        count=len(widths),
        cases=sum(bool(fact.lesions[region]) for fact in facts),
        most=max(len(fact.lesions[region]) for fact in facts),
        diameter=five(widths) if widths else None,
        strata={name: counts[name] for name in STRATA},
    )


def _parts(facts: Sequence[CaseFacts], roles: Mapping[str, Role], sizes: Mapping[str, float]) -> dict[Role, Part]:
    parts: dict[Role, Part] = {}
    for role in ROLES:
        inside = [fact for fact in facts if roles[fact.name] == role]
        groups = len({fact.group for fact in inside})
        parts[role] = Part(cases=len(inside), groups=groups, labels=_amounts(inside, facts[0].voxels, sizes))
    return parts
