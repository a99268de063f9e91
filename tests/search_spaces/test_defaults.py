import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from search_spaces import defaults, network_sizes
from search_spaces import metrics as metric_names
from search_spaces.defaults import Default
from tests.search_spaces.parameters import contains
from trainables.losses import LOSSES
from trainables.models import DIMS, DIVISORS, MODELS

TABLES = {**defaults.LOSSES, **defaults.MODELS, "training": defaults.TRAINING, "sgd": {"x": defaults.SGD_LEARNING_RATE}}
EVERY = [(owner, name, default) for owner, table in TABLES.items() for name, default in table.items()]
IDS = [f"{owner}.{name}" for owner, name, _ in EVERY]


NOT_OF_A_STUDY_FILE = ("weight", "ignore", "weights", "patch_size")
"""Arguments that only a caller passes: tensors and mappings by class of a loss, the patch of a network."""


def signature(function: Callable[..., Any]) -> dict[str, Any]:
    """Keyword-only parameters with their default values, those that a study file can say."""
    parameters = inspect.signature(function).parameters.values()
    return {
        parameter.name: parameter.default
        for parameter in parameters
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.name not in NOT_OF_A_STUDY_FILE
    }


@pytest.mark.parametrize(
    ("table", "registry"), [(defaults.LOSSES, LOSSES), (defaults.MODELS, MODELS)], ids=["losses", "models"]
)
def test_names_and_values_are_the_registrys(
    table: Mapping[str, Mapping[str, Default]], registry: Mapping[str, Callable[..., Any]]
) -> None:
    here = {owner: {name: default.value for name, default in inside.items()} for owner, inside in table.items()}
    assert here == {name: signature(function) for name, function in registry.items()}


def test_what_networks_take_is_the_registrys() -> None:
    assert dict(DIMS) == network_sizes.DIMS
    assert dict(DIVISORS) == network_sizes.DIVISORS


def test_metrics_and_directions_are_the_registrys() -> None:
    metrics = pytest.importorskip("trainables.metrics")
    assert set(metrics.METRICS) == set(metric_names.METRICS)


def test_optimizers_and_schedules_are_the_registrys() -> None:
    optimize = pytest.importorskip("trainables.training.optimizers")
    assert set(optimize.OPTIMIZERS) == set(defaults.TRAINING["optimizer"].words)
    schedules = pytest.importorskip("trainables.training.schedules")
    assert {*schedules.SCHEDULES, schedules.PLATEAU} == set(defaults.TRAINING["schedule"].words)


@pytest.mark.parametrize(("owner", "name", "default"), EVERY, ids=IDS)
def test_every_default_has_a_reason_and_lies_in_its_own_range(owner: str, name: str, default: Default) -> None:
    assert len(default.reason) > 10
    if default.search is not None:
        assert contains(default.search, default.value)
    if default.words:
        assert default.value in default.words
