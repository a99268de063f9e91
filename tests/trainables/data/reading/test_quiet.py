"""Packages that log and warn without naming a file."""

import logging
import warnings

import pytest

from trainables.data.reading.quiet import silence


def test_a_silenced_package_writes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    silence("a_package_that_talks")
    logging.getLogger("a_package_that_talks.inner").warning("hello")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", module=r"a_package_that_talks(\.|$)")
        warnings.warn_explicit("hello", UserWarning, "file.py", 1, module="a_package_that_talks.inner")
        warnings.warn_explicit("hello", UserWarning, "file.py", 1, module="another")
    assert [str(one.message) for one in caught] == ["hello"]
    assert capfd.readouterr() == ("", "")


def test_warnings_are_ignored_by_the_package_that_they_come_from() -> None:
    with warnings.catch_warnings():
        silence.cache_clear()
        silence("a_package_that_talks")
        assert any(
            entry[0] == "ignore" and entry[3] is not None and entry[3].match("a_package_that_talks.inner")
            for entry in warnings.filters
        )
