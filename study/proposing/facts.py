"""Facts of a data set by which a study is proposed, measured on all of its files."""

import dataclasses
import math
import os
import pathlib
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from study.cases import patient_groups
from study.cases.splits import groups, natural
from study.proposing import orders, proposed_labels
from study.proposing.places import Places
from study.proposing.proposed_labels import MaskValues, Named
from study.proposing.words import names_patient
from trainables.data.cases.area import Roi
from trainables.data.cases.label_values import parse, parse_all
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.known_layouts import channel_names
from trainables.data.inspecting import inspect
from trainables.data.inspecting.inspect import CaseFacts
from trainables.data.reading import readers
from trainables.errors import InputError

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
AIR, BONE = -200.0, 200.0
"""Hounsfield units: a CT image has voxels below the first (air, lung) and above the second (bone, contrast)."""
AT_ONCE = 4
LOOKED_AT = 10
"""Pictures that are looked at for colours."""
UNMEASURED = {"cpu": 600, "gpu": 10_000}
"""Iterations where nothing was measured: minutes a training on a core, an hour or less on a GPU."""

Effort = Literal["search", "small search", "no search"]
EFFORTS: tuple[Effort, ...] = ("search", "small search", "no search")
Modality = Literal["ct", "picture", "other"]
How = Literal["pattern", "named", "said", "unknown"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
    """A data set, as rules see it.

    Attributes:
        flat: Whether its images are 2D.
        cases: Number of cases.
        group: The value of `dataset.group`.
        grouped: How the group is known: from a pattern in the names, since the names number patients, from the user's
            answer, or not at all.
        patients: Number of groups; that of cases where patients are unknown.
        channels: Number of channels, with colours as three.
        channel_names: Their names, where files or `dataset.json` have them.
        colour: Whether pictures have colours.
        modality: `ct` by `dataset.json` or by Hounsfield units; `picture` for formats of pictures; else `other`.
        shape: Median sides in voxels, `[z, y, x]` or `[y, x]`.
        spacings: Voxel size of each case in mm, along the same axes; empty if a file does not say.
        dark: Share of cases in which at least half of all voxels are 0.
        masks: Values of the masks.
        named: Labels as `dataset.json` names them; None without.
        components: Median number of connected components of the foreground, over cases that have any.
        share: Median share of a case's voxels that is foreground, over cases that have any.
        lacking: Share of cases that lack at least one label.
        ordered: Axes, of `zyx`, along which two labels lie in one order in nearly all cases.
        gpus: Number of GPUs that the study is for; 0: this machine's cores.
        hours: The user's time.
        places: Where the files are.
        iterations: Length of a training.
        effort: How much is searched; less where the time is short.
        outlook: The study's time by a probe, in words; None without a probe.
    """

    flat: bool
    cases: int
    group: str
    grouped: How
    patients: int
    channels: int
    channel_names: tuple[str, ...]
    colour: bool
    modality: Modality
    shape: tuple[int, ...]
    spacings: tuple[tuple[float, ...], ...]
    dark: float
    masks: MaskValues
    named: Named | None
    components: float
    share: float
    lacking: float
    ordered: str
    gpus: int
    hours: float
    places: Places
    iterations: int
    effort: Effort = "search"
    outlook: str | None = None

    @property
    def spacing(self) -> tuple[float, ...]:
        """Median voxel size in mm; () if a file does not say."""
        return tuple(statistics.median(side) for side in zip(*self.spacings, strict=True))

    @property
    def anisotropy(self) -> float:
        """The longest side of the median voxel in the shortest; 1 if unknown."""
        return max(self.spacing) / min(self.spacing) if self.spacing else 1.0

    @property
    def even(self) -> bool:
        """Whether all cases have one voxel size, to 1 %."""
        return all(max(side) <= 1.01 * min(side) for side in zip(*self.spacings, strict=True))


def measure(
    places: Places,
    *,
    ask: Callable[[int], bool] | None,
    hours: float,
    gpus: int,
) -> Facts:
    """Open every file of a data set.

    Args:
        places: Where its files are.
        ask: Asks whether each of so many cases is another patient; None where nobody can answer.
        hours: The user's time.
        gpus: Number of GPUs; 0: this machine's cores.

    Raises:
        InputError: A file cannot be used.
    """
    masks, named = proposed_labels.values(places.files), proposed_labels.described(places.root)
    colour = _in_colour(places)
    flat, seen = _inspected(places, masks, named, colour=colour)
    _refuse_small_area(places, seen)
    names = sorted((case.name for case in places.files), key=natural)
    group, how = _group(places, names, ask)
    channels = seen[0].channels
    called = tuple(places.images) if isinstance(places.images, Mapping) else ()
    called = called or (channel_names(places.root) if places.layout else ())
    foreground = [(sum(fact.voxels.values()) / math.prod(fact.shape), fact) for fact in seen]
    some = [(share, fact) for share, fact in foreground if share]
    return Facts(
        flat=flat,
        cases=len(seen),
        group=group,
        grouped=how,
        patients=len({found for _, found in _groups(places, names, group)}),
        channels=channels,
        channel_names=called if len(called) == channels else (),
        colour=colour,
        modality=_modality(places, called, seen),
        shape=tuple(int(statistics.median(side)) for side in zip(*(fact.shape for fact in seen), strict=True)),
        spacings=() if any(fact.spacing is None for fact in seen) else tuple(fact.spacing or () for fact in seen),
        dark=statistics.fmean(_is_dark(fact) for fact in seen),
        masks=masks,
        named=named,
        components=statistics.median(len(fact.lesions["all"]) for _, fact in some),
        share=statistics.median(share for share, _ in some),
        lacking=statistics.fmean(not all(fact.voxels.values()) for fact in seen),
        ordered=orders.ordered_axes([fact.centres for fact in seen]),
        gpus=gpus,
        hours=hours,
        places=places,
        iterations=UNMEASURED["gpu" if gpus else "cpu"],
    )


def _inspected(
    places: Places, masks: MaskValues, named: Named | None, *, colour: bool
) -> tuple[bool, tuple[CaseFacts, ...]]:
    """Return whether the cases are flat, and their facts, on their own grids."""
    ignored = named.ignore if named else ()
    labels: dict[str, float | str] = {f"v{value:g}": value for value in masks.values if value not in ignored}
    if masks.threshold is not None:
        labels = {"foreground": masks.threshold}
    options = PreprocessOptions(
        dim=2,
        labels=parse_all(labels),
        regions={"all": tuple(range(1, len(labels) + 1))},
        ignore=tuple(parse("", value) for value in ignored),
        colour="channels" if colour else "grey",
        roi=Roi() if places.roi else None,
        normalize="none",
    )
    seen = inspect.all_cases(places.files, options, workers=min(AT_ONCE, os.cpu_count() or 1))
    if seen.problems:
        more = f" ({len(seen.problems) - 1} more problems)" if len(seen.problems) > 1 else ""
        raise InputError(f"{seen.problems[0]}{more}")
    (dim, _), *others = Counter(len(fact.shape) for fact in seen.facts).most_common()
    if others:
        raise InputError(f"{places.root}: volumes and 2D images together. Put them into folders of their own.")
    return dim == 2, seen.facts


def _in_colour(places: Places) -> bool:
    """Return whether one of the first pictures has red, green and blue that differ."""
    return all(len(case.images) == 1 for case in places.files) and any(
        _has_colours(case.images[0]) for case in places.files[:LOOKED_AT]
    )


def _has_colours(image: pathlib.Path) -> bool:
    if image.is_dir() or not image.name.lower().endswith(PICTURES):
        return False
    array = readers.read(image, colour="channels").array
    return array.ndim == 3 and array.shape[-1] == 3 and bool(np.any(array != array[..., :1]))


def _refuse_small_area(places: Places, seen: Sequence[CaseFacts]) -> None:
    """Refuse a field of view that is hardly larger than the reference in it: it may be another reference."""
    inside = statistics.median(fact.scored_voxels for fact in seen)
    if places.roi is not None and inside < 2 * statistics.median(sum(fact.voxels.values()) for fact in seen):
        raise InputError(
            f"{places.roi} and {places.masks}: the first is hardly larger than the second, so it is no field of view, "
            "and names do not tell which is the reference. Move one away, or write the study file by hand."
        )


def _modality(places: Places, called: Sequence[str], seen: Sequence[CaseFacts]) -> Modality:
    if all(case.images[0].name.lower().endswith(PICTURES) for case in places.files):
        return "picture"
    if called:
        return "ct" if all(name.strip().lower() == "ct" for name in called) else "other"
    low = statistics.median(fact.intensities[0][0] for fact in seen)
    high = statistics.median(fact.intensities[0][1] for fact in seen)
    return "ct" if seen[0].channels == 1 and low < AIR and high > BONE else "other"


def _is_dark(fact: CaseFacts) -> bool:
    return all(middle == 0 == low for (_, middle, _), (low, _) in zip(fact.quantiles, fact.intensities, strict=True))


def _group(places: Places, names: Sequence[str], ask: Callable[[int], bool] | None) -> tuple[str, How]:
    proposed = patient_groups.proposed(names, places.files, places.root)
    if proposed is not None:
        return proposed[0], "pattern"
    if all(map(names_patient, names)):
        return "case", "named"
    if ask is not None and ask(len(names)):
        return "case", "said"
    return "unknown", "unknown"


def _groups(places: Places, names: Sequence[str], group: str) -> Sequence[tuple[str, str]]:
    return patient_groups.by_folder(places.files, places.root) if group == "folder" else groups(names, group)
