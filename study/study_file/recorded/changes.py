"""Changes of a study file: additions go on; changes that make old and new trials incomparable are refused."""

import contextlib
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from search_spaces.metrics import counts_lesions, scored
from study.design import arm_name
from study.study_file import Study
from study.study_file.errors import SpecError
from study.study_file.recorded.later_keys import completed

FREE = (
    "dataset.path", "dataset.split.file", "resources", "report.tables", "report.published",
    "report.means", "report.lesions.protocol", "report.lesions.strata",
)  # fmt: skip
"""Keys that change no number of a trial. The data themselves are compared by their digest, the splits by case."""

GROWING = {
    "budget.trials_per_arm": "more trials for each search",
    "budget.searches": "more searches for each arm",
    "budget.final_seeds": "more final seeds for each winner",
}
"""Keys whose greater value only adds trials."""

TOLD = {"report.baseline": "another baseline"}
"""Keys that change no number of a trial but what the report claims: after test tables were shown, a notice says so."""


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """The changes from the ledger's study file to the one at hand.

    Attributes:
        incompatible: Reasons why old and new trials are not comparable, a line each; empty where the study may go on.
        additions: Additions, a line each.
        new_arms: Names of the arms that are added, in the file's order.
        more_trials: Whether searches grow: allowed only before an arm's final stage, since then test cases were read.
    """

    incompatible: list[str]
    additions: list[str]
    new_arms: tuple[str, ...] = ()
    more_trials: bool = False

    def __bool__(self) -> bool:
        return bool(self.incompatible or self.additions)


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference:
    """Compare two study files.

    Args:
        old: `Study.plain()` as the ledger has it. Keys that came later count as their defaults.
        new: `Study.plain()` of the file at hand.
    """
    old = _completed(old)
    incompatible: list[str] = []
    additions: list[str] = []
    more_trials = False
    for key, before, after in _changes(old, new):
        if (key, before, after) == ("budget.defaults", False, True):
            continue  # each is a new arm
        if key in GROWING and isinstance(before, int) and isinstance(after, int) and after > before:
            additions.append(f"{key}: {before} → {after}: {GROWING[key]}")
            more_trials |= key != "budget.final_seeds"
        elif key in TOLD:
            additions.append(f"{key}: {_shown(before)} → {_shown(after)}: {TOLD[key]}")
        else:
            incompatible.append(f"{key}: {_shown(before)} in the ledger, {_shown(after)} in the file")
    arms = [_arms(plain) for plain in (old, new)]
    added = tuple(arm for arm in arms[1] if arm not in arms[0])
    additions += [f"arm {arm}" for arm in added]
    return Difference(incompatible, additions, added, more_trials)


def _completed(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the old file with the keys that newer versions know; unchanged where it can no longer be read."""
    try:
        return Study.from_plain(completed(plain)).plain()
    except SpecError:
        return plain


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key), new.get(key)
        if key in ("models", "losses"):  # new entries are new arms; an entry that is gone or changed is not
            for name in before or {}:
                yield from _inside(f"{key}.{name}", (before or {}).get(name), (after or {}).get(name))
        elif key == "weighting" and set(before or ()) < set(after or ()):
            continue  # each new one is new arms
        else:
            yield from _inside(key, before, after)


def _inside(key: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield changed leaves; a range, a list and an ordered mapping are leaves."""
    if key in FREE or (key == "report.metrics" and not _computed(after or ()) - _computed(before or ())):
        return  # a metric that is no longer shown costs nothing; a new one was not computed for old trials
    if key in ORDERED:
        if list((before or {}).items()) != list((after or {}).items()):
            yield key, before, after
    elif _is_level(before) and _is_level(after):
        for name in dict.fromkeys((*before, *after)):
            yield from _inside(f"{key}.{name}", before.get(name), after.get(name))
    elif before != after or type(before) is not type(after):
        yield key, before, after


def _computed(metrics: Iterable[str]) -> set[str]:
    """Return the metrics that trials compute for the metrics that are shown."""
    return {*scored(metrics), *(("lesions",) if counts_lesions(metrics) else ())}


ORDERED = ("dataset.labels",)
"""Mappings whose order has a meaning: labels are numbered along it."""


def _is_level(value: Any) -> bool:
    return isinstance(value, Mapping) and "low" not in value


def _arms(plain: Mapping[str, Any]) -> list[str]:
    """Return the names of the arms; of a file that can no longer be read those that its names make."""
    with contextlib.suppress(SpecError):
        return [arm.name for arm in Study.from_plain(plain).arms]
    return [
        arm_name(model, loss, weighting)
        for model in plain.get("models", {})
        for loss in plain.get("losses", {})
        for weighting in plain.get("weighting", ("none",))
    ]


def _shown(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= 100 else text[:97] + "…"
