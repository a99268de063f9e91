"""Keys that came later: what a study begun before them goes on with, and what a file leaves to the ledger's decision.

A study that continues keeps the numbers it began with, also where a newer version's default would change them.
"""

from collections.abc import Mapping
from typing import Any

from study.study_file.learning import Length
from study.study_file.sections import Objective
from study.study_file.sections_base import Section
from study.study_file.study import Study

BEFORE: Mapping[tuple[str, str], Any] = {
    ("objective", "empty"): "report",
    ("training", "clip"): None,
}
"""(section, key) → the value that trials had before the key existed."""

SECTIONS: dict[str, type[Section]] = {"objective": Objective, "training": Length}

AUTO = "auto"
DECIDED = (("objective", "empty"), ("training", "learning_rate"))
"""Keys whose `auto` is replaced by what the ledger's file says, once it says something else."""


def completed(file: Mapping[str, Any]) -> dict[str, Any]:
    """A study file of the ledger with the keys that came later, at the values its trials had."""
    full = {**file}
    for (section, key), value in BEFORE.items():
        full[section] = {key: value, **full.get(section, {})}
    return full


def as_recorded(study: Study, file: Mapping[str, Any]) -> Study:
    """A study file of today as the ledger's study of that name is to go on with it.

    Args:
        study: The study of the file at hand.
        file: The study's file in the ledger.
    """
    plain = study.plain()
    changed: dict[str, dict[str, Any]] = {}
    for (section, key), value in BEFORE.items():
        if key not in file.get(section, {}) and plain[section][key] == SECTIONS[section].model_fields[key].default:
            changed.setdefault(section, {})[key] = value
    known = completed(file)
    for section, key in DECIDED:
        if plain[section].get(key) == AUTO and known[section].get(key, AUTO) != AUTO:
            changed.setdefault(section, {})[key] = known[section][key]
    if not changed:
        return study
    return Study.from_plain(
        {**plain, **{name: {**plain[name], **keys} for name, keys in changed.items()}}, source=study.name
    )
