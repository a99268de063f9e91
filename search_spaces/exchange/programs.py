"""The programs whose search spaces are read and written, by name."""

from collections.abc import Callable, Mapping

from search_spaces.exchange import config_space, optuna_json, ray_tune, syne_tune
from search_spaces.exchange.exchanged import Exchanged, First, Text
from search_spaces.grammar import Space

READERS: Mapping[str, Callable[[str], Exchanged]] = {
    "ray": ray_tune.read,
    "optuna": optuna_json.read,
    "configspace": config_space.read,
    "synetune": syne_tune.read,
}
"""Program → reader of its file's text."""

WRITERS: Mapping[str, Callable[[Space, First], Text]] = {
    "ray": ray_tune.write,
    "optuna": optuna_json.write,
    "configspace": config_space.write,
    "synetune": syne_tune.write,
}
"""Program → writer of a space and its first trial."""
