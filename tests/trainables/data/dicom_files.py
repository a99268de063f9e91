"""DICOM masks by other programs: segmentations by highdicom, structure sets by rt-utils."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

NAMES = {1: "organ", 2: "lesion"}
PATIENT = {
    "PatientID": "P1",
    "PatientName": "A^B",
    "PatientBirthDate": "",
    "PatientSex": "",
    "StudyID": "1",
    "StudyDate": "20260101",
    "StudyTime": "120000",
    "AccessionNumber": "",
    "ReferringPhysicianName": "",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.2.1125.77",
    "PositionReferenceIndicator": "",
    "SeriesNumber": 1,
    "Manufacturer": "none",
    "SliceThickness": 2.5,
}


def as_datasets(series: pathlib.Path) -> list[Any]:
    """The slices of a folder, completed by what highdicom and rt-utils demand, from the lowest to the highest."""
    import pydicom

    slices = [pydicom.dcmread(file) for file in sorted(series.iterdir())]
    for one in slices:
        for name, value in PATIENT.items():
            if name not in one or getattr(one, name) in (None, ""):
                setattr(one, name, value)
    return sorted(slices, key=lambda one: int(one.InstanceNumber))


def write_segmentation(
    path: pathlib.Path,
    series: pathlib.Path,
    mask: np.ndarray,
    *,
    all_frames: bool = True,
    names: Mapping[int, str] = NAMES,
    kind: str = "BINARY",
) -> pathlib.Path:
    """A segmentation of `(x, y, z)` labels, or of `(x, y, z, segment)` that overlap, on a series' slices."""
    import highdicom
    from pydicom.sr.codedict import codes

    algorithm = highdicom.AlgorithmIdentificationSequence("none", codes.DCM.ArtificialIntelligence, "1")
    described = [
        highdicom.seg.SegmentDescription(
            number,
            name,
            codes.SCT.Organ,
            codes.SCT.Organ,
            highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm,
        )
        for number, name in names.items()
    ]
    layers = mask if mask.ndim == 4 else np.stack([mask == number for number in names], axis=-1)
    made = highdicom.seg.Segmentation(
        source_images=as_datasets(series),
        pixel_array=layers.transpose(2, 1, 0, 3).astype(np.uint8),
        segmentation_type=kind,
        segment_descriptions=described,
        series_instance_uid=highdicom.UID(),
        series_number=2,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="none",
        manufacturer_model_name="none",
        software_versions="1",
        device_serial_number="1",
        omit_empty_frames=not all_frames,
    )
    made.save_as(path)
    return path


def write_structures(
    path: pathlib.Path, series: pathlib.Path, mask: np.ndarray, names: Mapping[int, str] = NAMES
) -> pathlib.Path:
    """A structure set with the outlines of `(x, y, z)` labels, or of `(x, y, z, structure)`, on a series' slices."""
    import rt_utils

    complete = path.with_name(f".{path.stem}-complete")  # hidden, so that it is no case
    complete.mkdir()
    for one in as_datasets(series):
        one.save_as(complete / f"{int(one.InstanceNumber):03d}.dcm")
    made = rt_utils.RTStructBuilder.create_new(str(complete))
    for bit, (number, name) in enumerate(names.items()):
        inside = mask[..., bit] if mask.ndim == 4 else mask == number
        made.add_roi(mask=np.ascontiguousarray(inside.transpose(1, 0, 2)).astype(bool), name=name)
    made.save(str(path))
    return path
