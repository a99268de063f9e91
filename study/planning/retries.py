"""Trials that may be run again after they were lost or failed: those that no later decision rests on."""

from collections.abc import Collection, Iterable

from study.design import Design, KnownTrial, Status, TrialKey
from study.planning.searches import search_of


def retryable(design: Design, known: Iterable[KnownTrial], statuses: Collection[Status]) -> list[TrialKey]:
    """Return the trials with one of these statuses that may be opened again, in the order of their keys.

    A final-stage trial always may: nothing is chosen by it. A trial of a search may until the search's final stage
    begins; afterwards its winner was chosen without it, and test cases were read.

    Args:
        design: The study's design.
        known: Every trial of the ledger.
        statuses: `lost`, `failed`, or both.
    """
    trials = list(known)
    chosen = {search_of(design, trial.plan.key) for trial in trials if trial.plan.key.stage == "final"}
    return sorted(
        trial.plan.key
        for trial in trials
        if trial.status in statuses
        and (trial.plan.key.stage == "final" or search_of(design, trial.plan.key) not in chosen)
    )
