"""Remarks to be read with the tables: results still to come or lost, failed trainings, changes, assumptions."""

from reports.prose.listing import listed
from reports.prose.provenance import machine_remarks
from reports.results import number_format
from reports.results.estimates import LEAST_SEARCHES_FOR_LOSSES
from reports.results.metric_facts import METRICS
from reports.results.number_format import count
from reports.results.results import ArmResult, Results

SEEDS_DIFFER = 0.01
"""p below which an arm's trainings differ by more than its cases explain."""


def missing(results: Results) -> tuple[str, ...]:
    """Returns sentences on results that are still to come, and on those that were lost."""
    lines = []
    for arm in results.every_arm:
        name, search, trainings = arm.row.name, arm.progress.search, arm.trainings
        if arm.standing == "searching":
            lines.append(f"{name}: {search.ended} of {search.planned} search trials ended; no final training yet.")
        elif arm.standing == "training":
            lines.append(f"{name}: {trainings.ended} of {trainings.planned} final trainings ended.")
        elif arm.standing == "failed" and trainings.ended:
            lines.append(f"{name}: no result, all {count(trainings.planned, 'final training')} were lost.")
        elif arm.standing == "failed":
            lines.append(
                f"{name}: no result, none of its {count(search.planned, 'search trial')} reached the last mark "
                f"({search.counts.get('failed', 0)} failed, {search.counts.get('lost', 0)} lost)."
            )
        elif trainings.missing:
            lines.append(
                f"{name}: {trainings.missing} of {trainings.planned} final trainings were lost to memory, a machine "
                f"or an error ({', '.join(trainings.lost)}): the arm is neither ranked nor tested until they are made "
                "again."
            )
    return tuple(lines)


def remarks(results: Results) -> tuple[str, ...]:
    """Returns warnings that a reader of the tables needs."""
    how = results.protocol
    lines = []
    for arm in results.every_arm:
        if arm.trainings.diverged:
            lines.append(
                f"{arm.row.name}: {arm.trainings.diverged} of {arm.trainings.planned} final trainings diverged; "
                "every case counts 0 there (distances: the image's diagonal)."
            )
        if arm.trainings.collapsed:
            lines.append(
                f"{arm.row.name}: {arm.trainings.collapsed} of {arm.trainings.planned} final trainings collapsed: "
                "nothing right in any case."
            )
        lines += _seeds_apart(results, arm)
    lines += machine_remarks(results)
    lines += _other_winners(results)
    if how.folds > 1 and not how.test_apart and how.search_in == "first_fold" and _any_search(results):
        lines.append(
            "Chosen on cases scored here: the search ran in the first fold, whose validation cases other folds test."
        )
    if how.baseline is None:
        lines.append(
            f"The baseline '{results.records.study.file['report']['baseline']}' is not an arm: nothing is tested."
        )
    if not (how.by_patient or how.dependent):
        lines.append("Each case is taken to be another patient, since the study file names no groups.")
    if results.pixels and any(METRICS[name].kind == "distance" for name in how.metrics):
        lines.append("The voxel size of some cases is unknown: distances are in pixels (px).")
    lines += [notice.text for notice in results.records.notices]
    return tuple(lines)


def _seeds_apart(results: Results, arm: ArmResult) -> list[str]:
    """Returns every training's mean where an arm's trainings differ by more than its cases explain."""
    cell = arm.cells.get(results.objective)
    if cell is None or cell.units_differ is None or cell.units_differ >= SEEDS_DIFFER:
        return []
    metric = METRICS[results.protocol.metric]
    means = ", ".join(number_format.fixed(mean, metric.decimals) for mean in cell.unit_means)
    unit = "searches" if results.protocol.searches >= LEAST_SEARCHES_FOR_LOSSES else "seeds"
    return [f"{arm.row.name}: its {unit} differ by more than its cases explain ({metric.label} {means})."]


def _other_winners(results: Results) -> list[str]:
    """Returns sentences on metrics by which another arm is best: an objective favours losses like itself."""
    how = results.protocol
    first = results.best.get(results.objective)
    if not results.complete or first is None:
        return []
    others: dict[frozenset[str], list[str]] = {}
    for name in how.metrics[1:]:
        best = results.best.get((how.region, name, how.last), first)
        if not best & first:
            others.setdefault(best, []).append(METRICS[name].label)
    return [
        f"By {listed(names)} another arm is best than by {METRICS[how.metric].label}: {listed(sorted(best))}."
        for best, names in others.items()
    ]


def _any_search(results: Results) -> bool:
    return any(arm.progress.search.planned for arm in results.arms)
