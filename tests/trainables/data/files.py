"""Small image files for tests."""

import itertools
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import nibabel
import numpy as np

from trainables.data.cases.label_values import parse_all
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.layouts import CaseFiles
from trainables.data.preparing.normalization import normalize

LABELS: Mapping[str, float | str] = {"organ": 1, "lesion": 2}


def options(**changes: Any) -> PreprocessOptions:
    given: dict[str, Any] = {"dim": 3, "labels": parse_all(LABELS), "regions": {"all": (1, 2), "lesion": (2,)}}
    return PreprocessOptions(**{**given, **changes})


def volume(shape: tuple[int, ...] = (9, 8, 7), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """`(x, y, z)`: an int16 image without symmetry, and a uint8 mask with values 0, 1, 2."""
    rng = np.random.default_rng(seed)
    image = rng.integers(-500, 500, shape).astype(np.int16)
    mask = np.zeros(shape, np.uint8)
    mask[1:6, 2:7, 1:5] = 1
    mask[2:4, 3:6, 2:4] = 2
    return image, mask


def affine(
    spacing: tuple[float, float, float] = (1.5, 2.0, 3.0), origin: tuple[float, ...] = (-20, 5, 40)
) -> np.ndarray:
    matrix = np.diag([*spacing, 1.0])
    matrix[:3, 3] = origin
    return matrix


def save(path: pathlib.Path, array: np.ndarray, matrix: np.ndarray | None = None, **header: Any) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(array, affine() if matrix is None else matrix)
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path


def pair(folder: pathlib.Path, name: str = "case_1", seed: int = 0) -> CaseFiles:
    """One good case in nnU-Net's layout."""
    image, mask = volume(seed=seed)
    return CaseFiles(
        name,
        (save(folder / "imagesTr" / f"{name}_0000.nii.gz", image),),
        save(folder / "labelsTr" / f"{name}.nii.gz", mask),
    )


def orientations(array: np.ndarray, matrix: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same volume stored in all 48 ways, each with its affine."""
    for order in itertools.permutations(range(3)):
        for flips in itertools.product((False, True), repeat=3):
            index_map = np.zeros((4, 4))  # new voxel index → old voxel index
            index_map[3, 3] = 1
            for new_axis, (old_axis, flip) in enumerate(zip(order, flips, strict=True)):
                index_map[old_axis, new_axis] = -1 if flip else 1
                index_map[old_axis, 3] = array.shape[old_axis] - 1 if flip else 0
            stored = np.transpose(array, order)
            stored = np.flip(stored, [axis for axis in range(3) if flips[axis]])
            yield np.ascontiguousarray(stored), matrix @ index_map


def picture(path: pathlib.Path, array: np.ndarray, **how: Any) -> pathlib.Path:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **how)
    return path


def normalized(values: np.ndarray, *how: Any) -> np.ndarray:
    """`normalize` of a copy."""
    copy = np.array(values, np.float32)
    normalize(copy, *how)
    return copy
