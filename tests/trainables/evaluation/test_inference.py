"""Sliding windows: every voxel seen, weights and averages as MONAI's, nothing changed where windows agree."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from monai.inferers import SlidingWindowInferer
from torch import Tensor

from trainables.data.patches.windows import Windows, starts, weights
from trainables.evaluation.inference import predict, predict_all


def by_voxel(x: Tensor) -> Tensor:
    """A network that looks at one voxel at a time: three logits from one channel."""
    return torch.cat([x, -x, 0.5 * x * x], dim=1)


def by_place(x: Tensor) -> Tensor:
    """A network whose answer depends on where in the window a voxel is, and on how the window is mirrored."""
    places = torch.meshgrid(*(torch.linspace(-1, 2, n) for n in x.shape[2:]), indexing="ij")
    return torch.cat([x * sum(places), x + places[0], x - places[-1] ** 2], dim=1)


def image(size: Sequence[int], seed: int = 0) -> Tensor:
    return torch.randn(1, *size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("size", "window", "overlap", "expected"),
    [
        (10, 10, 5, [0]),
        (10, 4, 0, [0, 4, 6]),
        (10, 4, 2, [0, 2, 4, 6]),
        (11, 4, 2, [0, 2, 4, 6, 7]),
        (80, 80, 40, [0]),
        (81, 80, 40, [0, 1]),
        (160, 80, 40, [0, 40, 80]),
    ],
)
def test_where_windows_start(size: int, window: int, overlap: int, expected: list[int]) -> None:
    assert starts(size, window, overlap) == expected


def test_windows_cover_everything_and_overlap_enough() -> None:
    for size, window in itertools.product(range(1, 30), range(1, 12)):
        for overlap in range(min(window, size)):
            if size < window:
                continue
            found = starts(size, window, overlap)
            assert found[0] == 0
            assert found[-1] == size - window
            assert all(window - overlap >= b - a > 0 for a, b in itertools.pairwise(found))


@pytest.mark.parametrize("average", ["logits", "probabilities"])
@pytest.mark.parametrize("blend", ["constant", "gaussian"])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("size", [(13, 9), (7, 12, 10), (3, 20, 5)])
def test_where_windows_agree_they_change_nothing(size: tuple[int, ...], mirror: bool, blend: str, average: str) -> None:
    given = image(size)
    dim = len(size)
    found = predict(by_voxel, given, window=(6,) * dim, overlap=(2,) * dim, blend=blend, average=average, mirror=mirror)
    assert torch.allclose(found, torch.softmax(by_voxel(given[None]), dim=1)[0], atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 5])
@pytest.mark.parametrize("average", ["logits", "probabilities"])
@pytest.mark.parametrize("blend", ["constant", "gaussian"])
def test_it_is_monais(blend: str, average: str, batch_size: int) -> None:
    given = image((14, 11, 17))

    def network(x: Tensor) -> Tensor:
        logits = by_place(x)
        return torch.softmax(logits, dim=1) if average == "probabilities" else logits

    # An overlap of half the window, so that MONAI's share of it is a whole number of voxels too.
    theirs = SlidingWindowInferer((8, 8, 8), sw_batch_size=4, overlap=0.5, mode=blend)(given[None], network)[0]
    if average == "logits":
        theirs = torch.softmax(theirs, dim=0)
    found = predict(
        by_place,
        given,
        window=(8, 8, 8),
        overlap=(4, 4, 4),
        blend=blend,
        average=average,
        batch_size=batch_size,
    )
    assert torch.allclose(found, theirs, atol=1e-6)


def test_logits_and_probabilities_average_differently() -> None:
    given = image((12, 12))
    both = [predict(by_place, given, window=(8, 8), overlap=(4, 4), average=a) for a in ("logits", "probabilities")]
    assert not torch.allclose(*both, atol=1e-3)
    assert all(torch.allclose(p.sum(0), torch.ones(12, 12)) for p in both)


def test_mirrored_by_hand() -> None:
    # One window, logits that depend on the place: the mean over the four flips, each turned back.
    given = image((5, 4))
    flips = [(), (2,), (3,), (2, 3)]
    logits = torch.stack([by_place(given[None].flip(f)).flip(f)[0] for f in flips]).mean(0)
    found = predict(by_place, given, window=(5, 4), overlap=(0, 0), mirror=True)
    assert torch.allclose(found, torch.softmax(logits, dim=0), atol=1e-6)


def test_mirroring_makes_a_prediction_that_mirrors_with_the_image() -> None:
    given = image((6, 8, 7))
    options = {"window": (6, 8, 7), "overlap": (0, 0, 0), "mirror": True}
    straight, turned = (predict(by_place, x, **options) for x in (given, given.flip(1, 3)))
    assert torch.allclose(turned.flip(1, 3), straight, atol=1e-5)
    plain = predict(by_place, given, **{**options, "mirror": False})
    assert not torch.allclose(plain, straight, atol=1e-2)


def test_a_small_image_is_padded_evenly_with_each_channels_value() -> None:
    seen = []

    def network(x: Tensor) -> Tensor:
        seen.append(x.clone())
        return x

    given = torch.stack([torch.full((3, 8), 5.0), torch.full((3, 8), 6.0)])
    found = predict(network, given, window=(6, 4), overlap=(0, 0), padding=(-1.0, 2.0))
    assert found.shape == (2, 3, 8)
    windows = torch.cat(seen)
    assert windows.shape == (2, 2, 6, 4)
    for channel, (inside, outside) in enumerate([(5.0, -1.0), (6.0, 2.0)]):
        assert windows[0, channel, :, 0].tolist() == [outside, inside, inside, inside, outside, outside]
    assert torch.allclose(found[1], torch.sigmoid(torch.ones(3, 8)))


def test_gaussian_weights_fall_from_the_centre_and_never_vanish() -> None:
    weight = weights((9, 32), "gaussian")
    assert weight[4, 15] == weight.max()
    assert weight[4, 4] == pytest.approx(weight[4, 27])
    assert weight.min() == pytest.approx(1e-3)
    # Along the long side the standard deviation is 32 / 8 = 4 voxels: 4 voxels further out, exp(-1/2) against...
    ratio = torch.exp(torch.tensor(-0.5 * ((4.5 / 4) ** 2 - (0.5 / 4) ** 2)))
    assert (weight[4, 20] / weight[4, 16]).item() == pytest.approx(ratio.item(), rel=1e-5)
    assert torch.equal(weights((2, 3), "constant"), torch.ones(2, 3))


def test_nothing_is_kept_for_gradients() -> None:
    layer = torch.nn.Conv2d(1, 2, 3, padding=1)
    assert not predict(layer, image((8, 8)), window=(4, 4), overlap=(2, 2)).requires_grad


def test_windows_of_several_images_go_together_and_come_apart() -> None:
    # 4, 1 and 6 windows of 4 x 4: with batches of three one batch holds the first image's last window, all of the
    # second image and the third's first.
    sizes: list[int] = []

    def network(x: Tensor) -> Tensor:
        sizes.append(len(x))
        return by_place(x)

    images = [(image(size, seed), None) for seed, size in enumerate([(6, 5), (3, 4), (6, 7)])]
    windows = Windows((4, 4), (2, 2))
    together = list(predict_all(network, images, windows=windows, batch_size=3, across=True))
    assert sizes == [3, 3, 3, 2]
    sizes.clear()
    apart = list(predict_all(network, images, windows=windows, batch_size=3))
    assert sizes == [3, 1, 1, 3, 3]
    for (given, _), one, other in zip(images, together, apart, strict=True):
        alone = predict(by_place, given, window=(4, 4), overlap=(2, 2), batch_size=1)
        assert one.shape == (3, *given.shape[1:])
        assert torch.allclose(one, alone, atol=1e-6)
        assert torch.allclose(other, alone, atol=1e-6)


def test_an_image_comes_out_before_the_next_is_asked_for() -> None:
    asked = []

    def images() -> Iterator[tuple[Tensor, None]]:
        for seed in range(3):
            asked.append(seed)
            yield image((8, 8), seed), None

    found = predict_all(by_voxel, images(), windows=Windows((4, 4), (0, 0)), batch_size=3)
    for seed in range(3):
        next(found)
        assert asked == [*range(seed + 1)]


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("dim", [2, 3])
def test_windows_without_image_are_predicted_once(dim: int, mirror: bool) -> None:
    # A square of image in a corner of much padding (7): all other windows look the same to the network.
    given = torch.full((1, *(16,) * dim), 7.0)
    given[(0, *(slice(0, 3),) * dim)] = image((3,) * dim)[0]
    seen = []

    def network(x: Tensor) -> Tensor:
        seen.append(len(x))
        return by_place(x)

    how: dict[str, Any] = {"window": (4,) * dim, "overlap": (1,) * dim, "mirror": mirror}
    found = predict(network, given, **how, padding=(7.0,))
    assert sum(seen) == 2 * (2**dim if mirror else 1)  # one window with image and one without
    seen.clear()
    every = predict(network, given, **how, padding=(8.0,))
    assert sum(seen) == 5**dim * (2**dim if mirror else 1)
    assert torch.allclose(found, every, atol=1e-6)


def test_a_window_is_without_image_where_each_channel_is_its_own_padding() -> None:
    given = torch.zeros(2, 8, 4)
    given[0, :4], given[1, :4] = 5.0, 6.0
    given[1, 7, 3] = 0.5  # the second channel holds something in the lower window
    seen = []

    def network(x: Tensor) -> Tensor:
        seen.append(x.clone())
        return x

    how: dict[str, Any] = {"window": (4, 4), "overlap": (0, 0), "batch_size": 1}
    found = predict(network, given, **how, padding=(5.0, 6.0))
    assert [len(x) for x in seen] == [1, 1]
    assert torch.allclose(found, torch.softmax(given, dim=0), atol=1e-6)
    twice = torch.cat([given[:, :4]] * 3, dim=1)
    assert len(seen) == 2
    assert torch.allclose(predict(network, twice, **how, padding=(5.0, 6.0)), torch.softmax(twice, dim=0), atol=1e-6)
    assert len(seen) == 3  # all three windows in one


def test_weights_are_kept_for_images_of_one_size() -> None:
    windows = Windows((4, 4), (2, 2))
    kept = windows.shares((6, 6))
    assert windows.shares((6, 6)) is kept
    other = windows.shares((6, 8))
    assert other.shape == (6, 8)
    assert windows.shares((6, 6)) is not kept
    assert torch.equal(windows.shares((6, 6)), kept)


def test_scores_that_lie_channels_last_are_summed_likewise() -> None:
    given = image((9, 8, 7))
    windows = Windows((4, 4, 4), (2, 2, 2))

    for classes in (3, 2):  # by the same windows

        def first(x: Tensor, classes: int = classes) -> Tensor:
            return by_place(x)[:, :classes].contiguous()

        def last(x: Tensor, classes: int = classes) -> Tensor:
            return by_place(x)[:, :classes].contiguous(memory_format=torch.channels_last_3d)

        (found,) = predict_all(last, [(given, None)], windows=windows)
        (expected,) = predict_all(first, [(given, None)], windows=windows)
        assert torch.allclose(found, expected, atol=1e-6)
        assert windows.weight_of(last(given[None])[0, :, :4, :4, :4]).shape == (classes, 4, 4, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": (4,)}, "as many sides"),
        ({"window": (4, 4, 4), "overlap": (1, 1, 1)}, r"as many sides in both, found image \[8, 8\]"),
        ({"overlap": (4, 1)}, r"0 <= overlap < window, found \[4, 1\] of \[4, 4\]"),
        ({"overlap": (-1, 1)}, "0 <= overlap"),
        ({"blend": "gauss"}, "constant or gaussian, found 'gauss'"),
        ({"average": "votes"}, "logits or probabilities, found 'votes'"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, object], message: str) -> None:
    options: dict[str, object] = {"window": (4, 4), "overlap": (1, 1), **changes}
    with pytest.raises(ValueError, match=message):
        predict(by_voxel, image((8, 8)), **options)  # type: ignore[arg-type]
