"""Methods paragraphs for the manuscript, written from the ledger alone."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from reports.prose.definitions import definitions
from reports.prose.listing import listed
from reports.prose.preparation import preparation
from reports.prose.provenance import foreground, outcomes
from reports.prose.trainings import trainings
from reports.results.estimates import LEAST_SEARCHES_FOR_LOSSES
from reports.results.later_changes import changes_after_results
from reports.results.metric_facts import METRICS
from reports.results.names import objective
from reports.results.number_format import count
from reports.results.protocol import MEAN
from reports.results.results import Results

SAMPLERS = {
    "tpe": "a tree-structured Parzen estimator",
    "random": "random search",
    "grid": "grid search in a random order",
    "qmc": "a scrambled Sobol sequence",
}
ABSENT = "1 where it was not predicted either (distances: 0) and 0 where it was (the image's diagonal)"


def methods(results: Results) -> tuple[str, ...]:
    """Returns one paragraph each on data, training, search, metrics and statistics."""
    parts = (_data(results), trainings(results), _search(results), [definitions(results)], _statistics(results))
    return tuple(" ".join(sentence for sentence in part if sentence) for part in parts)


def _data(results: Results) -> list[str]:
    how, file, cases = results.protocol, results.records.study.file, results.records.cases
    unit = "patient" if how.by_patient else "case"
    patients = f" of {count(len({case.group for case in cases}), 'patient')}" if how.by_patient else ""
    if how.folds > 1:
        split = f"They were split by {unit} into {how.folds} folds" + (
            ", apart from a test set." if how.test_apart else ", and each case was tested in one of them."
        )
    else:
        parts = Counter(case.splits[0] for case in cases)
        split = (
            f"They were split by {unit} into {parts['train']} for training, {parts['validation']} for validation and "
            f"{parts['test']} for testing."
        )
    regions = file["dataset"]["regions"] or {}
    named = [name if list(labels) == [name] else f"{name} ({' and '.join(labels)})" for name, labels in regions.items()]
    scored = f"Scored {'was' if len(named) == 1 else 'were'} {listed(named)}." if named else ""
    return [
        f"We used {count(len(cases), 'case')}{patients}{_left_out(file['dataset'])}.",
        split,
        _divided(file),
        scored,
        foreground(results),
        *preparation(file),
    ]


def _divided(file: Mapping[str, Any]) -> str:
    """Returns by what rule cases came into their parts."""
    split = file["dataset"]["split"]
    if split.get("file"):
        return "A file that came with the data names the cases of each part."
    if split.get("by"):
        return "Parts go by the places of the files."
    shares = [key for key in ("validation", "test") if isinstance(split.get(key), float)]
    if not shares and not split.get("folds"):
        return "The study file names the cases of each part."
    seed = file["seed"] if split.get("seed") is None else split["seed"]
    evenly = ", evenly over labels and volumes" if split.get("stratify") == "labels" else ""
    return f"The split was drawn at random (seed {seed}){evenly}."


def _left_out(dataset: Mapping[str, Any]) -> str:
    """Returns how many cases the study file leaves out."""
    excluded, limit = dataset.get("exclude") or (), dataset.get("limit")
    parts = [f"{count(len(excluded), 'case')} left out by name"] * bool(excluded)
    parts += [f"at most the first {limit} by name taken"] * (limit is not None)
    return f" ({', '.join(parts)})" if parts else ""


def _search(results: Results) -> list[str]:
    how, budget = results.protocol, results.records.study.file["budget"]
    tuned = sorted({name for arm in results.arms for name in arm.progress.tuned})
    lines = ["Nothing was tuned: all parameters stayed at the values given."]
    if any(arm.progress.search.planned for arm in results.arms):
        halving = budget["halving"]
        cut = (
            f", of each cohort of {budget['cohort']} one in {halving['eta']} going on at iterations "
            f"{listed([f'{mark:,}' for mark in halving['marks'][:-1]])}"
            if halving and halving["eta"] > 1 and len(halving["marks"]) > 1
            else ""
        )
        times = f", {how.searches} times" if how.searches > 1 else ""
        lines = [
            f"For each arm, {how.trials_per_arm} configurations were tried by {SAMPLERS.get(how.sampler, how.sampler)}"
            f"{times}, the defaults first and failures counted{cut}.",
            _first_marks(results),
            f"Tuned: {listed([name.replace('.', ' ', 1).replace('_', ' ') for name in tuned])}.",
            f"The configuration with the best {objective(results)} on validation cases was chosen{_counting(results)}.",
        ]
    on = "training and validation" if budget.get("final_on") == "train+validation" else "training"
    return [
        *lines,
        f"{'It' if len(lines) > 1 else 'Each arm'} was then trained on {on} cases with {count(how.seeds, 'seed')}"
        + (f" in each of {how.folds} folds" if how.folds > 1 else "")
        + f" and scored on {_tested(results)}{_afterwards(results)}.",
        outcomes(results),
    ]


def _first_marks(results: Results) -> str:
    """Returns what a model-based sampler saw of trials with several marks, and what later marks would have changed."""
    how, cohort = results.protocol, results.records.study.file["budget"]["cohort"]
    if how.sampler != "tpe" or len(how.marks) == 1 or cohort == how.trials_per_arm:
        return ""
    return (
        f"The estimator saw values at iteration {how.marks[0]:,} alone, which favours configurations that learn fast; "
        "on recorded curves of five losses on two data sets, values of later marks changed the final validation Dice "
        "of a search's winner by −0.002 to +0.002 on average and by −0.006 to +0.009 for single losses (segstudy's "
        "benchmarks/RESULTS.md, Later marks)."
    )


def _counting(results: Results) -> str:
    """Returns how validation cases counted that lack a region of the objective."""
    how = results.records.study.file["objective"].get("empty", "report")
    counted = results.protocol.empty == "one" if how not in ("missing", "one") else how == "one"
    return f"; a region that a case lacks {f'counted {ABSENT}' if counted else 'did not count there'}"


def _afterwards(results: Results) -> str:
    """Returns what was changed after the test results were seen; that nothing was, where nothing is recorded."""
    changes = changes_after_results(results.records.notices)
    return f"; the study was changed {'; '.join(changes)}" if changes else "; nothing was chosen afterwards"


def _tested(results: Results) -> str:
    how = results.protocol
    if how.folds == 1 or how.test_apart:
        return "the test cases, which nothing had seen before"
    if how.search_in == "first_fold" and any(arm.progress.search.planned for arm in results.arms):
        return "the cases that each fold tests, among them those on which the first fold had chosen"
    return "the cases that each fold tests"


def _weighed(results: Results) -> str:
    """Returns how cases and regions enter a mean."""
    over = " (a mean over regions is taken by case first)" if len(results.protocol.regions) > 1 else ""
    return f"each counting alike{over}"


def _statistics(results: Results) -> list[str]:
    how, metric = results.protocol, METRICS[results.protocol.metric]
    where = f"{metric.label} ({'mean over regions' if how.region == MEAN else how.region})"
    versions = ", ".join(f"{name} {version}" for name, version in sorted(results.records.study.versions.items()))
    comparisons = len(results.comparisons)
    tested = sum(found.p is not None for found in results.comparisons)
    units = "searches" if how.searches >= LEAST_SEARCHES_FOR_LOSSES else "seeds"
    groups = "patients" if how.by_patient else "cases"
    shared = "; the variance was multiplied by 1 + F / (F − 1), since folds share training data"
    test = (
        f"Differences in {where} from the baseline {how.baseline} were tested by a t with {groups} and {units} as "
        "random effects (cluster-robust variance CR2, Satterthwaite's degrees of freedom; where differences are "
        "skewed, the greater of this p and that of the t corrected for skewness by Hall's transformation)"
        f"{shared if how.folds > 1 and not how.test_apart else ''}. Of "
        f"{count(comparisons, 'comparison')} {tested} could be tested; p-values were adjusted by Holm's method over "
        "all of them; no other metric, region or iteration was tested. The sign-flip test and the effect size "
        f"average the {units} and know of {groups} alone."
        if tested
        else "No difference was tested."
    )
    changes = [f"the baseline was changed from {first}"] if (first := results.first_baseline) else []
    if results.first_seeds is not None:
        changes.append(f"the final seeds were raised from {results.first_seeds}")
    changed = f"After test results had been seen, {' and '.join(changes)}." if changes else ""
    lacking = "has no score" if how.empty == "missing" else f"counts {ABSENT}"
    return [
        f"Means are over the test cases, {_weighed(results)}, and given with 95 % intervals, not adjusted for their "
        f"number: a t over {groups} and {units} on the logit scale (distances: logarithmic), so that they stay within "
        "the metric's range.",
        test,
        changed,
        f"A region that the reference lacks {lacking}; one that is there and was not found counts "
        "0 (distances: the image's diagonal), and so does every case of a training that diverged.",
        f"Software: {versions}. Data digest: {results.records.study.data_digest[:16]}.",
    ]
