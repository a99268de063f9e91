"""Sizes that no machine holds: trials, iterations and batches are counted before anything is planned or allocated.

The limits are far above any study; `segstudy check` compares a study with the machines that there are.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from search_spaces.grammar import Choice, Fixed, Parameter
from study.study_file.errors import Problem

MOST_TRIALS = 1_000_000
"""Trials of a study; a ledger and a plan of some ten thousand are measured."""
MOST_ITERATIONS = 10**9
"""Iterations of a training: at a thousand a second, twelve days."""
LARGEST_BATCH = 2**40
"""Bytes of the input of one iteration; the largest GPUs have a seventh of it for everything."""

Values = Mapping[str, Any]


def trial_count(values: Values) -> Iterator[Problem]:
    """Refuse more trials than a ledger and a plan hold."""
    budget = values["budget"]
    folds = values["dataset"].split.folds or 1
    arms = len(values["models"]) * len(values["losses"]) * len(values["top_level"].weighting)
    arms *= 2 if budget.defaults else 1
    searched = folds if budget.search_in == "each_fold" else 1
    each = {
        "final_seeds": budget.searches * folds * budget.final_seeds,
        "trials_per_arm": budget.searches * searched * budget.trials_per_arm,
    }
    trials = arms * sum(each.values())
    if trials > MOST_TRIALS:
        key = max(each, key=lambda name: each[name])
        text = f"the study would have {_count(trials)} trials, more than {MOST_TRIALS:,}: give smaller numbers."
        yield Problem(("budget", key), text)


def iteration_count(values: Values) -> Iterator[Problem]:
    """Refuse trainings that nobody waits for."""
    iterations = values["length"].iterations
    if iterations > MOST_ITERATIONS:
        text = f"expected at most {MOST_ITERATIONS:,}, found {_count(iterations)}: no training takes that long."
        yield Problem(("training", "iterations"), text)


def batch_bytes(values: Values) -> Iterator[Problem]:
    """Refuse a batch that no memory holds, by the bytes of its input alone."""
    size = values["patch"].size
    batch = _greatest(values["training"].get("batch_size"))
    found = math.prod(size) * batch * (2 * values["patch"].context + 1) * 4
    if found > LARGEST_BATCH:
        alone = math.prod(size) * 4 > LARGEST_BATCH
        patches = f"{_count(batch)} patches {'x'.join(map(str, size))}"
        text = f"a batch of {patches} takes {found / 2**40:.3g} TiB as input alone"
        path = ("patch", "size") if alone or batch == 1 else ("training", "batch_size")
        yield Problem(path, f"{text}: give smaller numbers.")


def _greatest(parameter: Parameter | None) -> int:
    """Return the greatest batch size that a trial may have; 1 where it is found out later."""
    if parameter is None:
        return 1
    given: tuple[Any, ...]
    if isinstance(parameter, Fixed):
        given = (parameter.value,)
    else:
        given = parameter.values if isinstance(parameter, Choice) else (parameter.high,)
    return max((int(value) for value in given if isinstance(value, int | float)), default=1)


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**15 else f"{number:.3g}"
