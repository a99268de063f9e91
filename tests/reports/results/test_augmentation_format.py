"""Augmentations as reports name them."""

import pytest

from reports.results import number_format


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("rotate", "rotate"),
        ({"rotate": {"degrees": 30.0}}, "rotate (degrees 30)"),
        ({"scale": {"probability": 0.5, "range": [0.9, 1.1]}}, "scale (probability 0.5, range 0.9 to 1.1)"),
    ],
)
def test_an_augmentation_is_named_with_what_was_changed(entry: object, text: str) -> None:
    assert number_format.augmentation(entry) == text
