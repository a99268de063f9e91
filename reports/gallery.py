"""The gallery: the worst, the median and the best case; every arm's prediction and the reference outlined on each.

Drawn as SVG over grey slices; of volumes several slices, to be scrolled.
"""

import dataclasses
import statistics
from collections.abc import Mapping

import numpy as np

from reports import numbers
from reports.metrics import METRICS
from reports.outlines import Labels, box, outlines, planes, png
from reports.records import Pictures
from reports.results import ArmResult, Results
from study.design import TrialKey
from trainables.pictures import Preview, Stack


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """One arm's prediction on the case.

    Attributes:
        arm: The arm's name.
        predictions: SVG path of the prediction's outlines, slice by slice; none where the arm has no prediction.
        caption: What this training scored on this case.
    """

    arm: str
    predictions: tuple[str, ...] = ()
    caption: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shown:
    """A case, shown for every arm on the same slices, cut to what matters.

    Attributes:
        rank: `Worst`, `Median` or `Best`; empty where it is the only one.
        case: Its name.
        mean: Its objective over all arms, in print.
        slices: Indices along z of the original grid; none in 2D.
        start: Which of them is shown first: the one with most of the reference.
        width: In pixels of a slice.
        height: Likewise.
        images: The grey slices, as data URLs.
        references: SVG path of the reference's outlines, slice by slice.
        pictures: One for each arm, by number.
    """

    rank: str
    case: str
    mean: str
    slices: tuple[int, ...]
    start: int
    width: int
    height: int
    images: tuple[str, ...]
    references: tuple[str, ...]
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


def gallery(results: Results, pictures: Pictures) -> Gallery | None:
    """The worst, the median (the lower one of two) and the best case by the objective's mean over arms.

    Asked are the cases kept for pictures that most arms show, each arm by its first training that kept it; equal ones
    go by name. None without previews.
    """
    first: dict[tuple[int, str], tuple[TrialKey, Preview]] = {}
    shown = {arm.row.number for arm in results.arms}
    for key, preview in pictures.previews:
        if key.arm not in shown:
            continue
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
    cases = [ranked[at][0] for at in sorted(chosen)]
    stacks = pictures.slices([key for (_, case), (key, _) in first.items() if case in cases], cases)
    return Gallery(
        rule=f"{ranks} {of} kept for pictures, by {metric} averaged over the arms. Each arm's first training.".strip(),
        cases=tuple(_shown(results, first, stacks, chosen[at], *ranked[at]) for at in sorted(chosen)),
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


Stacks = Mapping[tuple[TrialKey, str], Stack]


def _shown(results: Results, first: First, stacks: Stacks, rank: str, case: str, mean: float | None) -> Shown:
    kept = {arm: pair for (arm, name), pair in first.items() if name == case}
    views = _views({arm: (preview, stacks.get((key, case))) for arm, (key, preview) in kept.items()})
    view = next(iter(views.values()))
    image, reference, predictions = (
        planes(view.image, view.shape),
        planes(view.reference, view.shape),
        {arm: planes(each.prediction, each.shape) for arm, each in views.items()},
    )
    cut = (slice(None), *box([reference, *predictions.values()]))
    image, reference = image[cut], reference[cut]
    flat = all(len(known.facts.get("shape") or (0, 0)) == 2 for known in results.scores.cases if known.name == case)
    metric, fullest = METRICS[results.protocol.metric], next(iter(kept.values()))[1].slice_index
    return Shown(
        rank=rank,
        case=case,
        mean="" if mean is None else f"{metric.label} {numbers.fixed(mean, metric.decimals)} over arms",
        slices=() if flat else view.slices,
        start=view.slices.index(fullest) if fullest in view.slices else 0,
        width=image.shape[2],
        height=image.shape[1],
        images=tuple(map(png, image)),
        references=tuple(map(outlines, reference)),
        pictures=tuple(
            _picture(results, arm, kept[arm.row.number][0], case, predictions[arm.row.number][cut])
            if arm.row.number in predictions
            else Picture(arm=arm.row.name, caption="no prediction")
            for arm in results.arms
        ),
    )


def _views(kept: Mapping[int, tuple[Preview, Stack | None]]) -> dict[int, Stack]:
    """Each arm's slices where all arms have the same ones, else its preview; arms with another shape are left out."""
    stacks = {arm: stack for arm, (_, stack) in kept.items() if stack is not None}
    if len(stacks) < len(kept) or len({(stack.slices, stack.shape) for stack in stacks.values()}) > 1:
        stacks = {
            arm: Stack((one.slice_index,), one.shape, one.image, one.reference, one.prediction)
            for arm, (one, _) in kept.items()
        }
    shape = next(iter(stacks.values())).shape
    return {arm: stack for arm, stack in stacks.items() if stack.shape == shape}


def _value(results: Results, key: TrialKey, case: str, region: str) -> float | None:
    """The objective's metric of one training on one case at the last mark."""
    how, scores = results.protocol, results.scores
    names = [found.name for found in scores.cases]
    if case not in names or key.search >= how.searches or key.fold >= how.folds or key.number >= how.seeds:
        return None
    values = scores.of(scores.arms[key.arm], how.last, region, how.metric)
    value = float(values[key.search, key.fold, key.number, names.index(case)])
    return None if np.isnan(value) else value


def _picture(results: Results, arm: ArmResult, key: TrialKey, case: str, prediction: Labels) -> Picture:
    metric = METRICS[results.protocol.metric]
    scored = [(region, _value(results, key, case, region)) for region in results.protocol.regions]
    words = [f"{region} {numbers.fixed(value, metric.decimals)}" for region, value in scored if value is not None]
    return Picture(
        arm=arm.row.name,
        predictions=tuple(map(outlines, prediction)),
        caption=f"{metric.label}: {', '.join(words)}" if words else "",
    )
