"""Search trials of each arm with their hyperparameters and validation values, the input of importance and figures."""

import collections
import dataclasses
from collections.abc import Mapping

import numpy as np

from reports.results.results import ArmResult, Results
from reports.statistics.parameter_importance import Floats, importance, is_number
from search_spaces.grammar import Range, Scalar, from_plain
from study.design import TrialKey


@dataclasses.dataclass(frozen=True, eq=False)
class Response:
    """An arm's search trials that have a value at the mark.

    Attributes:
        arm: The arm.
        mark: Iteration of the values: the one that most trials of the study reached, the last of several.
        trials: Their keys.
        columns: Tuned parameter → its value in each trial.
        values: `(n,)` objective on validation cases.
        log: Parameters with a logarithmic range.
    """

    arm: ArmResult
    mark: int
    trials: tuple[TrialKey, ...]
    columns: Mapping[str, tuple[Scalar, ...]]
    values: Floats
    log: frozenset[str]

    @property
    def importance(self) -> dict[str, float | None]:
        """Parameter → importance, the greatest first; undefined ones last."""
        found = {name: importance(column, self.values) for name, column in self.columns.items()}
        return dict(sorted(found.items(), key=lambda item: -1.0 if item[1] is None else -item[1] - 2))

    @property
    def numeric(self) -> list[str]:
        """Numeric parameters that vary, the most important first."""
        return [name for name in self.importance if is_number(self.columns[name]) and len(set(self.columns[name])) > 1]


def responses(results: Results) -> tuple[Response, ...]:
    """Returns the search trials of every tuned arm that has values, by number."""
    reached = collections.Counter(
        mark
        for arm in results.arms
        for by_mark in arm.progress.values.values()
        for mark, value in by_mark.items()
        if value is not None
    )
    if not reached:
        return ()
    mark = max(reached, key=lambda mark: (reached[mark], mark))
    parameters = {trial.key: trial.parameters for trial in results.records.trials}
    found = []
    for arm in results.arms:
        values = {key: by_mark.get(mark) for key, by_mark in arm.progress.values.items() if key in parameters}
        there = {key: value for key, value in values.items() if value is not None}
        if arm.progress.tuned and there:
            spaces = {name: from_plain(arm.row.space[name]) for name in arm.progress.tuned}
            found.append(
                Response(
                    arm=arm,
                    mark=mark,
                    trials=tuple(there),
                    columns={name: tuple(parameters[key][name] for key in there) for name in arm.progress.tuned},
                    values=np.array(list(there.values()), dtype=np.float64),
                    log=frozenset(name for name, space in spaces.items() if isinstance(space, Range) and space.log),
                )
            )
    return tuple(found)
