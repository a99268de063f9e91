"""Batches: the same numbers patch by patch and at once, from the memory map and from memory; draws replayed."""

import json
from typing import Any

import pytest
import torch

from tests.trainables import tiny
from trainables.data.augmentation.augment import AUGMENTATIONS, Augmenter
from trainables.data.augmentation.draws import Drawn
from trainables.data.patches import residence
from trainables.data.patches.batches import Batches
from trainables.data.patches.patches import PatchSampler

ALWAYS = tuple({name: {"probability": 1}} for name in AUGMENTATIONS)
OFTEN = tuple({name: {"probability": 0.4}} for name in AUGMENTATIONS if name != "elastic_filter")
BEFORE = (
    {"noise": {"probability": 0.5}},
    {"contrast": {"probability": 0.5}},
    "mirror",
    {"rotate": {"probability": 0.5}},
)
DATA = {dim: tiny.dataset((22, 20, 18)[:dim] if dim == 3 else (40, 44)) for dim in (2, 3)}


def made(recipes: Any, size: tuple[int, ...], *, data: Any = None, **how: Any) -> Batches:
    data = DATA[len(size)] if data is None else data
    augmenter = Augmenter(recipes, 5, size, (1.0, 1.5, 1.5)[-len(size) :])
    sampler = PatchSampler(data, list(data.cases), size, 0.5, 5, augmenter.margin, how.pop("context", 0), batch_size=4)
    return Batches(sampler, augmenter, 4, **how)


@pytest.mark.parametrize(
    "recipes", [(), ("mirror",), OFTEN, ALWAYS, BEFORE], ids=["none", "mirror", "often", "always", "before"]
)
@pytest.mark.parametrize("size", [(9, 8, 7), (14, 12), (23, 7, 6)])
def test_patch_by_patch_is_what_all_at_once_is(recipes: Any, size: tuple[int, ...]) -> None:
    """On a CPU from the memory map, and as on a GPU that holds the cases, here with the CPU as the device."""
    single, whole = made(recipes, size), made(recipes, size, home="device")
    for iteration in range(3):
        images, labels = single.batch(iteration)
        expected, expected_labels = whole.batch(iteration)
        assert images.shape == (4, 1, *size)
        assert labels.shape == (4, *size)
        assert labels.dtype == torch.int64
        assert torch.allclose(images, expected, atol=2e-3, rtol=1e-3)
        assert (labels == expected_labels).float().mean() > 0.999


def test_homes_hold_the_same_voxels() -> None:
    batches = [made(OFTEN, (10, 12, 9), home=home) for home in ("device", "pinned")]
    for iteration in (2, 0, 1):
        (one, classes), (other, other_classes) = (maker.batch(iteration) for maker in batches)
        assert torch.equal(one, other)
        assert torch.equal(classes, other_classes)


def test_slices_with_their_neighbours_come_either_way() -> None:
    single, whole = (made(OFTEN, (10, 12), data=_slices(), context=1, home=home) for home in ("mapped", "device"))
    for iteration in range(4):
        images, labels = single.batch(iteration)
        expected, expected_labels = whole.batch(iteration)
        assert images.shape == (4, 3, 10, 12)
        assert torch.allclose(images, expected, atol=2e-3, rtol=1e-3)
        assert (labels == expected_labels).float().mean() > 0.999


def _slices() -> Any:
    import dataclasses

    from trainables.data.cache.cache import Dataset

    return Dataset(DATA[3].cases, dataclasses.replace(DATA[3].options, dim=2))


@pytest.mark.parametrize("iteration", [0, 3])
def test_kept_draws_give_the_same_batch_to_the_bit(iteration: int) -> None:
    size = (10, 12, 9)
    augmenter = Augmenter(ALWAYS, 5, size)
    images = torch.randn(3, 2, *(side + 2 * more for side, more in zip(size, augmenter.margin, strict=True)))
    labels = torch.randint(0, 3, (3, *images.shape[2:]), dtype=torch.uint8)
    drawn = augmenter.draw(iteration, 3)
    first = augmenter.replay(images, labels, drawn)
    kept = json.loads(json.dumps([one.plain() for one in drawn]))
    again = Augmenter((), 99, size).draw(0, 0)  # nothing of the first one's
    again += [Drawn.from_plain(one) for one in kept]
    other = Augmenter(ALWAYS, 99, size).replay(images, labels, again)
    assert torch.equal(first[0], other[0])
    assert torch.equal(first[1], other[1])
    assert torch.equal(first[0], augmenter.apply(images, labels, iteration)[0])
    assert not torch.equal(first[0], augmenter.apply(images, labels, iteration + 1)[0])


def test_no_more_is_read_than_is_seen() -> None:
    size = (40, 40, 40)
    augmenter = Augmenter(({"rotate": {"probability": 1, "degrees": 3}},), 5, size)
    read: list[tuple[int, ...]] = []

    def cut(extra: Any, image: Any, maps: Any) -> None:
        read.append(tuple(extra))
        image[...] = 0

    seen = torch.empty(1, *size)
    for drawn in augmenter.draw(0, 5):
        augmenter.read(drawn, cut, seen, (), ())
    assert augmenter.margin == (10, 10, 10)
    assert all(1 <= more <= 4 for extra in read for more in extra)


@pytest.mark.parametrize(("needed", "expected"), [(35, "device"), (36, "pinned"), (125, "pinned"), (126, "mapped")])
def test_where_cases_go_on_a_gpu(needed: int, expected: str) -> None:
    assert residence.home(needed, gpu=True, device_bytes=100, host_bytes=1000) == expected
    assert residence.home(needed, gpu=False, device_bytes=100, host_bytes=1000) == "mapped"


def test_bytes_are_those_that_are_held() -> None:
    names = list(DATA[3].cases)[:2]
    held = residence.hold(DATA[3], [*names, names[0]], torch.device("cpu"), lesions=False)
    assert list(held) == names
    taken = sum(one.image.nbytes + one.label.nbytes + one.components.nbytes for one in held.values())
    assert residence.bytes_of(DATA[3], names, lesions=False) == taken
    assert residence.home_of(DATA[3], names, torch.device("cpu"), lesions=False, share=0) == "mapped"
