import collections
import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from tests.trainables.data.files import options
from trainables.data.cache import cache
from trainables.data.cases.case import Case
from trainables.data.inspecting import inspect
from trainables.data.patches.patches import PatchSampler
from trainables.data.preparing import preprocess
from trainables.storage import whole_files


def dataset(root: pathlib.Path, shapes: Sequence[tuple[int, ...]], normalize: str = "zscore") -> cache.Dataset:
    """Cases `c0`, `c1`, …: each voxel's image value tells its case and its place; lesions in one corner."""
    how = options(dim=len(shapes[0]), normalize=normalize)
    records = []
    for number, shape in enumerate(shapes):
        image = np.arange(np.prod(shape), dtype=np.float32).reshape(1, *shape) + 100_000 * number
        reference = np.zeros(shape, np.uint8)
        reference[tuple(slice(0, 2) for _ in shape)] = 2
        reference[tuple(slice(n // 2, n // 2 + 3) for n in shape)] = 1
        case = Case(image, reference, (1.0,) * len(shape), ())
        made = preprocess.prepare(case, how)
        arrays = {name: getattr(made, name) for name in ("image", "label", "foreground", "reference", "grey")}
        facts = {
            "spacing": made.spacing,
            "reference_spacing": made.reference_spacing,
            "padding": made.padding,
            "foreground_counts": made.foreground_counts,
        }
        entry = whole_files.write_entry(root / "entries", arrays, facts)
        known = inspect.CaseFacts(
            name=f"c{number}",
            group=f"c{number}",
            channels=1,
            shape=shape,
            spacing=case.spacing,
            prepared_shape=shape,
            intensities=((0.0, 1.0),),
            quantiles=((0.0, 0.5, 1.0),),
            voxels={"organ": 1, "lesion": 1},
            lesions={},
            ceilings={},
            content="",
            warnings=(),
        )
        records.append(cache.CaseRecord(name=f"c{number}", entry=entry, facts=known))
    return cache.Dataset.open(cache.write_index(root, records, how))


def test_a_patch_is_the_cases_voxels_at_its_place(tmp_path: pathlib.Path) -> None:
    data = dataset(tmp_path, [(12, 14, 10), (9, 11, 13)])
    sampler = PatchSampler(data, ["c0", "c1"], (8, 6, 5), 0.5, seed=3)
    for iteration in range(20):
        images, labels = sampler.batch(iteration, 3)
        assert images.shape == (3, 1, 8, 6, 5)
        assert labels.shape == (3, 8, 6, 5)
        assert images.dtype == torch.float32
        assert labels.dtype == torch.uint8
        for slot in range(3):
            place = sampler.place(iteration, slot)
            case = data.cases[place.case]
            box = tuple(slice(start, start + size) for start, size in zip(place.start, (8, 6, 5), strict=True))
            assert (images[slot, 0].numpy() == case.image[0][box]).all()
            assert (labels[slot].numpy() == case.label[box]).all()


def test_draws_depend_on_seed_iteration_and_slot_only(tmp_path: pathlib.Path) -> None:
    data = dataset(tmp_path, [(12, 14, 10), (9, 11, 13)])

    def sampler(seed: int = 3) -> PatchSampler:
        return PatchSampler(data, ["c0", "c1"], (4, 4, 4), 0.5, seed)

    whole = [sampler().batch(iteration, 4) for iteration in range(6)]
    resumed = sampler()
    for iteration in (5, 2, 4):  # as after a resume, in any order, with a fresh object
        for first, again in zip(whole[iteration], resumed.batch(iteration, 4), strict=True):
            assert torch.equal(first, again)
    assert torch.equal(whole[2][0][:2], sampler().batch(2, 2)[0])  # a smaller batch is a part of a larger one
    assert not torch.equal(whole[2][0], sampler(4).batch(2, 4)[0])
    places = {sampler().place(iteration, slot).start for iteration in range(6) for slot in range(4)}
    assert len(places) > 15


def test_every_corner_is_reached_and_every_place_as_often(tmp_path: pathlib.Path) -> None:
    data = dataset(tmp_path, [(6, 5)])
    sampler = PatchSampler(data, ["c0"], (4, 4), 0.0, seed=1)
    counts = collections.Counter(sampler.place(iteration, 0).start for iteration in range(1800))
    assert set(counts) == {(y, x) for y in range(3) for x in range(2)}
    assert max(counts.values()) < 1.25 * min(counts.values())


def test_share_of_foreground_and_classes_by_turns(tmp_path: pathlib.Path) -> None:
    data = dataset(tmp_path, [(20, 20, 20), (20, 20, 20)])
    sampler = PatchSampler(data, ["c0", "c1"], (1, 1, 1), 0.4, seed=9)
    places = [sampler.place(iteration, 0) for iteration in range(3000)]
    centred = [place for place in places if place.centred]
    assert len(centred) / len(places) == pytest.approx(0.4, abs=0.03)
    classes = collections.Counter(int(data.cases[place.case].label[place.start]) for place in centred)
    assert classes[0] == 0  # the centre is foreground
    assert classes[2] / len(centred) == pytest.approx(0.5, abs=0.04)  # 8 voxels of the lesion, 27 of the organ
    assert collections.Counter(place.case for place in places)["c0"] / 3000 == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("share", "expected"), [(0.0, False), (1.0, True)])
def test_all_or_none_foreground(tmp_path: pathlib.Path, share: float, expected: bool) -> None:
    sampler = PatchSampler(dataset(tmp_path, [(20, 20)]), ["c0"], (4, 4), share, seed=9)
    assert all(sampler.place(iteration, 0).centred is expected for iteration in range(50))


def test_foreground_patches_hold_their_voxel_in_the_middle_or_as_near_as_the_edge_allows(
    tmp_path: pathlib.Path,
) -> None:
    data = dataset(tmp_path, [(30, 30)])
    sampler = PatchSampler(data, ["c0"], (8, 8), 1.0, seed=2)
    for iteration in range(40):
        place = sampler.place(iteration, 0)
        _, labels = sampler.batch(iteration, 1)
        assert labels.any()
        assert place.start == (0, 0) or all(11 <= start <= 13 for start in place.start)


def test_without_foreground_any_box_is_taken(tmp_path: pathlib.Path) -> None:
    data = dataset(tmp_path, [(9, 9)])
    empty = dataclasses.replace(data.cases["c0"])
    empty.__dict__["foreground_counts"] = (0, 0, 0)
    sampler = PatchSampler(cache.Dataset({"c0": empty}, data.options), ["c0"], (4, 4), 1.0, seed=2)
    starts = {sampler.place(iteration, 0).start for iteration in range(60)}
    assert not any(sampler.place(iteration, 0).centred for iteration in range(60))
    assert len(starts) > 20


@pytest.mark.parametrize("normalize", ["zscore", "none"])
def test_small_cases_stand_in_the_middle_with_padding_around(tmp_path: pathlib.Path, normalize: str) -> None:
    data = dataset(tmp_path, [(9, 12, 10), (3, 12, 10)], normalize)
    sampler = PatchSampler(data, ["c1"], (8, 6, 10), 1.0, seed=5)
    images, labels = sampler.batch(0, 1)
    place = sampler.place(0, 0)
    case = data.cases["c1"]
    assert place.start[0] == -2  # (8 - 3) / 2, the smaller half before
    assert place.start[2] == 0
    y = place.start[1]
    assert (images[0, 0, 2:5].numpy() == case.image[0][:, y : y + 6]).all()
    assert (labels[0, 2:5].numpy() == case.label[:, y : y + 6]).all()
    outside = np.r_[0:2, 5:8]
    assert (images[0, 0][outside] == (100_000.0 if normalize == "none" else 0.0)).all()
    assert not labels[0][outside].any()


def test_a_margin_adds_what_lies_around_and_draws_the_same(tmp_path: pathlib.Path) -> None:
    data = dataset(tmp_path, [(12, 14, 10), (9, 11, 13)], "none")
    plain = PatchSampler(data, ["c0", "c1"], (8, 6, 5), 0.5, seed=3)
    wide = PatchSampler(data, ["c0", "c1"], (8, 6, 5), 0.5, seed=3, margin=(2, 3, 0))
    beyond = 0
    for iteration in range(10):
        images, labels = plain.batch(iteration, 2)
        more_images, more_labels = wide.batch(iteration, 2)
        assert more_images.shape == (2, 1, 12, 12, 5)
        assert torch.equal(more_images[:, :, 2:-2, 3:-3], images)
        assert torch.equal(more_labels[:, 2:-2, 3:-3], labels)
        place = plain.place(iteration, 0)
        if place.start[0] == 0:
            beyond += 1
            assert (more_images[0, 0, :2] == data.cases[place.case].padding[0]).all()
            assert not more_labels[0, :2].any()
        else:
            outer = data.cases[place.case].image[0][place.start[0] - 1, place.start[1], place.start[2]]
            assert more_images[0, 0, 1, 3, 0] == outer
    assert beyond


@pytest.mark.parametrize(
    ("cases", "size", "share", "message"),
    [
        ([], (4, 4), 0.5, "no training cases"),
        (["c0"], (4, 4, 4), 0.5, "patch_size"),
        (["c0"], (4, 0), 0.5, "patch_size"),
        (["c0"], (4, 4), 1.5, "foreground"),
    ],
)
def test_wrong_arguments_are_refused(
    tmp_path: pathlib.Path, cases: list[str], size: tuple[int, ...], share: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        PatchSampler(dataset(tmp_path, [(9, 9)]), cases, size, share, seed=0)
