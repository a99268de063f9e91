"""Search spaces of Optuna: name → distribution, in the JSON that Optuna's own storages keep."""

import json
import warnings
from collections.abc import Mapping
from typing import Any

from search_spaces.exchange.exchanged import (
    NO_FIRST,
    Exchanged,
    First,
    Text,
    choice_of,
    named_rows,
    read_each,
    single_or_range,
    varied,
)
from search_spaces.grammar import Choice, Fixed, GrammarError, Parameter, Space


def write(space: Space, first: First = NO_FIRST) -> Text:
    """Return a JSON object: name → what `optuna.distributions.json_to_distribution` reads, as an object.

    A fixed parameter is a categorical distribution of one value, since Optuna has no constants.
    """
    from optuna.distributions import distribution_to_json

    from search_spaces.distributions import distributions

    found = distributions({name: Choice((p.value,)) if isinstance(p, Fixed) else p for name, p in space.items()})
    plain = {name: json.loads(distribution_to_json(found[name])) for name in space}
    notes = (f"the first trial, for study.enqueue_trial: {varied(space, first)}",) if first else ()
    return Text(json.dumps(plain, indent=2) + "\n", notes)


def read(text: str) -> Exchanged:
    """Return the search space of a JSON object of distributions, each an object or, as in storages, its text.

    Raises:
        GrammarError: It is no such object, or a distribution is unknown to the installed Optuna.
    """
    notes: list[str] = []
    rows = named_rows(text, "name → distribution")
    space = read_each(rows.items(), lambda name, row: _parameter(name, row, notes))
    return Exchanged(space, tuple(notes))


def _parameter(name: str, distribution: object, notes: list[str]) -> Parameter:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
        json_to_distribution,
    )

    text = distribution if isinstance(distribution, str) else json.dumps(distribution)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # names of Optuna 2, and a high that its step does not reach
            found = json_to_distribution(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GrammarError([(name, f"Optuna does not read it ({error})")]) from error
    if isinstance(found, CategoricalDistribution):
        return choice_of(list(found.choices), name)
    assert isinstance(found, FloatDistribution | IntDistribution)
    if (asked := _asked_high(text)) is not None and asked != found.high:
        notes.append(f"{name}: Optuna lowers high from {asked:g} to {found.high:g}, the last of its steps")
    if isinstance(found, IntDistribution):
        step = None if found.step == 1 else found.step
        if found.log and step is not None:
            raise GrammarError([(name, "a log range cannot have a step: list the values")])
        return single_or_range(found.low, found.high, name, log=found.log, step=step)
    return single_or_range(found.low, found.high, name, log=found.log, step=found.step)


def _asked_high(text: str) -> float | None:
    """Return the upper end as it stands in the file."""
    plain: Any = json.loads(text)
    attributes = plain.get("attributes", plain) if isinstance(plain, Mapping) else {}
    high = attributes.get("high") if isinstance(attributes, Mapping) else None
    return high if isinstance(high, int | float) else None
