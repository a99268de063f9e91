"""The report's p-values beside those of SciPy and statsmodels on the same scores, with the reasons why they differ."""

import importlib.util
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from reports.results import number_format
from reports.results.comparisons import Comparison
from reports.results.metric_facts import METRICS
from reports.results.names import region as region_name
from reports.results.number_format import NONE
from reports.results.results import Results
from reports.statistics.correlated_t import chances, posterior
from reports.statistics.variance_of_means import Floats
from reports.tables.table import Entry, Row, Table

Test = Callable[[Floats, NDArray[np.intp]], float]
"""From the differences of the cases `(N,)`, averaged over trainings, and their patients `(N,)`, to a p-value."""

NOTES = (
    "All tests see the same differences, arm minus baseline, by case, averaged over trainings. Two-sided, unadjusted.",
    "t by case counts slices and visits of one patient as independent: its p is too small where patients have several.",
    "t and Wilcoxon by patient average each patient's cases. They do not know that seeds differ, so they speak of "
    "these trained networks, not of the methods; ours carries the seeds' variance and is larger where seeds differ.",
    "Wilcoxon's ranks ask whether differences are symmetric about 0, not whether their mean is 0.",
)
BAYESIAN = (
    "Bayesian: chances that the arm is worse, like and better, by the correlated t-test of Benavoli et al. under a "
    "flat prior; like is within the declared `report.equivalence`, else nothing."
)
CORRELATED = (
    " Its differences are those of trainings, of which any two are correlated by 1 / {folds} since folds share data."
)
BY_PATIENT = " Its differences are those of patients."
CLUSTERED = (
    "statsmodels: least squares on a constant with standard errors clustered by patient, and normal quantiles: too "
    "small with few patients."
)
LACKING = "For statsmodels' test: pip install statsmodels."


def cross_check(results: Results) -> Table:
    """Returns one row per arm but the baseline, in the objective at the last mark.

    Args:
        results: The study's results.
    """
    how, metric = results.protocol, METRICS[results.protocol.metric]
    tests: dict[str, Test] = {"t by case": _t_by_case, "t by patient": _t_by_patient, "Wilcoxon by patient": _wilcoxon}
    found = importlib.util.find_spec("statsmodels") is not None
    if found:
        tests["statsmodels, clustered"] = _clustered
    shared = CORRELATED.format(folds=how.folds) if _folds_share_data(results) else BY_PATIENT
    rows = [_row(results, comparison, tests) for comparison in results.comparisons]
    return Table(
        key="cross-check",
        title=f"p-values of other packages: {metric.heading(pixels=results.pixels)}, "
        f"{region_name(results, how.region)}, arms minus {how.baseline}, "
        f"at {number_format.iteration(how.last)} iterations",
        columns=("Arm", "Cases", "Patients", "Difference", "ours", "ours, Holm", *tests, "Bayesian"),
        rows=tuple(rows),
        notes=(*NOTES, CLUSTERED if found else LACKING, BAYESIAN + shared),
    )


def _row(results: Results, comparison: Comparison, tests: Mapping[str, Test]) -> Row:
    differences, patients = _differences(results, comparison.arm)
    estimate = comparison.cell.estimate
    own = None if estimate is None or comparison.refused else estimate.p
    shown = [_p(own), _p(comparison.p), *(_p(_tried(test, differences, patients)) for test in tests.values())]
    mean = NONE if not differences.size else number_format.signed(
        float(differences.mean()), METRICS[results.protocol.metric].decimals
    )  # fmt: skip
    counts = (str(differences.size), str(np.unique(patients).size))
    opinion = _bayesian(results, comparison.arm, by_patient(differences, patients) if differences.size else differences)
    return Row(tuple(map(Entry, (comparison.arm, *counts, mean, *shown, opinion))))


def _bayesian(results: Results, arm: str, of_patients: Floats) -> str:
    """Returns the chances that the arm is worse, like and better, as three numbers; a dash without a posterior."""
    how, rho, differences = results.protocol, 0.0, of_patients
    if _folds_share_data(results):
        apart = _apart(results, arm)
        differences, rho = np.nanmean(apart[~np.isnan(apart).all(axis=1)], axis=1), 1 / how.folds
    found = posterior(differences, rho)
    if found is None:
        return NONE
    worse, like, better = chances(found, how.equivalence or 0.0)
    if not METRICS[how.metric].greater_is_better:
        worse, better = better, worse
    return " / ".join(number_format.fixed(chance, 2) for chance in (worse, like, better))


def _folds_share_data(results: Results) -> bool:
    return results.protocol.folds > 1 and not results.protocol.test_apart


def _apart(results: Results, arm: str) -> Floats:
    """Returns arm minus baseline, `(trainings, cases)`; NaN where either has no value."""
    how, scores = results.protocol, results.scores
    pair = [scores.sample(name, how.last, how.region, how.metric).values for name in (arm, str(how.baseline))]
    apart: Floats = (pair[0] - pair[1]).reshape(-1, pair[0].shape[-1])
    return apart


def _differences(results: Results, arm: str) -> tuple[Floats, NDArray[np.intp]]:
    """Returns arm minus baseline of each case that both have, averaged over trainings, and the cases' patients."""
    scores, apart = results.scores, _apart(results, arm)
    there = ~np.isnan(apart)
    both = there.any(axis=0)
    means = np.where(there, apart, 0.0).sum(axis=0)[both] / there.sum(axis=0)[both]
    return means, scores.groups[both]


def _p(value: float | None) -> str:
    return NONE if value is None or np.isnan(value) else number_format.p_value(value)


def _tried(test: Test, differences: Floats, patients: NDArray[np.intp]) -> float | None:
    """Returns a test's p; None where all differences are equal or there are too few."""
    if np.unique(patients).size < 2 or np.ptp(differences) == 0:
        return None
    return test(differences, patients)


def _t_by_case(differences: Floats, patients: NDArray[np.intp]) -> float:
    from scipy.stats import ttest_1samp

    return float(ttest_1samp(differences, 0.0).pvalue)


def _t_by_patient(differences: Floats, patients: NDArray[np.intp]) -> float:
    return _t_by_case(by_patient(differences, patients), patients)


def _wilcoxon(differences: Floats, patients: NDArray[np.intp]) -> float:
    from scipy.stats import wilcoxon

    means = by_patient(differences, patients)
    return float(wilcoxon(means).pvalue) if np.any(means) else float("nan")


def _clustered(differences: Floats, patients: NDArray[np.intp]) -> float:
    from statsmodels.regression.linear_model import OLS

    fitted = OLS(differences, np.ones_like(differences)).fit(cov_type="cluster", cov_kwds={"groups": patients})
    return float(fitted.pvalues[0])


def by_patient(differences: Floats, patients: NDArray[np.intp]) -> Floats:
    """Returns the mean of each patient's differences, `(P,)`.

    Args:
        differences: `(N,)` of the cases.
        patients: `(N,)` index of each case's patient.
    """
    _, index = np.unique(patients, return_inverse=True)
    means: Floats = np.bincount(index, differences) / np.bincount(index)
    return means
