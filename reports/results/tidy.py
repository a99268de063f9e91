"""Results as tidy rows, one number per row, for the CSV files and the data frame."""

from collections.abc import Iterator, Mapping, Sequence

from reports.published import Printed, rows
from reports.results.results import ArmResult, Results
from search_spaces.grammar import Scalar
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

Line = Mapping[str, str | int | float | None]


def final_lines(studies: Sequence[Results]) -> Iterator[Line]:
    """Yields test values of every arm, region, metric and mark (no mean without a result), then the papers' rows."""
    for results in studies:
        p = {comparison.arm: comparison.p for comparison in results.comparisons}
        for arm in results.every_arm:
            yield from _final(results, arm, p.get(arm.row.name))
    papers = dict.fromkeys(name for results in studies for name in results.protocol.published)
    yield from map(_printed, rows(papers))


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
