"""Recipes: the augmentations of a study file with all their options. Plain data, no PyTorch.

`augment: [mirror, {rotate: {probability: 0.2, degrees: 30}}, perlin]`, or a preset: `augment: miscnn`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

OPTIONS: dict[str, dict[str, Any]] = {
    "mirror": {"probability": 0.5, "axes": "zyx"},
    "rotate": {"probability": 0.15, "degrees": 15.0},
    "scale": {"probability": 0.15, "range": (0.85, 1.25)},
    "elastic": {"probability": 0.15, "displacement": (0.0, 2.5)},
    "brightness": {"probability": 0.15, "range": (0.5, 2.0)},
    "contrast": {"probability": 0.15, "range": (0.3, 3.0)},
    "gamma": {"probability": 0.15, "range": (0.7, 1.5)},
    "noise": {"probability": 0.15, "deviation": (0.0, 0.05)},
    "elastic_filter": {"probability": 0.15, "alpha": (0.0, 900.0), "sigma": (9.0, 13.0)},
    "uniform_noise": {"probability": 0.15, "amplitude": (0.0, 0.1)},
    "salt_pepper": {"probability": 0.15, "share": (0.0, 0.02)},
    "perlin": {
        "probability": 0.15,
        "amplitude": (0.02, 0.2),
        "cell": (8.0, 64.0),
        "octaves": (1.0, 6.0),
        "persistence": 0.5,
    },
}
"""Augmentation → option → default; two numbers are the range that a uniform draw is taken from."""

PRESETS: dict[str, tuple[str, ...]] = {
    "miscnn": ("mirror", "contrast", "brightness", "gamma", "noise", "elastic_filter", "rotate", "scale"),
}
"""Word → augmentations in order. `miscnn`: the kits19 paper's pipeline, intensities before the spatial transform."""

LIMITS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "probability": ("from 0 to 1", lambda value: 0 <= value <= 1),
    "degrees": ("from 0 to 180", lambda value: 0 <= value <= 180),
    "range": ("above 0", lambda value: value > 0),
    "displacement": ("of at least 0", lambda value: value >= 0),
    "deviation": ("of at least 0", lambda value: value >= 0),
    "alpha": ("of at least 0", lambda value: value >= 0),
    "sigma": ("above 0", lambda value: value > 0),
    "amplitude": ("of at least 0", lambda value: value >= 0),
    "share": ("from 0 to 1", lambda value: 0 <= value <= 1),
    "cell": ("of at least 2", lambda value: value >= 2),
    "octaves": ("from 1 to 12", lambda value: 1 <= value <= 12),
    "persistence": ("above 0 and at most 1", lambda value: 0 < value <= 1),
}
"""Option → what its numbers must be."""

AXES = "zyx"
"""Axes that may be mirrored, as letters; in 2D z has no meaning."""

AROUND_ONE = ("scale", "contrast", "gamma")
"""Whose range must hold 1: half the time the draw is below it, half the time above."""

Given = str | Mapping[str, Any]
Recipe = tuple[str, dict[str, Any]]


class RecipeError(ValueError):
    """A wrong entry, with its cause.

    Attributes:
        path: Where: position in the list, then name and option where they are known.
    """

    def __init__(self, path: tuple[str | int, ...], text: str) -> None:
        self.path = path
        super().__init__(text)


def spelled(given: Sequence[Given]) -> tuple[Given, ...]:
    """Replace presets by their entries; wrong entries stay as they are."""
    return tuple(
        one for entry in given for one in (PRESETS[entry] if isinstance(entry, str) and entry in PRESETS else (entry,))
    )


def parse(given: Sequence[Given]) -> tuple[Recipe, ...]:
    """Parse entries to names with all their options, in order; ranges are pairs.

    Args:
        given: Names, presets, or one-key mappings of a name to some of its options.

    Raises:
        RecipeError: An entry is neither, a name or option does not exist or is there twice, a value cannot be.
    """
    found: dict[str, dict[str, Any]] = {}
    for index, entry in enumerate(spelled(given)):
        name, options = _named(entry, index)
        if name not in OPTIONS:
            raise RecipeError((index,), f"there is no augmentation {name!r}")
        if name in found:
            raise RecipeError((), f"names one twice: {name}")
        found[name] = {**OPTIONS[name], **{key: _value(name, key, options[key], index) for key in options}}
    return tuple(found.items())


def written(given: Sequence[Given]) -> tuple[Given, ...]:
    """Write entries in the shortest form, without presets: a name, with the options that differ from its defaults."""
    found: list[Given] = []
    for name, options in parse(given):
        changed = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in options.items()
            if value != OPTIONS[name][key]
        }
        found.append({name: changed} if changed else name)
    return tuple(found)


def _named(entry: object, index: int) -> tuple[str, Mapping[str, Any]]:
    if isinstance(entry, str):
        return entry, {}
    if isinstance(entry, Mapping) and len(entry) == 1:
        ((name, options),) = entry.items()
        if isinstance(name, str) and isinstance(options, Mapping):
            return name, options
    raise RecipeError((index,), "expected a name, or a name with its options (rotate: {degrees: 10})")


def _value(name: str, option: str, value: object, index: int) -> Any:
    path = (index, name, option)
    if option not in OPTIONS[name]:
        raise RecipeError(path, f"{name} has no such option; it has {', '.join(OPTIONS[name])}")
    if option == "axes":
        return _axes(value, path)
    pair = isinstance(OPTIONS[name][option], tuple)
    numbers: list[Any] = list(value) if pair and isinstance(value, list | tuple) and len(value) == 2 else [value]
    words, fits = LIMITS[option]
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float) or not fits(number):
            what = f"two numbers {words}, low and high" if pair else f"a number {words}"
            raise RecipeError(path, f"expected {what}")
    low, high = float(numbers[0]), float(numbers[-1])
    if low > high:
        raise RecipeError(path, f"{low:g} is above {high:g}: give the lower one first")
    if option == "range" and name in AROUND_ONE and not low <= 1 <= high:
        raise RecipeError(path, "expected a range around 1: half the draws are below it, half above")
    return (low, high) if pair else low


def _axes(value: object, path: tuple[str | int, ...]) -> str:
    letters = sorted(value, key=AXES.find) if isinstance(value, str) and set(value) <= set(AXES) else []
    if not letters or len(set(letters)) < len(letters):
        raise RecipeError(path, f"expected letters among {AXES}, such as zy, each once")
    return "".join(letters)
