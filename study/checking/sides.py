"""Labels of the left and of the right, which mirroring exchanges in the picture and not in the labels."""

import re
from collections.abc import Iterator

from study.study_file import Study
from trainables.data.augmentation import recipes

SIDES = {
    "left": "left",
    "l": "left",
    "lt": "left",
    "lh": "left",
    "right": "right",
    "r": "right",
    "rt": "right",
    "rh": "right",
}
"""Word in a label's name → side of the patient."""
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
ACROSS = "x"
"""Axis from the patient's left to the right."""


def mirrored_sides(study: Study) -> Iterator[str]:
    """Yield notes on pairs of labels that differ by side where training or prediction mirrors across the patient."""
    pair = _pair(tuple(study.dataset.labels))
    if pair is None:
        return
    names = f"{pair[0]} and {pair[1]}"
    options = dict(recipes.parse(study.augment)).get("mirror")
    if options is not None and ACROSS in options["axes"] and options["probability"] > 0:
        yield (
            f"augment: mirror turns left into right in the picture and not in the labels {names}, so each is taught as "
            "the other; leave that axis out: {mirror: {axes: zy}}"
        )
    if study.inference.mirror:
        yield f"inference.mirror averages {names} over mirrored pictures, in which they change places; leave it out"


def _pair(labels: tuple[str, ...]) -> tuple[str, str] | None:
    """Return two labels whose names differ by the side alone."""
    seen: dict[tuple[str, ...], dict[str, str]] = {}
    for label in labels:
        words = [word.lower() for word in WORD.findall(label)]
        sides = [SIDES[word] for word in words if word in SIDES]
        if len(sides) == 1:
            structure = tuple(word for word in words if word not in SIDES)
            by_side = seen.setdefault(structure, {})
            by_side[sides[0]] = label
            if len(by_side) == 2:
                return by_side["left"], by_side["right"]
    return None
