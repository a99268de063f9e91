"""Slices to be scrolled: which ones, which way up, how many bytes."""

import dataclasses

import numpy as np

from tests.trainables import tiny
from trainables.pictures.kept import Preview
from trainables.pictures.previews import preview
from trainables.pictures.stacks import LONGEST, MOST, slices_through, with_slices
from trainables.training.training import Training
from trainables.trial import Outcome


def volume(depth: int, *there: int) -> np.ndarray:
    """Foreground on some slices, the more the later they are named."""
    labels = np.zeros((depth, 6, 5), np.uint8)
    for count, index in enumerate(there, 1):
        labels[index].flat[:count] = 1
    return labels


def test_every_slice_of_a_short_region_and_one_on_each_side() -> None:
    assert slices_through(volume(20, 7, 9)) == (6, 7, 8, 9, 10)  # three slices: a margin of one
    assert slices_through(volume(20, 0, 1)) == (0, 1, 2)
    assert slices_through(volume(3)) == (0, 1, 2)  # nothing there: all of it


def test_a_long_region_is_gone_through_evenly_and_its_fullest_slice_is_there() -> None:
    labels = volume(200, *range(40, 140))  # fullest: 40 to 139 get 1 to 30 voxels, 30 from slice 69 on
    labels[77, 0, 0] = 1
    labels[77] = 1
    labels[78:] = np.minimum(labels[78:], labels[50])
    chosen = slices_through(labels)
    assert len(chosen) == MOST
    assert chosen[0] == 40 - 15
    assert chosen[-1] == 139 + 15
    assert 77 in chosen
    steps = np.diff(chosen)
    assert steps.min() >= 4
    assert steps.max() <= 13


def shown(grey: np.ndarray, reference: np.ndarray, prediction: np.ndarray) -> Preview:
    one = preview("a", grey, reference, prediction, spacing=(3.0, 1.0, 1.0))
    return with_slices(one, grey, reference, prediction, spacing=(3.0, 1.0, 1.0))


def test_slices_lie_as_the_preview_does() -> None:
    grey, reference, prediction = (np.zeros((5, 3, 4), np.uint8) for _ in range(3))
    reference[2, 2, 3] = 2  # farthest to the front and to the right
    prediction[3, 0, 3] = 1
    grey[1, 2, 3] = 203
    stack = shown(grey, reference, prediction).stack
    assert stack is not None
    assert (stack.slices, stack.shape) == ((1, 2, 3), (3, 4))
    image, truth, found = (
        np.frombuffer(part, np.uint8).reshape(3, 3, 4) for part in (stack.image, stack.reference, stack.prediction)
    )
    assert np.argwhere(truth == 2).tolist() == [[1, 0, 0]]
    assert np.argwhere(found == 1).tolist() == [[2, 2, 0]]
    assert image[0, 0, 0] == 200  # 64 grey levels


def test_few_bytes_and_none_in_2d() -> None:
    labels = np.zeros((90, 40, 60), np.uint8)
    labels[5:80, 10:30, 10:30] = 1
    stack = with_slices(
        preview("a", labels, labels, labels, spacing=None), labels, labels, labels, spacing=(1.0, 9.0, 9.0)
    ).stack
    assert stack is not None
    assert stack.shape == (40, 60)
    assert len(stack.image) == len(stack.prediction) == MOST * 40 * 60
    wide = np.zeros((4, 300, 400), np.uint8)
    large = with_slices(preview("a", wide, wide, wide, spacing=None), wide, wide, wide, spacing=None).stack
    assert large is not None
    assert large.shape == (120, LONGEST)
    flat = preview("a", labels[0], labels[0], labels[0], spacing=None)
    assert with_slices(flat, labels[0], labels[0], labels[0], spacing=None) is flat


def test_slices_travel_as_json() -> None:
    labels = volume(8, 3, 4)
    outcome = Outcome(
        iteration=5, previews=(shown(labels, labels, labels), Preview("b", 0, (1, 2), b"ab", b"cd", b"ef"))
    )
    assert Outcome.from_json(outcome.to_json()) == outcome
    without = dataclasses.asdict(outcome)["previews"][1]
    assert without["stack"] is None


def test_a_training_keeps_slices_of_the_cases_that_its_trial_names() -> None:
    data = tiny.dataset(spacing=(2.0, 2.0, 2.0))
    learner = Training(tiny.spec(previews=("case2", "case3"), stacks=("case3",)), data)
    first, second = learner.evaluate(("case2", "case3"), previews=("case2", "case3")).previews
    assert first.stack is None
    assert second.stack is not None
    reference = np.asarray(data.cases["case3"].reference)
    assert second.stack.slices == slices_through(reference)
    assert second.slice_index in second.stack.slices
    height, width = second.stack.shape
    planes = np.frombuffer(second.stack.prediction, np.uint8).reshape(-1, height, width)
    guess = learner.predict("case3")
    assert (height, width) == guess.shape[1:]
    assert np.array_equal(planes, [np.flip(guess[index]) for index in second.stack.slices])
