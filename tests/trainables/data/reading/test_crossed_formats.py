"""One phantom, oblique and anisotropic, with two labels, by every writer: equal voxels, labels, spacing and place."""

import dataclasses
import pathlib
from collections.abc import Callable

import nibabel
import numpy as np
import pytest

from tests.trainables.data.dicom_files import write_segmentation, write_structures
from tests.trainables.data.formats import itk_image, write, write_series
from trainables.data.cases.label_values import parse_all
from trainables.data.reading import axes
from trainables.data.reading.volume import Volume

SIDES = (0.8, 0.8, 2.5)  # square pixels: rt-utils exchanges the two sizes of others (docs/BEHAVIOURS.md)
TURN = np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]]) @ np.array(
    [[1.0, 0.0, 0.0], [0.0, 0.8, -0.6], [0.0, 0.6, 0.8]]
)
"""Two rotations by sides 7-24-25 and 3-4-5, so that no number is rounded."""
SHAPE = (12, 10, 8)
MARKED = (7, 2, 5)
"""A voxel of label 2, `(x, y, z)` as stored."""
LABELS = parse_all({"organ": 1, "lesion": 2})


def affine() -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = TURN @ np.diag([-SIDES[0], -SIDES[1], SIDES[2]])
    matrix[:3, 3] = (31.5, -12.25, 104.0)
    return matrix


def image() -> np.ndarray:
    return np.random.default_rng(7).integers(-1000, 1000, SHAPE).astype(np.int16)


def mask() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:9, 1:6, 2:7] = 1
    labels[4, 3, 2:7] = 0  # a hole in each slice
    labels[6:8, 2:4, 4:6] = 2
    labels[MARKED] = 2
    labels[10, 8, 4] = 2  # one voxel by itself
    labels[9, 7:9, 6] = 1  # a line of two
    return labels


@dataclasses.dataclass(frozen=True)
class Files:
    """The file of a writer; None where it cannot write it."""

    image: pathlib.Path | None
    mask: pathlib.Path | None


Writer = Callable[[pathlib.Path], Files]


def _nibabel(kind: type, ending: str) -> Writer:
    def write_both(folder: pathlib.Path) -> Files:
        paths = []
        for name, array in (("image", image()), ("mask", mask())):
            paths.append(folder / f"{name}{ending}")
            nibabel.save(kind(array, affine()), paths[-1])
        return Files(*paths)

    return write_both


def _itk(ending: str, *, packed: bool = False, source: str | None = None) -> Writer:
    """By SimpleITK, perhaps of images that it read from another format, with the dictionary of that."""

    def write_both(folder: pathlib.Path) -> Files:
        import SimpleITK

        paths = []
        for name, array in (("image", image()), ("mask", mask())):
            made = itk_image(array, affine())
            if source == ".dcm":
                series = write_series(folder / f"{name}-series", array, affine(), series=3)
                reader = SimpleITK.ImageSeriesReader()
                reader.SetFileNames(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(series)))
                reader.MetaDataDictionaryArrayUpdateOn()
                made = reader.Execute()
                for key in reader.GetMetaDataKeys(0):
                    made.SetMetaData(key, reader.GetMetaData(0, key))
            elif source is not None:
                SimpleITK.WriteImage(made, str(folder / f"first{source}"))
                made = SimpleITK.ReadImage(str(folder / f"first{source}"))
            paths.append(folder / f"{name}{ending}")
            SimpleITK.WriteImage(made, str(paths[-1]), packed)
        return Files(*paths)

    return write_both


def _ours(ending: str) -> Writer:
    def write_both(folder: pathlib.Path) -> Files:
        return Files(*(write(folder / f"{n}{ending}", a, affine()) for n, a in (("image", image()), ("mask", mask()))))

    return write_both


