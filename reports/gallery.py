"""The gallery: the worst, the median and the best case; every arm's prediction and the reference outlined on each.

Drawn as SVG over the grey slice.
"""

import base64
import dataclasses
import io
import statistics
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reports import numbers
from reports.metrics import METRICS
from reports.results import ArmResult, Results
from study.design import TrialKey
from trainables.trial import Preview

Labels = NDArray[np.uint8]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """One arm's prediction on the case.

    Attributes:
        arm: The arm's name.
        image: The grey slice, cut to what matters, as a data URL; empty where the arm has no prediction.
        width: In pixels of the slice.
        height: Likewise.
        reference: SVG path of the reference's outlines.
        prediction: SVG path of the prediction's outlines.
        caption: What this training scored on this case.
    """

    arm: str
    image: str = ""
    width: int = 0
    height: int = 0
    reference: str = ""
    prediction: str = ""
    caption: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shown:
    """A case, shown for every arm.

    Attributes:
        rank: `Worst`, `Median` or `Best`; empty where it is the only one.
        case: Its name.
        mean: Its objective over all arms, in print.
        slice_index: Index along z of the original grid; None in 2D.
        pictures: One for each arm, by number.
    """

    rank: str
    case: str
    mean: str
    slice_index: int | None
    pictures: tuple[Picture, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gallery:
    """Cases that were chosen by a rule and by nobody.

    Attributes:
        rule: By which rule.
        cases: The worst first.
    """

    rule: str
    cases: tuple[Shown, ...]


First = Mapping[tuple[int, str], tuple[TrialKey, Preview]]
"""(arm, case) → the arm's first training (by search, fold, seed) that kept the case, and what it kept."""


def gallery(results: Results, previews: Sequence[tuple[TrialKey, Preview]]) -> Gallery | None:
    """The worst, the median (the lower one of two) and the best case by the objective's mean over arms.

    Asked are the cases kept for pictures that most arms show, each arm by its first training that kept it; equal ones
    go by name. None without previews.
    """
    first: dict[tuple[int, str], tuple[TrialKey, Preview]] = {}
    for key, preview in previews:
        first.setdefault((key.arm, preview.case), (key, preview))
    if not first:
        return None
    ranked = _ranked(results, first)
    last = len(ranked) - 1
    chosen = {0: "Worst", last // 2: "Median", last: "Best"} if last > 1 else {0: "Worst", last: "Best"}
    if not last:
        chosen = {0: ""}
    metric = METRICS[results.protocol.metric].label
    of = f"of the {last + 1} cases" if last else "the only case"
    ranks = "worst, median and best" if last > 1 else "worst and best" if last else ""
    return Gallery(
        rule=f"{ranks} {of} kept for pictures, by {metric} averaged over the arms. Each arm's first training.".strip(),
        cases=tuple(_shown(results, first, chosen[at], *ranked[at]) for at in sorted(chosen)),
    )


def _ranked(results: Results, first: First) -> list[tuple[str, float | None]]:
    """Cases that most arms show with the objective's mean over arms, the worst first; unscored ones only if all are."""
    values: dict[str, list[float | None]] = {}
    for (_, case), (key, _) in first.items():
        values.setdefault(case, []).append(_value(results, key, case, results.protocol.region))
    most = max(map(len, values.values()))
    means: dict[str, float | None] = {}
    for case, found in values.items():
        if len(found) == most:
            known = [value for value in found if value is not None]
            means[case] = statistics.fmean(known) if known else None
    scored = [(case, mean) for case, mean in means.items() if mean is not None]
    if not scored:
        return [(min(means), None)]
    sign = 1 if METRICS[results.protocol.metric].greater_is_better else -1
    return [*sorted(scored, key=lambda pair: (sign * pair[1], pair[0]))]


def _shown(results: Results, first: First, rank: str, case: str, mean: float | None) -> Shown:
    found = {arm: kept for (arm, name), kept in first.items() if name == case}
    box = _box([preview for _, preview in found.values()])
    flat = all(len(known.facts.get("shape") or (0, 0)) == 2 for known in results.scores.cases if known.name == case)
    metric = METRICS[results.protocol.metric]
    return Shown(
        rank=rank,
        case=case,
        mean="" if mean is None else f"{metric.label} {numbers.fixed(mean, metric.decimals)} over arms",
        slice_index=None if flat else next(iter(found.values()))[1].slice_index,
        pictures=tuple(
            _picture(results, arm, *found[arm.row.number], box)
            if arm.row.number in found
            else Picture(arm=arm.row.name, caption="no prediction")
            for arm in results.arms
        ),
    )


def _value(results: Results, key: TrialKey, case: str, region: str) -> float | None:
    """The objective's metric of one training on one case at the last mark."""
    how, scores = results.protocol, results.scores
    names = [found.name for found in scores.cases]
    if case not in names or key.search >= how.searches or key.fold >= how.folds or key.number >= how.seeds:
        return None
    values = scores.of(scores.arms[key.arm], how.last, region, how.metric)
    value = float(values[key.search, key.fold, key.number, names.index(case)])
    return None if np.isnan(value) else value


def _picture(results: Results, arm: ArmResult, key: TrialKey, preview: Preview, box: tuple[slice, slice]) -> Picture:
    metric = METRICS[results.protocol.metric]
    scored = [(region, _value(results, key, preview.case, region)) for region in results.protocol.regions]
    words = [f"{region} {numbers.fixed(value, metric.decimals)}" for region, value in scored if value is not None]
    image, reference, prediction = (_plane(preview, part)[box] for part in ("image", "reference", "prediction"))
    return Picture(
        arm=arm.row.name,
        image=_png(image),
        width=image.shape[1],
        height=image.shape[0],
        reference=outlines(reference),
        prediction=outlines(prediction),
        caption=f"{metric.label}: {', '.join(words)}" if words else "",
    )


def _plane(preview: Preview, part: str) -> Labels:
    return np.frombuffer(getattr(preview, part), dtype=np.uint8).reshape(preview.shape)


def _box(previews: Sequence[Preview], margin: float = 0.18) -> tuple[slice, slice]:
    """The rectangle around reference and predictions of all arms, with a margin; everything where they are empty."""
    shape = previews[0].shape
    alike = [preview for preview in previews if preview.shape == shape]
    inside = np.any([_plane(p, part) > 0 for p in alike for part in ("reference", "prediction")], axis=0)
    if not inside.any() or len(alike) < len(previews):
        return slice(None), slice(None)
    ends = []
    for axis, size in enumerate(shape):
        there = np.flatnonzero(inside.any(axis=1 - axis))
        pad = max(6, round(margin * (there[-1] - there[0] + 1)))
        ends.append((max(0, int(there[0]) - pad), min(size, int(there[-1]) + 1 + pad)))
    return slice(*ends[0]), slice(*ends[1])


def outlines(labels: Labels) -> str:
    """SVG path along the borders of every class: around pixels, corners cut, each border closed.

    Args:
        labels: `(height, width)` class indices; 0 has no outline. Pixel (row, column) covers x in [column, column + 1].
    """
    from contourpy import contour_generator  # what matplotlib draws contours with

    padded = np.pad(labels, 1)  # so that outlines close at the picture's edge
    parts = []
    for index in range(1, int(labels.max(initial=0)) + 1):
        lines = contour_generator(z=(padded == index).astype(np.float64)).lines(0.5)
        for line in lines:
            points = [f"{x - 0.5:g} {y - 0.5:g}" for x, y in np.asarray(line)[:-1]]
            parts.append(f"M{'L'.join(points)}Z")
    return "".join(parts)


def _png(grey: Labels) -> str:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(grey)).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
