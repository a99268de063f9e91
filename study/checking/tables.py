"""Tables of `check` about the data, as strings: the same on the terminal and on the page."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from study.cases.outliers import FAR, Outlier
from study.cases.overview import STRATA, Amount, Five, Overview, Part, ceilings
from study.cases.splits import Role
from study.checking.check import Check
from study.checking.estimate import estimated
from study.in_words import counted
from study.study_file import Study

FAR_FROM_THE_REST = f"far from the rest (robust z above {FAR:g})"
SHOWN = 3
"""Number of outliers of one kind that are named."""
FOLDS_SHOWN = 6
MM3_PER_ML = 1000.0
FIVE = ("lowest", "25 %", "median", "75 %", "highest")


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A table of strings.

    Attributes:
        columns: Headings; the first column names the rows.
        rows: One string for each column.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sheets(check: Check) -> tuple[Sheet, ...]:
    """Return tables of labels with volumes, components by size, labels of each part, and ceilings."""
    return (_labels(check.overview), _lesions(check.overview), _balance(check), _ceilings(check))


def facts_of(check: Check) -> Iterator[tuple[str, str]]:
    """Return the data set's facts as pairs (name, text)."""
    facts, study, seen = check.facts, check.study, check.overview
    yield "data", str(study.dataset.path)
    groups = "unknown groups" if study.dataset.group == "unknown" else counted(seen.groups, "group")
    yield "cases", f"{len(facts)} of {groups}, {counted(facts[0].channels, 'channel')}"
    axes = "z, y, x" if len(seen.shape) == 3 else "y, x"
    yield "voxels", f"{_spread(seen.shape)} ({axes})"
    unknown = sum(fact.spacing is None for fact in facts)
    also = f", unknown in {unknown}" if unknown else ""
    yield "spacing", f"{_spread(seen.spacing)} mm{also}" if seen.spacing else "unknown: distances are in pixels"
    for channel, (low, near_low, middle, near_high, high) in enumerate(seen.intensities):
        said = f"{low:.4g} to {high:.4g}; in the middle case {near_low:.4g} to {near_high:.4g}, median {middle:.4g}"
        yield "intensity" if len(seen.intensities) == 1 else f"channel {channel}{_called(study, channel)}", said
    yield "memory", estimated(study, facts).text
    for fold, parts in enumerate(seen.parts):
        yield "split" if len(seen.parts) == 1 else f"fold {fold + 1}", _split(parts)


def _called(study: Study, channel: int) -> str:
    """Return ` (flair)` if the study file names its channels."""
    images = study.dataset.images
    return f" ({list(images)[channel]})" if isinstance(images, Mapping) and channel < len(images) else ""


def outlier_lines(seen: Overview) -> list[str]:
    """Return one line for each quantity in which cases differ, the largest deviation first."""
    by_what: dict[str, list[Outlier]] = {}
    for each in seen.outliers:
        by_what.setdefault(each.what, []).append(each)
    return [_outlier(what, found) for what, found in by_what.items()]


def volume(value: float, seen: Overview) -> str:
    """Return a volume in the unit of `volume_unit`, with three figures."""
    value = value / MM3_PER_ML if seen.volume == "mm³" else value
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def volume_unit(seen: Overview) -> str:
    """Return the unit of volumes: mL if they are known in mm³."""
    return "mL" if seen.volume == "mm³" else seen.volume


def _labels(seen: Overview) -> Sheet:
    """Return volumes over the cases that have a label."""
    rows = []
    for label, amount in seen.labels.items():
        volumes = ("–",) * 5 if amount.volume is None else tuple(volume(value, seen) for value in amount.volume)
        rows.append((label, f"{amount.cases} of {seen.cases}", *volumes))
    return Sheet(("label", "cases", f"{FIVE[0]} {volume_unit(seen)}", *FIVE[1:]), tuple(rows))


def _lesions(seen: Overview) -> Sheet:
    """Return the connected components of the regions by diameter."""
    rows = []
    for region, found in seen.lesions.items():
        middle = "–" if found.diameter is None else f"{found.diameter[2]:.3g}"
        most = f"≤ {found.most:,}" if found.count else "–"
        rows.append((region, f"{found.count:,}", most, *(f"{count:,}" for count in found.strata.values()), middle))
    cuts = (f"{STRATA[0]} {seen.length}", *STRATA[1:])
    return Sheet(("components", "number", "in one case", *cuts, f"median {seen.length}"), tuple(rows))


def _balance(check: Check) -> Sheet:
    """Return what each part has of each label; with folds, the part that changes between them."""
    seen = check.overview
    if len(seen.parts) == 1:
        shown: list[tuple[str, Part]] = [(role, part) for role, part in seen.parts[0].items()]
    else:
        tested = {frozenset(name for name, role in roles.items() if role == "test") for roles in check.splits}
        turning: Role = "test" if len(tested) > 1 else "validation"
        shown = [(f"fold {fold}", parts[turning]) for fold, parts in enumerate(seen.parts[:FOLDS_SHOWN], start=1)]
    rows = tuple((label, *(_share(part.labels[label], part, seen) for _, part in shown)) for label in seen.labels)
    return Sheet((f"cases, median {volume_unit(seen)}", *(name for name, _ in shown)), rows)


def _share(amount: Amount, part: Part, seen: Overview) -> str:
    """Return number of cases and median volume: `7 of 10, 3.2`."""
    middle = "" if amount.volume is None else f", {volume(amount.volume[2], seen)}"
    return f"{amount.cases} of {part.cases}{middle}"


def _outlier(what: str, found: Sequence[Outlier]) -> str:
    if found[0].usual is None:
        return f"{what}: in {found[0].case} alone"
    worst = sorted(found, key=lambda each: -abs(each.z or 0.0))
    named = ", ".join(f"{each.case} {each.value:.4g} (z {each.z:g})" for each in worst[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"{what}: {named}{more}; usually {found[0].usual:.4g}"


def _ceilings(check: Check) -> Sheet:
    found = ceilings(check.facts).items()
    rows = tuple((region, f"{values['mean']:.3f}", f"{values['lowest']:.3f}") for region, values in found)
    return Sheet(("region", "ceiling (Dice): mean", "lowest"), rows)


def _split(parts: Mapping[Role, Part]) -> str:
    return ", ".join(
        f"{role} {part.cases}" + (f" of {counted(part.groups, 'group')}" if part.groups < part.cases else "")
        for role, part in parts.items()
    )


def _spread(sides: Sequence[Five]) -> str:
    """Return sides as `48 × 64 × 64`, or `40..50 × 60 × 64..70` if they differ."""
    return " × ".join(f"{low:.4g}" if low == high else f"{low:.4g}..{high:.4g}" for low, *_, high in sides)
