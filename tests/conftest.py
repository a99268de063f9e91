"""Settings of all tests: no deadline for Hypothesis examples, and the longest files first."""

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None)  # a loaded machine would exceed one
settings.load_profile("default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts files with tests on Ray first: at the end of a run in two processes they would leave one idle."""
    with_ray = {item.path for item in items if item.get_closest_marker("ray")}
    items.sort(key=lambda item: item.path not in with_ray)
