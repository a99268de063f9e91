"""The gallery: the worst, the median and the best case with outlines of the reference and of every arm's prediction.

Outlines are SVG over grey slices; volumes have several slices to scroll through.
"""

import dataclasses
import statistics
from collections.abc import Mapping

import numpy as np

from reports.figures.outlines import Labels, box, outlines, planes, png
from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.results.records import Pictures
from reports.results.results import Results
from study.design import TrialKey
from trainables.pictures.kept import Preview, Stack


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """One arm's prediction on the case.

    Attributes:
        arm: The arm's name.
        predictions: SVG path of the prediction's outlines, slice by slice; empty without a prediction.
        caption: Scores of this training on this case.
    """

    arm: str
    predictions: tuple[str, ...] = ()
    caption: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shown:
    """A case as the page shows it for every arm: the same slices, cropped to the foreground.

    Attributes:
        rank: `Worst`, `Median` or `Best`; empty for a single case.
        case: Its name.
        mean: Its objective over all arms, in print.
        slices: Indices along z of the original grid; none in 2D.
        start: Index of the slice shown first: the one with most of the reference.
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


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Chosen:
    """A case of the gallery as arrays.

    Attributes:
        rank: As in `Shown`; so are the next four.
        case: Its name.
        mean: Its objective over all arms, in print.
        slices: Indices along z of the original grid; none in 2D.
        start: Index of the slice shown first.
        image: `(slices, height, width)` grey, cropped to the foreground.
        reference: Class indices, likewise.
        predictions: Number of the arm → class indices, likewise.
        captions: Number of the arm → scores of its training on the case.
    """

    rank: str
    case: str
    mean: str
    slices: tuple[int, ...]
    start: int
    image: Labels
    reference: Labels
    predictions: Mapping[int, Labels]
    captions: Mapping[int, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gallery:
    """Cases chosen by a fixed rule.

    Attributes:
        rule: The rule, as a sentence.
        cases: The worst first.
    """

    rule: str
    cases: tuple[Shown, ...]


First = Mapping[tuple[int, str], tuple[TrialKey, Preview]]
"""(arm, case) → the arm's first training (by search, fold, seed) that kept a preview of the case, and the preview."""


def gallery(results: Results, pictures: Pictures) -> Gallery | None:
    """Returns the gallery for the page; None without previews."""
    found = chosen(results, pictures)
    if found is None:
        return None
    rule, cases = found
    return Gallery(rule=rule, cases=tuple(_shown(results, case) for case in cases))


def chosen(results: Results, pictures: Pictures) -> tuple[str, tuple[Chosen, ...]] | None:
    """Returns the rule, and the worst, median (the lower of two) and best case by the mean over arms.

    Candidates are the cases with previews that most arms have, each arm by its first training; ties go by name.
    None without previews.
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
    ranks = {0: "Worst", last // 2: "Median", last: "Best"} if last > 1 else {0: "Worst", last: "Best"}
    if not last:
        ranks = {0: ""}
    metric = METRICS[results.protocol.metric].label
    of = f"of the {last + 1} cases" if last else "the only case"
    words = "worst, median and best" if last > 1 else "worst and best" if last else ""
    cases = [ranked[at][0] for at in sorted(ranks)]
    stacks = pictures.slices([key for (_, case), (key, _) in first.items() if case in cases], cases)
    return (
        f"{words} {of} kept for pictures, by {metric} averaged over the arms. Each arm's first training. "
        "Which cases are kept goes by their names, evenly, before any is scored.".strip(),
        tuple(_chosen(results, first, stacks, ranks[at], *ranked[at]) for at in sorted(ranks)),
    )


def _ranked(results: Results, first: First) -> list[tuple[str, float | None]]:
    """Returns (case, mean objective over arms), the worst first; unscored cases only if all are unscored."""
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


def _chosen(results: Results, first: First, stacks: Stacks, rank: str, case: str, mean: float | None) -> Chosen:
    kept = {arm: pair for (arm, name), pair in first.items() if name == case}
    views = _views({arm: (preview, stacks.get((key, case))) for arm, (key, preview) in kept.items()})
    view = next(iter(views.values()))
    image, reference = planes(view.image, view.shape), planes(view.reference, view.shape)
    predictions = {arm: planes(each.prediction, each.shape) for arm, each in views.items()}
    cut = (slice(None), *box([reference, *predictions.values()]))
    flat = all(len(known.facts.get("shape") or (0, 0)) == 2 for known in results.scores.cases if known.name == case)
    metric, fullest = METRICS[results.protocol.metric], next(iter(kept.values()))[1].slice_index
    return Chosen(
        rank=rank,
        case=case,
        mean="" if mean is None else f"{metric.label} {number_format.fixed(mean, metric.decimals)} over arms",
        slices=() if flat else view.slices,
        start=view.slices.index(fullest) if fullest in view.slices else 0,
        image=image[cut],
        reference=reference[cut],
        predictions={arm: labels[cut] for arm, labels in predictions.items()},
        captions={arm: _caption(results, kept[arm][0], case) for arm in predictions},
    )


def _shown(results: Results, case: Chosen) -> Shown:
    return Shown(
        rank=case.rank,
        case=case.case,
        mean=case.mean,
        slices=case.slices,
        start=case.start,
        width=case.image.shape[2],
        height=case.image.shape[1],
        images=tuple(map(png, case.image)),
        references=tuple(map(outlines, case.reference)),
        pictures=tuple(_picture(arm.row.name, arm.row.number, case) for arm in results.arms),
    )


def _picture(arm: str, number: int, case: Chosen) -> Picture:
    if number not in case.predictions:
        return Picture(arm=arm, caption="no prediction")
    return Picture(arm=arm, predictions=tuple(map(outlines, case.predictions[number])), caption=case.captions[number])


def _views(kept: Mapping[int, tuple[Preview, Stack | None]]) -> dict[int, Stack]:
    """Returns each arm's slices if all arms have the same, else its preview; arms of another shape are left out."""
    stacks = {arm: stack for arm, (_, stack) in kept.items() if stack is not None}
    if len(stacks) < len(kept) or len({(stack.slices, stack.shape) for stack in stacks.values()}) > 1:
        stacks = {
            arm: Stack((one.slice_index,), one.shape, one.image, one.reference, one.prediction)
            for arm, (one, _) in kept.items()
        }
    shape = next(iter(stacks.values())).shape
    return {arm: stack for arm, stack in stacks.items() if stack.shape == shape}


def _value(results: Results, key: TrialKey, case: str, region: str) -> float | None:
    """Returns the objective's metric of one training on one case at the last mark."""
    how, scores = results.protocol, results.scores
    names = [found.name for found in scores.cases]
    if case not in names or key.search >= how.searches or key.fold >= how.folds or key.number >= how.seeds:
        return None
    values = scores.of(scores.arms[key.arm], how.last, region, how.metric)
    value = float(values[key.search, key.fold, key.number, names.index(case)])
    return None if np.isnan(value) else value


def _caption(results: Results, key: TrialKey, case: str) -> str:
    """Returns the scores of a training on a case, region by region."""
    metric = METRICS[results.protocol.metric]
    scored = [(region, _value(results, key, case, region)) for region in results.protocol.regions]
    words = [f"{region} {number_format.fixed(value, metric.decimals)}" for region, value in scored if value is not None]
    return f"{metric.label}: {', '.join(words)}" if words else ""
