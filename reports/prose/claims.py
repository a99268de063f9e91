"""Sentences of the report: supported claims, missing results, and remarks (METHOD.md §2, §3, §5)."""

from collections.abc import Sequence

from reports.results import number_format
from reports.results.estimates import LEAST_SEARCHES_FOR_LOSSES
from reports.results.metric_facts import METRICS
from reports.results.names import objective
from reports.results.number_format import count
from reports.results.results import ArmResult, Comparison, Results
from reports.statistics.intervals_and_tests import LEAST_GROUPS_FOR_P, LEAST_GROUPS_TO_CONFIRM, LEAST_SEEDS_FOR_LOSSES

ALPHA = 0.05


def claims(results: Results) -> tuple[str, ...]:
    """Returns the claims that the results support: the finding first, then its scope."""
    if not any(cell.estimate for arm in results.arms for cell in arm.cells.values()):
        return ("Nothing may be claimed yet: no test case has been scored.",)
    if not results.complete:
        return ("Nothing may be claimed yet: the study is not finished, and its numbers will change.",)
    if results.protocol.dependent:
        return (
            "Nobody knows which cases belong to one patient (`group: unknown`): nothing is tested, the intervals are "
            "too narrow, and no difference may be claimed.",
        )
    if results.scores.patients < LEAST_GROUPS_FOR_P:
        return (_too_few(results),)
    return (*_finding(results), *_reach(results))


def _too_few(results: Results) -> str:
    if results.scores.patients == 1:
        return "All test cases are of one group: means describe these images; there is no interval and no test."
    groups = "patients" if results.protocol.by_patient else "cases"
    return (
        f"{results.scores.patients} {groups} are too few for a test (at least {LEAST_GROUPS_FOR_P}): "
        "the intervals show what is uncertain, and no difference may be claimed."
    )


def _finding(results: Results) -> list[str]:
    if not results.comparisons:
        return ["There is nothing to compare the arm with."]
    shown = _shown(results)
    few = results.scores.patients < LEAST_GROUPS_TO_CONFIRM
    lead = f"Exploratory, with fewer than {LEAST_GROUPS_TO_CONFIRM} groups: on" if few else "On"
    lines = [f"{lead} {_tested(results)}, {_sentence(results, comparison)}" for comparison in shown]
    rest = [found.arm for found in results.comparisons if found.p is not None and found not in shown]
    baseline = results.protocol.baseline
    if rest and not shown:
        lines.append(
            f"{lead} {_tested(results)}, no arm's {objective(results)} was shown to differ from that of the baseline "
            f"{baseline}. This is no evidence that they are equal."
        )
    elif rest:
        lines.append(
            f"No difference from the baseline was shown for {_list(rest)}. This is no evidence that there is none."
        )
    return lines


def _shown(results: Results) -> list[Comparison]:
    """Returns the significant comparisons."""
    return [found for found in results.comparisons if found.p is not None and found.p < ALPHA]


def _sentence(results: Results, comparison: Comparison) -> str:
    estimate = comparison.cell.estimate
    assert estimate is not None
    metric = METRICS[results.protocol.metric]
    better = (estimate.mean > 0) == metric.greater_is_better
    digits = metric.decimals
    return (
        f"{comparison.arm} has a {'better' if better else 'worse'} {objective(results)} than the baseline "
        f"{results.protocol.baseline}: by {number_format.signed(estimate.mean, digits)} "
        f"{number_format.interval(estimate, digits, difference=True)} (p {_equals(comparison.p)}, "
        f"Holm over {count(len(results.comparisons), 'comparison')})."
    )


def _reach(results: Results) -> list[str]:
    how = results.protocol
    meant = _shown(results) or [found for found in results.comparisons if found.cell.estimate is not None]
    seeds = min((found.cell.units for found in meant), default=how.seeds)
    lines = []
    if seeds < LEAST_SEEDS_FOR_LOSSES:
        lines.append(
            f"With {count(seeds, 'seed')} this speaks of these trained networks, not of these losses and models "
            f"(that takes at least {LEAST_SEEDS_FOR_LOSSES})."
        )
    elif how.searches < LEAST_SEARCHES_FOR_LOSSES and any(arm.progress.search.planned for arm in results.arms):
        lines.append(
            f"It holds at the configurations found by {count(how.searches, 'search', 'searches')} an arm: another "
            "one may find others, and a claim about the losses themselves takes at least "
            f"{LEAST_SEARCHES_FOR_LOSSES} searches."
        )
    tested = any(comparison.p is not None for comparison in results.comparisons)
    if tested and _fail_unequally(results.arms):
        lines.append(
            "Arms fail unequally (missed regions, diverged trainings): then the error rate of these tests can reach "
            "0.075 instead of 0.05."
        )
    return lines


def _fail_unequally(arms: Sequence[ArmResult]) -> bool:
    return len({(arm.trainings.diverged, *(found.missed for found in arm.detection.values())) for arm in arms}) > 1


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
                "or an error, and are left out."
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
        f"By {_list(names)} another arm is best than by {METRICS[how.metric].label}: {_list(sorted(best))}."
        for best, names in others.items()
    ]


def _any_search(results: Results) -> bool:
    return any(arm.progress.search.planned for arm in results.arms)


def _tested(results: Results) -> str:
    cases, patients = len(results.scores.cases), results.scores.patients
    of = f" of {count(patients, 'patient')}" if results.protocol.by_patient else ""
    return f"{count(cases, 'test case')}{of}"


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _equals(p: float | None) -> str:
    text = number_format.p_value(p)
    return text if text.startswith("<") else f"= {text}"