def _pynrrd(folder: pathlib.Path) -> Files:
    import nrrd

    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine()
    header = {"space": "left-posterior-superior", "space directions": lps[:3, :3].T, "space origin": lps[:3, 3]}
    for name, array in (("image", image()), ("mask", mask())):
        nrrd.write(str(folder / f"{name}.nrrd"), array, {**header, "encoding": "bzip2"})
    return Files(folder / "image.nrrd", folder / "mask.nrrd")


def _series(folder: pathlib.Path) -> Files:
    return Files(write_series(folder / "ct", image(), affine()), write_series(folder / "mask", mask(), affine()))


def _segmentation(*, all_frames: bool) -> Writer:
    def write_both(folder: pathlib.Path) -> Files:
        series = write_series(folder / "ct", image(), affine())
        return Files(series, write_segmentation(folder / "mask.dcm", series, mask(), all_frames=all_frames))

    return write_both


def _structures(folder: pathlib.Path) -> Files:
    series = write_series(folder / "ct", image(), affine())
    return Files(series, write_structures(folder / "mask.dcm", series, mask()))


def _ome_tiff(folder: pathlib.Path) -> Files:
    import tifffile

    sizes = {f"PhysicalSize{axis}": side * 1000 for axis, side in zip("XYZ", SIDES, strict=True)}
    for name, array in (("image", image()), ("mask", mask())):
        tifffile.imwrite(folder / f"{name}.ome.tiff", array.T, metadata={"axes": "ZYX", **sizes})
    return Files(folder / "image.ome.tiff", folder / "mask.ome.tiff")


def _segments(folder: pathlib.Path) -> Files:
    """As 3D Slicer writes it: a list of layers first, and names in keys of its own."""
    import nrrd

    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine()
    keys = {}
    for number, name in enumerate(("organ", "lesion")):
        keys |= {f"Segment{number}_{key}": value for key, value in _segment(number, name).items()}
    header = {
        "space": "left-posterior-superior",
        "kinds": ["list", "domain", "domain", "domain"],
        "space directions": np.vstack([np.full(3, np.nan), lps[:3, :3].T]),
        "space origin": lps[:3, 3],
        **keys,
    }
    layers = np.stack([mask() == 1, mask() == 2]).astype(np.uint8)
    nrrd.write(str(folder / "mask.seg.nrrd"), layers, header)
    return Files(None, folder / "mask.seg.nrrd")


def _segment(number: int, name: str) -> dict[str, str]:
    return {"ID": f"Segment_{number}", "Name": name, "LabelValue": "1", "Layer": str(number)}


WRITERS: dict[str, Writer] = {
    "nibabel NIfTI-1": _nibabel(nibabel.Nifti1Image, ".nii"),
    "nibabel NIfTI-1, packed": _nibabel(nibabel.Nifti1Image, ".nii.gz"),
    "nibabel NIfTI-2": _nibabel(nibabel.Nifti2Image, ".nii.gz"),
    "nibabel pair": _nibabel(nibabel.Nifti1Pair, ".hdr"),
    "nibabel pair, packed": _nibabel(nibabel.Nifti1Pair, ".img.gz"),
    "nibabel MGH": _nibabel(nibabel.MGHImage, ".mgh"),
    "nibabel MGZ": _nibabel(nibabel.MGHImage, ".mgz"),
    "SimpleITK NIfTI": _itk(".nii.gz"),
    "SimpleITK NIfTI pair": _itk(".hdr"),
    "SimpleITK MetaImage": _itk(".mha"),
    "SimpleITK MetaImage, packed": _itk(".mha", packed=True),
    "SimpleITK MetaImage, two files": _itk(".mhd", packed=True),
    "SimpleITK MetaImage from NIfTI": _itk(".mha", source=".nii.gz"),
    "SimpleITK MetaImage from DICOM": _itk(".mha", source=".dcm", packed=True),
    "SimpleITK MetaImage from NRRD": _itk(".mhd", source=".nrrd"),
    "SimpleITK NRRD": _itk(".nrrd"),
    "SimpleITK NRRD, packed": _itk(".nrrd", packed=True),
    "SimpleITK NRRD, two files": _itk(".nhdr"),
    "SimpleITK NRRD from NIfTI": _itk(".nrrd", source=".nii.gz"),
    "SimpleITK NRRD from DICOM": _itk(".nrrd", source=".dcm"),
    "SimpleITK NIfTI from DICOM": _itk(".nii.gz", source=".dcm"),
    "pynrrd": _pynrrd,
    "DICOM series": _series,
    "highdicom segmentation": _segmentation(all_frames=True),
    "highdicom segmentation, used frames": _segmentation(all_frames=False),
    "rt-utils structures": _structures,
    "3D Slicer's segments": _segments,
}


