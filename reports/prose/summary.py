"""The study in brief: data, regions, arms, budget, versions."""

import datetime
from collections import Counter

from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.results.number_format import count
from reports.results.protocol import MEAN, Protocol
from reports.results.results import Results


def headline(results: Results) -> str:
    """Returns one line: `6 arms (2 models × 3 losses), 18 test cases of 12 patients, 3 seeds`."""
    rows = [arm.row for arm in results.arms]
    models, losses = len({row.model for row in rows}), len({row.loss for row in rows})
    grid = f" ({count(models, 'model')} × {count(losses, 'loss', 'losses')})" if models * losses == len(rows) else ""
    patients = f" of {count(results.scores.patients, 'patient')}" if results.protocol.by_patient else ""
    seeds = count(results.protocol.seeds, "seed")
    return f"{count(len(rows), 'arm')}{grid}, {count(len(results.scores.cases), 'test case')}{patients}, {seeds}"


def facts(results: Results) -> tuple[tuple[str, str], ...]:
    """Returns (name, value) pairs."""
    how, study = results.protocol, results.records.study
    begun = datetime.datetime.fromtimestamp(study.created, datetime.UTC)
    found = [
        ("Cases", _cases(results)),
        ("Regions", ", ".join(_region(results, name) for name in how.regions)),
        ("Objective", _objective(how)),
        ("Training", _training(how)),
        ("Search", _search(results)),
        ("Final stage", _final(how)),
        ("Data", f"digest {study.data_digest[:16]}"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in sorted(study.versions.items()))),
        ("Begun", f"{begun:%Y-%m-%d %H:%M} UTC"),
    ]
    return tuple((what, text) for what, text in found if text)


def _cases(results: Results) -> str:
    how, cases = results.protocol, results.records.cases
    if how.folds > 1:
        apart = f"{len(results.scores.cases)} set apart for testing" if how.test_apart else "each tested in one fold"
        return f"{count(len(cases), 'case')}, {how.folds} folds, {apart}"
    parts = Counter(case.splits[0] for case in cases)
    return ", ".join(f"{parts[name]} {name}" for name in ("train", "validation", "test"))


def _region(results: Results, name: str) -> str:
    labels = (results.records.study.file["dataset"]["regions"] or {}).get(name, [name])
    return name if list(labels) == [name] else f"{name} ({' + '.join(labels)})"


def _objective(how: Protocol) -> str:
    metric = METRICS[how.metric]
    where = f"by case, mean over {len(how.regions)} regions" if how.region == MEAN else how.region
    return f"{metric.label}, {where}; {'greater' if metric.greater_is_better else 'smaller'} is better"


def _training(how: Protocol) -> str:
    marks = ", ".join(number_format.iteration(mark) for mark in how.marks)
    return f"{count(how.last, 'iteration')}, evaluated at {marks}"


def _search(results: Results) -> str:
    how = results.protocol
    if not any(arm.progress.search.planned for arm in results.arms):
        return "nothing to tune"
    where = f", in each of {how.folds} folds" if how.folds > 1 and how.search_in == "each_fold" else ""
    times = f", {how.searches} times" if how.searches > 1 else ""
    return f"{how.trials_per_arm} trials an arm by {how.sampler}{times}{where}, judged on validation cases"


def _final(how: Protocol) -> str:
    parts = [count(how.seeds, "seed")]
    parts += [f"{how.folds} folds"] * (how.folds > 1) + [f"{how.searches} searches"] * (how.searches > 1)
    return f"{' × '.join(parts)}: {count(how.trainings, 'training')} an arm, scored on test cases at every mark"
