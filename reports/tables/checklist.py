"""Items of reporting guidelines with what the ledger answers; what a study cannot answer stays open for its authors.

Sources: CLAIM 2024 (Tejani et al. 2024, https://doi.org/10.1148/ryai.240300), TRIPOD+AI (Collins et al. 2024,
https://doi.org/10.1136/bmj-2023-078378), Metrics Reloaded (Maier-Hein et al. 2024,
https://doi.org/10.1038/s41592-023-02151-z). Items are paraphrased; the guidelines have more.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable

from reports.results import number_format
from reports.results.later_changes import changes_after_results
from reports.results.metric_facts import METRICS
from reports.results.names import objective
from reports.results.number_format import count
from reports.results.results import Results
from reports.statistics.smallest_difference import detectable
from reports.tables.protocol_differences import patches_drawn
from reports.tables.table import Entry, Row, Table

OPEN = "open: the authors' to say"


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One item.

    Attributes:
        guideline: Which guideline asks for it.
        question: The item's question.
        answer: Function that returns what the ledger answers; None where no ledger can.
    """

    guideline: str
    question: str
    answer: Callable[[Results], str] | None = None


def _sizes(results: Results) -> str:
    cases = results.records.cases
    parts = Counter(split for case in cases for split in set(case.splits))
    groups = len({case.group for case in cases})
    known = f" of {count(groups, 'patient')}" if results.protocol.by_patient else "; patients are not named"

    def people(part: str) -> str:
        groups = {case.group for case in cases if part in case.splits}
        return f" ({count(len(groups), 'patient')})" if results.protocol.by_patient else ""

    return f"{count(len(cases), 'case')}{known}: " + ", ".join(
        f"{parts[name]} {name}{people(name)}" for name in ("train", "validation", "test") if parts[name]
    )


def _partition(results: Results) -> str:
    how = results.protocol
    if how.dependent:
        return "by case; it is not known which cases belong to one patient"
    unit = "patient (no patient in two parts)" if how.by_patient else "case, each taken to be another patient"
    return f"by {unit}" + (f", {how.folds} folds" if how.folds > 1 else "") + "; by what rule: see the Methods"


def _left_out(results: Results) -> str:
    dataset = results.records.study.file["dataset"]
    excluded, limit = dataset.get("exclude") or (), dataset.get("limit")
    parts = [f"{count(len(excluded), 'case')} by name"] * bool(excluded)
    parts += [f"all but the first {limit} by name"] * (limit is not None)
    return ", ".join(parts) or "none"


def _imbalance(results: Results) -> str:
    weighted = any(arm.row.weighting != "none" for arm in results.arms)
    return patches_drawn(results) + ("; arms with inverse lesion weights" if weighted else "")


def _power(results: Results) -> str:
    metric = METRICS[results.protocol.metric]
    reached = [
        found
        for comparison in results.comparisons
        if comparison.p is not None
        and comparison.cell.estimate is not None
        and (found := detectable(comparison.cell.estimate, len(results.comparisons))) is not None
    ]
    if not reached:
        return "no difference was tested"
    ends = [number_format.fixed(value, metric.decimals) for value in (min(reached), max(reached))]
    span = ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
    return f"smallest difference in {metric.label} found with 80 % probability: {span}, by comparison"


def _missing(results: Results) -> str:
    lost = sum(arm.trainings.missing for arm in results.every_arm)
    diverged = sum(arm.trainings.diverged for arm in results.every_arm)
    return f"{count(lost, 'final training')} lost and left out, {diverged} diverged and counted as the worst value"


def _tuning(results: Results) -> str:
    how = results.protocol
    if not any(arm.progress.search.planned for arm in results.arms):
        return "nothing was tuned"
    return (
        f"{how.trials_per_arm} trials an arm by {how.sampler}, {count(how.searches, 'search', 'searches')}, chosen by "
        f"{objective(results)} on validation cases"
    )


def _uncertainty(results: Results) -> str:
    units = "searches" if results.protocol.searches > 2 else "seeds"
    return f"95 % intervals over {'patients' if results.protocol.by_patient else 'cases'} and {units}, not adjusted"


def _testing(results: Results) -> str:
    tested = sum(found.p is not None for found in results.comparisons)
    if not tested:
        return "no difference was tested"
    family = f"{count(tested, 'test')}, Holm over {len(results.comparisons)}"
    return f"{objective(results)} against {results.protocol.baseline}, {family}"


