"""Which of a metric's values are better, for every name that a study file may give."""

import re
from typing import Literal

from search_spaces.defaults import METRICS

Better = Literal["greater", "smaller", "zero"]

FAMILIES: dict[str, Better] = {
    "f": "greater",
    "surface_dice_": "greater",
}
"""Metrics whose name ends with a number: `f2` (F-beta, beta 2), `surface_dice_1.5` (at 1.5 mm, or pixels where the
spacing is unknown). The number is greater than 0 and written the shortest way: one metric, one name."""

NUMBERED = re.compile(r"([a-z_]+?)((?:0|[1-9]\d*)(?:\.\d*[1-9])?)")

KNOWN = (*METRICS, *(f"{family}2" for family in FAMILIES))
"""What messages offer: all names, and an example of each family."""


def better(name: str) -> Better | None:
    """Which values are better; None where there is no metric of that name."""
    if name in METRICS:
        return METRICS[name]
    family, _ = family_of(name) or ("", 0.0)
    return FAMILIES.get(family)


def family_of(name: str) -> tuple[str, float] | None:
    """Family and number of a name such as `f0.5`: `("f", 0.5)`; None where it is none."""
    match = NUMBERED.fullmatch(name)
    if match is None or match[1] not in FAMILIES or float(match[2]) == 0:
        return None
    return match[1], float(match[2])
