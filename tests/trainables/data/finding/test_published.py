import pathlib

import numpy as np
import pytest

from tests.trainables.data.files import options
from tests.trainables.data.published import PUBLISHED
from trainables.data.cache.cache import Dataset, prepare_case, write_index
from trainables.data.cases import case as cases
from trainables.data.cases.label_values import parse_all
from trainables.data.finding import layouts
from trainables.data.inspecting.inspect import all_cases
from trainables.data.patches.patches import PatchSampler


@pytest.mark.parametrize("name", PUBLISHED)
def test_from_the_folder_to_patches(tmp_path: pathlib.Path, name: str) -> None:
    data, root = PUBLISHED[name], tmp_path / "cache"
    data.make(tmp_path / "data")
    files = layouts.find(tmp_path / "data", exclude=data.exclude, **data.find)
    assert tuple(case.name for case in files) == data.names

    count = len(data.labels)
    regions = {"all": tuple(range(1, count + 1))}
    how = options(labels=parse_all(data.labels), regions=regions, spacing=tuple(1.1 * side for side in data.spacing))
    seen = all_cases(files, how)
    assert seen.problems == ()
    assert seen.warnings == ()
    facts = seen.facts[0]
    assert (facts.spacing, facts.shape, facts.channels) == (data.spacing, data.shape, data.channels)
    block = 16 if name == "LUNA16" else 8  # votes of 2 and of 4, and not that of 1
    assert facts.voxels == dict.fromkeys(data.labels, block)

    dataset = Dataset.open(write_index(root, [prepare_case(case, how, root) for case in files], how))
    assert dataset.channels == data.channels
    images, labels = PatchSampler(dataset, data.names, (8, 8, 8), 1.0, seed=0).batch(0, 4)
    assert images.shape == (4, data.channels, 8, 8, 8)
    assert labels.shape == (4, 8, 8, 8)
    assert 1 <= labels.max() <= count
    assert all(label.any() for label in labels)


def test_blocks_lie_where_scanners_say(tmp_path: pathlib.Path) -> None:
    # KiTS19 stores (slice from the head down, row to the back, column to the left): turned upside down and about.
    data = PUBLISHED["KiTS19"]
    data.make(tmp_path)
    kits = cases.read(layouts.find(tmp_path, exclude=data.exclude)[0], parse_all(data.labels), dim=3)
    expected = np.zeros((7, 10, 12), np.uint8)
    expected[1:3, 2:4, 1:3], expected[3:5, 2:4, 1:3] = 1, 2
    assert (kits.reference == expected[::-1, ::-1, ::-1]).all()


def test_channels_keep_the_order_of_the_study_file(tmp_path: pathlib.Path) -> None:
    data = PUBLISHED["BRATS15"]
    data.make(tmp_path)
    images = data.find["images"]
    turned = {name: images[name] for name in reversed(images)}
    first = layouts.find(tmp_path, images, data.find["masks"])[0]
    kinds = ("Flair", "T1.", "T1c", "T2")
    assert all(f"MR_{kind}" in path.name for kind, path in zip(kinds, first.images, strict=True))
    assert layouts.find(tmp_path, turned, data.find["masks"])[0].images == first.images[::-1]


def test_four_channels_are_four_different_volumes_in_a_patch(tmp_path: pathlib.Path) -> None:
    for name in ("BRATS15", "Decathlon"):
        data, root = PUBLISHED[name], tmp_path / name / "cache"
        data.make(tmp_path / name / "data")
        how = options(labels=parse_all(data.labels), regions={}, normalize="none")
        files = layouts.find(tmp_path / name / "data", **data.find)
        dataset = Dataset.open(write_index(root, [prepare_case(case, how, root) for case in files], how))
        sampler = PatchSampler(dataset, data.names[:1], data.shape, 0.0, seed=1)
        images, labels = sampler.batch(0, 1)
        whole = cases.read(files[0], parse_all(data.labels), dim=3)
        assert (images[0].numpy() == whole.image).all()
        assert (labels[0].numpy() == whole.reference).all()
        assert len(np.unique(images[0].reshape(4, -1)[:, :5].numpy(), axis=0)) == 4
