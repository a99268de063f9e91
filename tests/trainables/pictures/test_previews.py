"""Previews: which slice, which way up, how large."""

import base64
import dataclasses
import tracemalloc

import numpy as np
import pytest

from trainables.pictures.kept import Preview, pack, unpack
from trainables.pictures.previews import fullest_slice, nearest, preview, size_of, smooth


def pixels(data: bytes, shape: tuple[int, int]) -> np.ndarray:
    return np.frombuffer(data, np.uint8).reshape(shape)


def test_the_slice_with_most_reference_front_up_and_right_on_the_left() -> None:
    grey, reference, prediction = (np.zeros((4, 3, 5), np.uint8) for _ in range(3))
    reference[1, 0, 0] = 1
    reference[2, 2, 4] = reference[2, 2, 3] = 2  # farthest to the front and to the right
    prediction[2, 2, 4] = 1
    grey[2, 2, 4] = 200
    found = preview("a", grey, reference, prediction, spacing=(5.0, 1.0, 1.0))
    assert (found.case, found.slice_index, found.shape) == ("a", 2, (3, 5))
    assert pixels(found.image, found.shape)[0, 0] == 200
    assert pixels(found.reference, found.shape).tolist() == [[2, 2, 0, 0, 0], [0] * 5, [0] * 5]
    assert pixels(found.prediction, found.shape)[0, 0] == 1


def test_a_picture_stays_as_it_is() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    found = preview("a", grey, (grey > 5).astype(np.uint8), (grey > 7).astype(np.uint8), spacing=None)
    assert found.slice_index == 0
    assert np.array_equal(pixels(found.image, (3, 4)), grey)
    assert pixels(found.reference, (3, 4)).sum() == 6
    assert pixels(found.prediction, (3, 4)).sum() == 4


def test_the_middle_slice_where_there_is_nothing_and_the_first_of_equals() -> None:
    empty = np.zeros((5, 2, 2), np.uint8)
    assert fullest_slice(empty) == 2
    empty[1, 0, 0] = empty[3, 1, 1] = 7
    assert fullest_slice(empty) == 1


@pytest.mark.parametrize(
    ("shape", "spacing", "expected"),
    [
        ((35, 51), (1.0, 1.0), (35, 51)),
        ((512, 512), (0.7, 0.7), (256, 256)),
        ((512, 256), (1.0, 1.0), (256, 128)),
        ((100, 100), (2.0, 1.0), (200, 100)),
        ((100, 80), (0.5, 0.5), (100, 80)),
        ((300, 200), (1.0, 3.0), (128, 256)),
        ((1000, 1), (1.0, 1.0), (256, 1)),
    ],
)
def test_pixels_are_square_and_not_too_many(
    shape: tuple[int, int], spacing: tuple[float, float], expected: tuple[int, int]
) -> None:
    assert size_of(shape, spacing) == expected


def test_large_slices_are_averaged_and_classes_picked() -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 255, (600, 512)).astype(np.uint8)
    classes = np.repeat(np.array([[0, 3], [1, 2]], np.uint8), 300, axis=0).repeat(256, axis=1)
    found = preview("a", grey, classes, classes, spacing=None)
    assert found.shape == (256, 218)
    image, reference = pixels(found.image, found.shape), pixels(found.reference, found.shape)
    assert image.std() < 0.6 * grey.std()
    assert abs(image.mean() - grey.mean()) < 1
    assert [reference[0, 0], reference[0, -1], reference[-1, 0], reference[-1, -1]] == [0, 3, 1, 2]
    assert (reference == 0).mean() == pytest.approx(0.25, abs=0.01)


def test_nearest_takes_the_pixel_under_the_centre() -> None:
    labels = np.arange(6, dtype=np.uint8)[None]
    assert nearest(labels, (1, 2)).tolist() == [[1, 4]]
    assert nearest(labels, (2, 12))[1].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert smooth(labels, (1, 2)).tolist() == [[1, 4]]


def test_a_preview_that_inflates_to_more_than_its_shape_is_refused() -> None:
    plane = np.arange(6, dtype=np.uint8).reshape(2, 3)
    shown = dataclasses.asdict(Preview.of("a", 0, plane, plane, plane))
    packed = {**shown, **{name: pack(shown[name]) for name in ("image", "reference", "prediction")}, "shape": [2, 3]}
    assert Preview.from_plain(packed).image == plane.tobytes()
    for wrong, said in (
        ({"image": pack(bytes(10**8))}, "more than 6 bytes"),
        ({"image": pack(b"12345")}, "fewer than 6 bytes"),
        ({"image": base64.b85encode(b"no deflated bytes").decode()}, "damaged"),
        ({"shape": [10**6, 10**6]}, "a picture of 1,000,000,000,000 bytes"),
    ):
        with pytest.raises(ValueError, match=said):
            Preview.from_plain({**packed, **wrong})


def test_no_more_is_inflated_than_the_shape_explains() -> None:
    text = pack(bytes(5 * 10**7))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more than 100 bytes"):
            unpack(text, 100)
        assert tracemalloc.get_traced_memory()[1] < 1e7
    finally:
        tracemalloc.stop()
