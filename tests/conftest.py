"""For all tests: examples without a time limit of their own, and the longest files first."""

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None)  # a busy machine would trip one
settings.load_profile("default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with tests on Ray begin: as the last of a run in two processes they would leave one of them idle."""
    with_ray = {item.path for item in items if item.get_closest_marker("ray")}
    items.sort(key=lambda item: item.path not in with_ray)
