"""Results as tidy rows, one number per row, for the CSV files and the data frame."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from reports.published import Printed, rows
from reports.results.results import ArmResult, Results
from reports.results.scores import NOTES, Run
from search_spaces.grammar import Scalar
from search_spaces.metrics import of_split
from study.design import Stage

COLUMNS = (
    "study",
    "arm",
    "model",
    "loss",
    "weighting",
    "parameters",
    "stage",
    "region",
    "metric",
    "iteration",
    "mean",
    "low",
    "high",
    "n",
    "baseline_p",
    "published",
)
"""As DESIGN.md has them. `parameters`: the tuned ones, `name=value;name=value`, joined by ` | ` where several searches
chose differently. `n`: cases. `baseline_p`: Holm's, in the primary family only. `published`: where a paper's own number
comes from; empty for ours. Such a row has the paper's study, the stage `published`, and no region or iteration where
the paper names none."""

CASE_COLUMNS = (
    *("study", "arm", "search", "fold", "seed", "case", "group", "region", "metric", "iteration", "value", "note"),
)
"""Of the file of single scores. `value`: as it enters the means, so 0 (distances: the image's diagonal) in a training
that diverged; empty where the case has none. `note`: a miss, a false positive, a clean negative, or diverged."""

Line = Mapping[str, str | int | float | None]


def final_lines(studies: Sequence[Results]) -> Iterator[Line]:
    """Yields test values of every arm, region, metric and mark (no mean without a result), then the papers' rows."""
    for results in studies:
        p = {comparison.arm: comparison.p for comparison in results.comparisons}
        for arm in results.every_arm:
            yield from _final(results, arm, p.get(arm.row.name))
    papers = dict.fromkeys(name for results in studies for name in results.protocol.published)
    yield from map(_printed, rows(papers))


def case_lines(studies: Sequence[Results]) -> Iterator[Line]:
    """Yields every test case's value in every final training at the last mark, of all metrics of a case."""
    for results in studies:
        for run, end in sorted(results.scores.ends.items()):
            if end in ("scored", "diverged"):
                yield from _cases(results, run, diverged=end == "diverged")


def search_lines(studies: Sequence[Results]) -> Iterator[Line]:
    """Yields the validation objective of every search trial at every mark that it reached."""
    return (line for results in studies for arm in results.arms for line in _search(results, arm))


def _final(results: Results, arm: ArmResult, p: float | None) -> Iterator[Line]:
    chosen = " | ".join(dict.fromkeys(_parameters(winner.parameters) for winner in arm.progress.winners))
    for (region, metric, mark), cell in arm.cells.items():
        found = cell.estimate
        yield {
            **_arm(results, arm, "final"),
            "parameters": chosen,
            "region": region,
            "metric": metric,
            "iteration": mark,
            "mean": None if found is None else found.mean,
            "low": None if found is None else found.low,
            "high": None if found is None else found.high,
            "n": cell.cases,
            "baseline_p": p if (region, metric, mark) == results.objective else None,
        }


def _cases(results: Results, run: Run, *, diverged: bool) -> Iterator[Line]:
    scores, how = results.scores, results.protocol
    values, notes = scores.at_the_end(run)
    arm, search, fold, seed = run
    words = {code: word for word, code in NOTES.items()}
    for (place, case), (at, region), (which, metric) in itertools.product(
        enumerate(scores.cases), enumerate(how.regions), enumerate(how.metrics)
    ):
        if case.splits[fold] != "test" or of_split(metric):
            continue
        value = float(values[at, which, place])
        yield {
            "study": results.records.study.name,
            "arm": scores.arms[arm],
            "search": search,
            "fold": fold,
            "seed": seed,
            "case": case.name,
            "group": case.group,
            "region": region,
            "metric": metric,
            "iteration": how.last,
            "value": None if math.isnan(value) else value,
            "note": "diverged" if diverged else words.get(int(notes[at, place]), ""),
        }


def _printed(row: Printed) -> Line:
    weighting = [row.weighting] if row.weighting != "none" else []
    return {
        "study": row.study,
        "arm": "+".join((row.model, row.loss, *weighting)),
        "model": row.model,
        "loss": row.loss,
        "weighting": row.weighting,
        "parameters": ";".join(f"{name}={value}" for name, value in row.parameters),
        "stage": "published",
        "region": row.region,
        "metric": row.metric,
        "iteration": row.iteration,
        "mean": row.value,
        "published": "; ".join(filter(None, (row.dataset, row.origin, row.source, row.note))),
    }


def _search(results: Results, arm: ArmResult) -> Iterator[Line]:
    for trial in results.records.trials:
        key = trial.key
        if key.stage != "search" or key.arm != arm.row.number:
            continue
        judged_on = sum(case.splits[key.fold] == "validation" for case in results.records.cases)
        chosen = _parameters({name: trial.parameters[name] for name in arm.progress.tuned})
        for mark, value in sorted(arm.progress.values[key].items()):
            yield {
                **_arm(results, arm, "search"),
                "parameters": chosen,
                "region": results.protocol.region,
                "metric": results.protocol.metric,
                "iteration": mark,
                "mean": value,
                "n": judged_on,
            }


def _arm(results: Results, arm: ArmResult, stage: Stage) -> Line:
    row = arm.row
    return {
        "study": results.records.study.name,
        "arm": row.name,
        "model": row.model,
        "loss": row.loss,
        "weighting": row.weighting,
        "stage": stage,
    }


def _parameters(chosen: Mapping[str, Scalar]) -> str:
    return ";".join(f"{name}={value}" for name, value in chosen.items())
