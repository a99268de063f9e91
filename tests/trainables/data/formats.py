"""One volume in formats that SimpleITK writes. Arrays are `(x, y, z)`, affines in RAS, as in `files`."""

import locale
import pathlib
from typing import Any

import numpy as np

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
UID = "1.2.826.0.1.3680043.2.1125"


def itk_image(array: np.ndarray, affine: np.ndarray) -> Any:
    """With channels where the array has a fourth axis."""
    import SimpleITK

    image = SimpleITK.GetImageFromArray(np.moveaxis(array, (0, 1, 2), (2, 1, 0)), isVector=array.ndim == 4)
    matrix = LPS_FROM_RAS @ affine
    sides = np.linalg.norm(matrix[:3, :3], axis=0)
    image.SetSpacing(sides.tolist())
    image.SetDirection((matrix[:3, :3] / sides).reshape(-1).tolist())
    image.SetOrigin(matrix[:3, 3].tolist())
    return image


def write(path: pathlib.Path, array: np.ndarray, affine: np.ndarray, *, packed: bool = False) -> pathlib.Path:
    """`.mha`, `.mhd` (with `.raw`, or `.zraw` if packed), `.nrrd`, `.nhdr`."""
    import SimpleITK

    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(itk_image(array, affine), str(path), packed)
    return path


def write_series(folder: pathlib.Path, array: np.ndarray, affine: np.ndarray, series: int = 1) -> pathlib.Path:
    """A CT as a scanner exports it: a file for each slice, named in no useful order.

    ITK's DICOM writer leaves the process with the locale C, in which PyTorch's compiler cannot read its own files.
    """
    import SimpleITK

    folder.mkdir(parents=True, exist_ok=True)
    image = itk_image(array, affine)
    direction = image.GetDirection()
    writer = SimpleITK.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    spoken = locale.setlocale(locale.LC_ALL)
    for number in range(image.GetDepth()):
        plane = image[:, :, number]
        tags = {
            "0008|0018": f"{UID}.{series}.{number}",
            "0008|0060": "CT",
            "0020|000d": f"{UID}.9",
            "0020|000e": f"{UID}.{series}",
            "0020|0013": str(number),
            "0020|0032": _numbers(image.TransformIndexToPhysicalPoint((0, 0, number))),
            "0020|0037": _numbers(direction[row * 3 + column] for column in (0, 1) for row in range(3)),
        }
        for tag, value in tags.items():
            plane.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{number * 7 % image.GetDepth()}-{series}-{number}.dcm"))
        writer.Execute(plane)
    locale.setlocale(locale.LC_ALL, spoken)
    return folder


def _numbers(values: Any) -> str:
    return "\\".join(f"{value:.10g}" for value in values)