def _changes(results: Results) -> str:
    return "; ".join(changes_after_results(results.records.notices)) or "none recorded in the ledger"


def _metrics(results: Results) -> str:
    return ", ".join(METRICS[name].label for name in results.protocol.metrics) + "; defined in the Methods"


def _units(results: Results) -> str:
    distances = any(METRICS[name].kind == "distance" for name in results.protocol.metrics)
    return ("px: the voxel size is unknown" if results.pixels else "mm") if distances else "no distances are reported"


def _empty(results: Results) -> str:
    return "no value" if results.protocol.empty == "missing" else "1 where nothing was predicted either, else 0"


def _classes(results: Results) -> str:
    how, cases = results.protocol, results.scores.cases
    lacking = [
        f"{region} {sum((case.facts.get('ceilings') or {}).get(region, 1.0) is None for case in cases)}"
        for region in how.regions
    ]
    return f"test cases without it: {', '.join(lacking)} of {len(cases)}"


def _software(results: Results) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(results.records.study.versions.items()))


def _devices(results: Results) -> str:
    return ", ".join(sorted({segment.device for segment in results.records.segments})) or "not recorded"


def _models(results: Results) -> str:
    return f"{count(len(results.arms), 'arm')}; see the Methods"


def _augmentation(results: Results) -> str:
    given = results.records.study.file.get("augment") or []
    return ", ".join(number_format.augmentation(one) for one in given) or "none"


ITEMS: tuple[Item, ...] = (
    Item("CLAIM", "clinical question, intended use, hypothesis"),
    Item("CLAIM, TRIPOD+AI", "source of data, dates, centres, inclusion and exclusion of patients"),
    Item("CLAIM, TRIPOD+AI", "ethics approval, consent, data availability"),
    Item("CLAIM", "number of cases and patients", _sizes),
    Item("CLAIM, TRIPOD+AI", "cases that the study left out", _left_out),
    Item("CLAIM, TRIPOD+AI", "sample size and what it can find", _power),
    Item("CLAIM, TRIPOD+AI", "how data were partitioned, and at what level", _partition),
    Item("CLAIM", "preprocessing", lambda results: "grids, intensities and windows: see the Methods"),
    Item("CLAIM", "reference standard: who annotated, how, with what agreement"),
    Item("TRIPOD+AI", "demographics and subgroups, fairness"),
    Item(
        "CLAIM",
        "model, loss, initialisation, parameters",
        _models,
    ),
    Item("CLAIM", "augmentation", _augmentation),
    Item("TRIPOD+AI", "class imbalance: what was done about it", _imbalance),
    Item("CLAIM, TRIPOD+AI", "tuning and choice of the final model", _tuning),
    Item("TRIPOD+AI", "missing data and failed trainings", _missing),
    Item("CLAIM", "software", _software),
    Item("CLAIM", "hardware", _devices),
    Item("Metrics Reloaded", "metrics and their definitions", _metrics),
    Item("Metrics Reloaded", "why these metrics suit the clinical question"),
    Item("Metrics Reloaded", "unit of distances", _units),
    Item("Metrics Reloaded", "value of an empty reference", _empty),
    Item("Metrics Reloaded", "cases without a region", _classes),
    Item("Metrics Reloaded", "inter-rater variability as a reference of what can be reached"),
    Item("CLAIM, TRIPOD+AI", "uncertainty of each measure", _uncertainty),
    Item("CLAIM, TRIPOD+AI", "statistical test and its family", _testing),
    Item("TRIPOD+AI", "changes after results were seen", _changes),
    Item("CLAIM, TRIPOD+AI", "external test data, generalisation"),
    Item("CLAIM, TRIPOD+AI", "limitations, funding, registration, protocol"),
)


def checklist(results: Results) -> Table | None:
    """Returns the items with their answers; None before anything was scored."""
    if not any(cell.estimate for arm in results.arms for cell in arm.cells.values()):
        return None
    return Table(
        key="checklist",
        title="Checklist: what reporting guidelines ask for",
        columns=("Item", "Guideline", "From the ledger"),
        rows=tuple(
            Row((Entry(item.question), Entry(item.guideline), Entry(item.answer(results) if item.answer else OPEN)))
            for item in ITEMS
        ),
        notes=(
            "After CLAIM 2024, TRIPOD+AI and Metrics Reloaded, paraphrased and not complete: the journal's own form is "
            "to be filled. What no ledger can know is left open.",
        ),
        words=frozenset({0, 1, 2}),
    )
