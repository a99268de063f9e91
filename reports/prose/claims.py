"""Claims that the results support, with what bears on each. Every sentence goes by what was compared (METHOD.md §5)."""

from collections.abc import Sequence

from reports.prose.listing import listed
from reports.results import number_format
from reports.results.comparisons import ALPHA, Comparison
from reports.results.estimates import LEAST_SEARCHES_FOR_LOSSES
from reports.results.later_changes import changes_after_results, late_arms, more_seeds
from reports.results.metric_facts import METRICS
from reports.results.names import objective
from reports.results.number_format import count
from reports.results.results import Results
from reports.statistics.intervals_and_tests import LEAST_GROUPS_FOR_P, LEAST_GROUPS_TO_CONFIRM, LEAST_SEEDS_FOR_LOSSES


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
    return (*_findings(results), *_untested(results), *_scope(results))


def _too_few(results: Results) -> str:
    if results.scores.patients == 1:
        return "All test cases are of one group: means describe these images; there is no interval and no test."
    groups = "patients" if results.protocol.by_patient else "cases"
    return (
        f"{results.scores.patients} {groups} are too few for a test (at least {LEAST_GROUPS_FOR_P}): "
        "the intervals show what is uncertain, and no difference may be claimed."
    )


def _findings(results: Results) -> list[str]:
    if not results.comparisons:
        return ["There is nothing to compare the arm with."]
    shown = _shown(results)
    lines = []
    for comparison in shown:
        lines.append(f"{_lead(results, comparison)} {_sentence(results, comparison)}")
        if comparison.caveat:
            lines.append(f"{comparison.arm}: {comparison.caveat}")
    by_lead: dict[str, list[str]] = {}
    for comparison in results.comparisons:
        if comparison.p is not None and comparison not in shown:
            by_lead.setdefault(_lead(results, comparison), []).append(comparison.arm)
    return [*lines, *(_nothing_shown(results, lead, arms) for lead, arms in by_lead.items())]


def _nothing_shown(results: Results, lead: str, arms: Sequence[str]) -> str:
    baseline = results.protocol.baseline
    if len(arms) == len(results.comparisons):
        return (
            f"{lead} no arm's {objective(results)} was shown to differ from that of the baseline {baseline}. This is "
            "no evidence that they are equal."
        )
    return (
        f"{lead} no difference from the baseline {baseline} was shown for {listed(arms)}. This is no evidence that "
        "there is none."
    )


def _shown(results: Results) -> list[Comparison]:
    """Returns the significant comparisons."""
    return [found for found in results.comparisons if found.p is not None and found.p < ALPHA]


def _lead(results: Results, comparison: Comparison) -> str:
    """Returns how a sentence on a comparison begins: why it is exploratory, and the cases that were compared."""
    estimate = comparison.cell.estimate
    groups = 0 if estimate is None else estimate.groups
    whys = [f"with fewer than {LEAST_GROUPS_TO_CONFIRM} groups"] if groups < LEAST_GROUPS_TO_CONFIRM else []
    if comparison.arm in late_arms(results.records.notices, [comparison.arm]):
        whys.append("added after test tables had been shown")
    if more_seeds(results.records.notices):
        whys.append("with seeds added after test tables had been shown")
    if results.first_baseline is not None:
        whys.append("against a baseline named after test tables had been shown")
    of = f" of {count(groups, 'patient')}" if results.protocol.by_patient else ""
    where = f"{count(comparison.cell.cases, 'test case')}{of},"
    return f"Exploratory, {' and '.join(whys)}: on {where}" if whys else f"On {where}"


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
        f"Holm over {count(len(results.comparisons), 'comparison')}){_in_whom(comparison)}."
    )


def _in_whom(comparison: Comparison) -> str:
    """Returns the restriction of a claim that does not hold for the mean over all patients."""
    estimate = comparison.cell.estimate
    if estimate is None or estimate.caveat is None or (estimate.overall is not None and estimate.overall[0] < ALPHA):
        return ""
    return ", for patients in whom neither of the two alone finds nothing"


def _untested(results: Results) -> list[str]:
    """Returns why comparisons are not tested, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for comparison in results.comparisons:
        if comparison.refused:
            by_reason.setdefault(comparison.refused, []).append(comparison.arm)
    return [f"Nothing may be claimed of {listed(arms)}: {reason}" for reason, arms in by_reason.items()]


def _scope(results: Results) -> list[str]:
    how = results.protocol
    meant = _shown(results) or [found for found in results.comparisons if found.p is not None]
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
    later = changes_after_results(results.records.notices)
    return [*lines, *(f"The study was changed {text}" + "." * (not text.endswith(".")) for text in later)]


def _equals(p: float | None) -> str:
    text = number_format.p_value(p)
    return text if text.startswith("<") else f"= {text}"
