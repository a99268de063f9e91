"""The searches of a study: one for each arm and repetition, and with `search_in: each_fold` for each fold."""

from collections.abc import Sequence
from typing import NamedTuple

from study.design import Design, TrialKey


class SearchKey(NamedTuple):
    """One search of an arm; `fold` is 0 where a search in the first fold serves all folds."""

    arm: int
    search: int
    fold: int


def searches_of(design: Design, arm: int) -> list[SearchKey]:
    """Return the searches of one arm, by repetition and fold."""
    folds = design.folds if _in_each_fold(design) else 1
    return [SearchKey(arm, search, fold) for search in range(design.searches) for fold in range(folds)]


def all_searches(design: Design) -> list[SearchKey]:
    """Return the searches of a study, in the order of its arms."""
    return [key for arm in design.arms for key in searches_of(design, arm.index)]


def search_of(design: Design, trial: TrialKey) -> SearchKey:
    """Return the search that a trial belongs to: its own, or the one whose winner it trains."""
    return SearchKey(trial.arm, trial.search, trial.fold if _in_each_fold(design) else 0)


def final_folds(design: Design, key: SearchKey) -> Sequence[int]:
    """Return the folds in which a search's winner is trained in the final stage."""
    return (key.fold,) if _in_each_fold(design) else range(design.folds)


def _in_each_fold(design: Design) -> bool:
    return design.search_in == "each_fold"