def values(path: pathlib.Path, on: Volume | None) -> Volume:
    volume = Volume.of(path, "refuse", on=on)
    return volume.with_values(LABELS, others_count=True) if volume.raw.segments else volume


def assert_placed(volume: Volume, stored: np.ndarray) -> None:
    """The same array in closest RAS, the same spacing, and the marked voxel at the same millimetres."""
    orientation = axes.orientation(affine())
    assert (volume.array[0] == axes.to_zyx(stored, orientation)).all()
    assert volume.spacing == axes.sides_zyx(SIDES, orientation)
    marker = np.zeros(SHAPE, np.uint8)
    marker[MARKED] = 1
    z, y, x = np.argwhere(axes.to_zyx(marker, orientation))[0]
    assert volume.affine is not None
    world = affine() @ [*MARKED, 1]
    assert (volume.affine @ [x, y, z, 1])[:3] == pytest.approx(world[:3], abs=2e-4)


@pytest.mark.parametrize("name", WRITERS)
def test_every_writer_gives_the_same_volume(tmp_path: pathlib.Path, name: str) -> None:
    files = WRITERS[name](tmp_path)
    first = None
    if files.image is not None:
        first = Volume.of(files.image, "grey")
        assert_placed(first, image())
        assert first.raw.warnings == ()
    assert files.mask is not None
    read = values(files.mask, first)
    assert_placed(read, mask())
    assert [int((read.array == value).sum()) for value in (1, 2)] == [int((mask() == value).sum()) for value in (1, 2)]
    if first is not None:
        said: list[str] = []
        read.beside(first, "the mask", said)
        assert said == []


def test_an_ome_tiff_has_voxels_and_sizes_but_no_place(tmp_path: pathlib.Path) -> None:
    files = _ome_tiff(tmp_path)
    assert files.image is not None
    assert files.mask is not None
    for path, stored in ((files.image, image()), (files.mask, mask())):
        read = Volume.of(path, "refuse")
        assert (read.array[0] == stored[::-1, ::-1].T).all()  # rows to the back, columns to the left
        assert read.spacing == SIDES[::-1]


def test_analyze_has_voxels_and_sizes_and_says_that_it_has_no_place(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "mask.hdr"
    nibabel.save(nibabel.Spm99AnalyzeImage(mask().astype(np.int16), np.diag([-0.8, 0.8, 2.5, 1.0])), path)
    read = Volume.of(path, "refuse")
    assert (read.array[0] == mask()[::-1].T).all()
    assert read.spacing == SIDES[::-1]
    assert "does not say how the volume lies" in read.raw.warnings[0]


def test_minc_has_voxels_and_sizes_and_fits_both_conventions(tmp_path: pathlib.Path) -> None:
    path = _itk(".mnc")(tmp_path).mask
    assert path is not None
    reference = Volume.of(_itk(".nii.gz")(tmp_path).image or path, "grey")
    said: list[str] = []
    read = Volume.of(path, "refuse").beside(reference, "the mask", said)
    assert (read.array[0] == axes.to_zyx(mask(), axes.orientation(affine()))).all()
    assert "positions as ITK writes them to MINC" in said[0]
