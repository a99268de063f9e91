"""The final trainings of each arm, trial by trial: the source of the arm's numbers."""

import math

from reports.results import number_format
from reports.results.estimates import mean_over
from reports.results.metric_facts import METRICS
from reports.results.number_format import NONE
from reports.results.results import ArmResult, Results
from reports.results.scores import End
from reports.statistics.variance_of_means import Floats
from reports.tables.table import Entry, Row, Table
from study.design import TrialKey
from study.ledger.rows import TrialRow

ENDS: dict[End, str] = {"scored": "scored", "diverged": "diverged", "missing": "lost", "owed": "not yet"}


def arm_key(number: int) -> str:
    """Returns the anchor of an arm's trials."""
    return f"trials-{number}"


def trial_tables(results: Results) -> tuple[Table, ...]:
    """Returns one table of final trainings per arm, default configurations included, by number."""
    weights = {(found.trial, found.iteration): found.weights for found in results.records.segments}
    return tuple(_table(results, arm, weights) for arm in results.every_arm)


def _table(results: Results, arm: ArmResult, weights: dict[tuple[TrialKey, int], str]) -> Table:
    how = results.protocol
    trials = [
        trial for trial in results.records.trials if trial.key.stage == "final" and trial.key.arm == arm.row.number
    ]
    means = mean_over(results.scores.of(arm.row.name, how.last, how.region, how.metric), 3)
    rows = tuple(
        Row(
            (
                Entry(str(trial.key)),
                Entry("default" if trial.source is None else str(trial.source)),
                Entry(
                    number_format.parameters({name: trial.parameters[name] for name in arm.progress.tuned}) or "fixed"
                ),
                Entry(str(trial.seed)),
                Entry(ENDS[results.scores.ends[_run(trial)]] if _run(trial) in results.scores.ends else trial.status),
                Entry(_mean(results, means, trial)),
                Entry(weights.get((trial.key, how.last), NONE)[:12]),
            )
        )
        for trial in trials
    )
    metric = METRICS[how.metric].heading(pixels=results.pixels)
    columns = ("Trial", "Configuration of", "Parameters tuned", "Seed", "Ended", f"{metric}, test", "Weights")
    return Table(
        key=arm_key(arm.row.number), title=arm.row.name, columns=columns, rows=rows, words=frozenset({0, 1, 2, 4, 6})
    )


def _run(trial: TrialRow) -> tuple[int, int, int, int]:
    return trial.key.arm, trial.key.search, trial.key.fold, trial.key.number


def _mean(results: Results, means: Floats, trial: TrialRow) -> str:
    """Returns the objective's mean over the cases that this training scored, in print."""
    if _run(trial) not in results.scores.ends:
        return NONE
    mean = float(means[trial.key.search, trial.key.fold, trial.key.number])
    return number_format.fixed(None if math.isnan(mean) else mean, METRICS[results.protocol.metric].decimals)


def provenance(results: Results) -> str:
    """Returns a sentence on data digest, versions, and where else trials are recorded."""
    study = results.records.study
    versions = ", ".join(f"{name} {version}" for name, version in sorted(study.versions.items()))
    return (
        f"Data digest {study.data_digest[:16]}; {versions}. In MLflow a trial is the run whose tag trial is its name; "
        f"every score by case is in the ledger, which segstudy export {study.name} FILE writes into one file."
    )
