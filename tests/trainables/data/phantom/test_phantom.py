import collections
import hashlib
import pathlib
import re

import numpy as np
import pytest
from scipy import ndimage

from trainables.data.cases import case as cases
from trainables.data.cases.label_values import parse_all
from trainables.data.finding import layouts
from trainables.data.phantom import phantom
from trainables.errors import InputError

LABELS = parse_all(phantom.LABELS)


def digest(folder: pathlib.Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> list[cases.Case]:
    folder = tmp_path_factory.mktemp("phantom") / "volumes"
    phantom.generate(folder, 8, 3, seed=3)
    return [cases.read(files, LABELS, dim=3) for files in layouts.find(folder)]


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> list[cases.Case]:
    folder = tmp_path_factory.mktemp("phantom") / "slices"
    phantom.generate(folder, 40, 2, seed=3)
    return [cases.read(files, LABELS, dim=2) for files in layouts.find(folder)]


@pytest.mark.parametrize("dim", [2, 3])
def test_equal_arguments_give_equal_bytes(tmp_path: pathlib.Path, dim: int) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        phantom.generate(tmp_path / name, 2, dim, seed)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "c")


def test_more_cases_begin_with_the_same_ones(tmp_path: pathlib.Path) -> None:
    phantom.generate(tmp_path / "few", 3, 2, 5)
    phantom.generate(tmp_path / "more", 9, 2, 5)
    assert digest(tmp_path / "few").items() <= digest(tmp_path / "more").items()


def test_names_tell_patients_and_some_have_two_cases(tmp_path: pathlib.Path) -> None:
    phantom.generate(tmp_path / "p", 30, 2, 0)
    names = [files.name for files in layouts.find(tmp_path / "p")]
    assert len(names) == 30
    patients = collections.Counter(re.match(r"^(phantom_p\d+)", name)[1] for name in names)  # type: ignore[index]
    assert set(patients.values()) == {1, 2}
    assert 18 <= len(patients) <= 27


def test_volumes_are_ct_like(volumes: list[cases.Case]) -> None:
    assert len({case.spacing for case in volumes}) == 8
    for case in volumes:
        assert case.warnings == ()
        assert case.spacing is not None
        assert 2.0 <= case.spacing[0] <= 3.5
        assert case.spacing[1] == case.spacing[2]
        assert case.reference.shape[1:] == (64, 64)
        assert -1024 <= case.image.min() < -950
        assert case.image.max() > 250
        organ = case.image[0][case.reference == 1]
        assert 50 < organ.mean() < 150
        assert 8 < organ.std() < 40


def test_the_organ_is_one_piece_on_the_right_and_lesions_lie_in_it(volumes: list[cases.Case]) -> None:
    for case in volumes:
        pieces, _ = ndimage.label(case.reference > 0)
        assert np.bincount(pieces.ravel())[1:].max() > 0.97 * (case.reference > 0).sum()
        assert ndimage.center_of_mass(case.reference > 0)[2] > 32  # x grows to the right
        around = ndimage.binary_dilation(case.reference == 2) & (case.reference != 2)
        if (case.reference == 2).any():
            assert (case.reference[around] == 1).mean() > 0.5


def test_lesions_differ_widely_and_are_seldom_obvious(volumes: list[cases.Case], slices: list[cases.Case]) -> None:
    diameters, contrasts = [], []
    for case in volumes:
        assert case.spacing is not None
        pieces, count = ndimage.label(case.reference == 2)
        for index in range(1, count + 1):
            volume = (pieces == index).sum() * np.prod(case.spacing)
            diameters.append((6 * volume / np.pi) ** (1 / 3))
        if count:
            inside, outside = (case.image[0][case.reference == kind] for kind in (2, 1))
            contrasts.append(abs(inside.mean() - outside.mean()) / outside.std())
    assert len(diameters) >= 8
    assert min(diameters) < 8
    assert max(diameters) > 15
    assert np.median(contrasts) < 3
    without = [not (case.reference == 2).any() for case in slices]
    assert 0.05 < np.mean(without) < 0.6


def test_slices_are_pictures_with_class_numbers(slices: list[cases.Case]) -> None:
    for case in slices:
        assert case.reference.shape == (128, 128)
        assert case.spacing is None
        assert (case.reference == 1).sum() > 300
        assert case.image.min() == 0
        assert case.image.max() > 235


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"is not empty\. Give a new folder"):
        phantom.generate(tmp_path, 2, 3)
    with pytest.raises(InputError, match="is not empty"):
        phantom.generate(tmp_path / "notes.txt", 2, 3)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("count", "dim", "message"), [(0, 3, "--cases: expected at least 1"), (2, 4, "--dim: expected")]
)
def test_senseless_numbers_are_refused(tmp_path: pathlib.Path, count: int, dim: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        phantom.generate(tmp_path / "p", count, dim)
    assert not (tmp_path / "p").exists()
