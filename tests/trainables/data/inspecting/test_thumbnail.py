"""Thumbnails: which slice, which way up, which window; remembered by content."""

import pathlib

import numpy as np
import pytest

from tests.trainables.data.files import options, pair
from trainables.data.cases import digests
from trainables.data.cases.case import Case
from trainables.data.inspecting import thumbnail
from trainables.data.inspecting.thumbnail import LONGEST, Thumbnail


def test_the_fullest_slice_as_it_is_looked_at() -> None:
    reference = np.zeros((4, 6, 8), np.uint8)
    reference[1, 0, 0] = 1
    reference[2, 0, :2] = 2  # at the back, on the patient's left (RAS: x grows to the right)
    image = np.linspace(-100, 900, reference.size, dtype=np.float32).reshape(1, *reference.shape)
    made = thumbnail.thumbnail(Case(image, reference, (5.0, 1.0, 2.0), ()), (0.0, 800.0))
    assert made.index == 2
    assert made.grey.shape == made.labels.shape == (6, 16)  # pixels are square: 6 mm by 16 mm
    assert made.labels[5, 12:].tolist() == [2, 2, 2, 2]  # back at the bottom, left on the right
    assert not made.labels[:5].any()
    shown = np.flip(image[0, 2])
    assert made.grey[0, 0] == pytest.approx(shown[0, 0] / 800 * 255, abs=1)


def test_without_a_window_the_cases_own_percentiles() -> None:
    image = np.arange(1001, dtype=np.float32).reshape(1, 7, 143)
    made = thumbnail.thumbnail(Case(image, np.zeros((7, 143), np.uint8), None, ()), None)
    assert made.index is None
    assert (made.grey.min(), made.grey.max()) == (0, 255)
    assert made.grey[0, 5] == 0  # the 0.5th percentile is 5
    assert made.grey[6, 142 - 4] == 255
    flat = thumbnail.thumbnail(Case(np.full((1, 4, 4), 7, np.float32), np.zeros((4, 4), np.uint8), None, ()), None)
    assert not flat.grey.any()


def test_large_ones_are_made_small() -> None:
    reference = np.zeros((3, 500, 1000), np.uint8)
    made = thumbnail.thumbnail(Case(reference[None].astype(np.float32), reference, (1.0, 1.0, 1.0), ()), None)
    assert made.grey.shape == (LONGEST // 2, LONGEST)
    assert made.index == 1


def test_remembered_by_content(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "SETTLED", 0.0)
    files, memory = pair(tmp_path), tmp_path / "cache"
    first = thumbnail.of_cases([files], options(), memory=memory)["case_1"]
    plain = thumbnail.of_cases([files], options())["case_1"]
    monkeypatch.setattr(thumbnail, "read_for", None)
    again = thumbnail.of_cases([files], options(), memory=memory)["case_1"]
    for other in (plain, again, Thumbnail.from_plain(first.plain())):
        assert other.index == first.index
        assert np.array_equal(other.grey, first.grey)
        assert np.array_equal(other.labels, first.labels)
