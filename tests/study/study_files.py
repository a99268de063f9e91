"""A small study file for tests, and the same with changes."""

import copy
from collections.abc import Mapping
from typing import Any

from study.study_file import Study

SMALL: dict[str, Any] = {
    "name": "small",
    "dataset": {"path": "data", "labels": {"kidney": 1, "tumor": 2}},
    "patch": {"size": [32, 32, 32]},
    "models": {"unet3d": {"width": 4}},
    "losses": {"dice": None, "focal": None},
    "training": {"iterations": 100},
    "budget": {"trials_per_arm": 12, "cohort": 4},
}
"""About the least that a user has to write; everything else is a default."""


def changed(changes: Mapping[str, Any] | None = None, base: Mapping[str, Any] = SMALL) -> dict[str, Any]:
    """Returns the file with other values by dotted key; `...` removes a key."""
    tree: dict[str, Any] = copy.deepcopy(dict(base))
    for key, value in (changes or {}).items():
        *path, last = key.split(".")
        inside = tree
        for part in path:
            inside = inside.setdefault(part, {})
        if value is ...:
            del inside[last]
        else:
            inside[last] = value
    return tree


def study(changes: Mapping[str, Any] | None = None) -> Study:
    """Returns the validated study of `changed(changes)`."""
    return Study.from_plain(changed(changes))
