"""Images to predict: which files and folders of the command line are an image, and which files are its channels."""

import collections
import pathlib
import re
from collections.abc import Iterator, Sequence

from study.in_words import counted
from study.study_file import Study
from trainables.data.cases.unlabelled import ImageFiles
from trainables.data.finding import templates
from trainables.data.finding.found import by_stem
from trainables.data.reading import parts, readers
from trainables.errors import InputError

CHANNEL = re.compile(r"(.+)_(\d{4})")
"""A file of one channel in nnU-Net's layout, without its ending."""
INSIDE = ("imagesTs", "imagesTr", "images")
"""Folders that are looked into, if one of them is there."""


def find_images(given: Sequence[pathlib.Path], study: Study, channels: int) -> list[ImageFiles]:
    """Return the images that the command line names, in its order; those of a folder by name.

    A file is an image, or a channel of one if its name ends in `_0000`, `_0001`, … and the study has several channels.
    A folder of DICOM slices is an image. In another folder the study's templates are looked for (`dataset.images`),
    then `imagesTs`, `imagesTr` or `images`, then `case_*/imaging.nii.gz`, then images in the folder itself.

    Args:
        given: Files and folders.
        study: The study.
        channels: Channels of its images.

    Raises:
        InputError: A path is not there, a folder has no images, an image lacks a channel, or two have one name.
    """
    found: list[ImageFiles] = []
    loose: dict[str, pathlib.Path] = {}
    for path in given:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder.")
        if path.is_dir() and not parts.is_series(path):
            found += _in_folder(path, study, channels)
            continue
        if not readers.is_image(path):
            raise InputError(f"{readers.short(path)}: unknown kind of file. Known are {', '.join(readers.READERS)}.")
        other = loose.setdefault(readers.stem(path), path)
        if other != path:
            raise InputError(f"{other} and {path} are one image by name. Predict one of them in another folder.")
    found += _grouped(loose, channels, "the files given")
    twice = [name for name, count in collections.Counter(image.name for image in found).items() if count > 1]
    if twice:
        raise InputError(f"{twice[0]}: {counted(len(twice), 'name')} given twice. Predict them into different folders.")
    return found


def _in_folder(folder: pathlib.Path, study: Study, channels: int) -> list[ImageFiles]:
    dataset = study.dataset
    if dataset.images is not None:
        found = _by_templates(folder, study)
        if found:
            return found
    inside = [name for name in INSIDE if (folder / name).is_dir()]
    if len(inside) > 1:
        raise InputError(f"{folder}: has {' and '.join(inside)}: name one of them.")
    if inside:
        return _in_folder(folder / inside[0], study, channels)
    kits = {file.parent.name: (file,) for file in sorted(folder.glob("case_*/imaging.nii*"))}
    if kits:
        return [ImageFiles(name, files) for name, files in kits.items()]
    files = by_stem(folder)
    if not files:
        layout = f" where the study has them ({_said(study)})" if dataset.images is not None else ""
        raise InputError(f"{folder}: no images in it{layout}. Name a folder of images, or the images.")
    return _grouped(files, channels, str(folder))


def _by_templates(folder: pathlib.Path, study: Study) -> list[ImageFiles]:
    """Return the images that the study's templates find below a folder; () where a folder that they name is not there.

    Raises:
        InputError: An image lacks a channel.
    """
    dataset = study.dataset
    named = {"image": dataset.images} if isinstance(dataset.images, str) else dict(dataset.images)
    if any(templates.CASE not in place and not (folder / place).is_dir() for place in named.values()):
        return []
    roi = dataset.roi if isinstance(dataset.roi, str) else None
    taken = frozenset(file for place in (dataset.masks, roi) if place for file in _matches(folder, place).values())
    by_channel = {name: templates.matches(folder, place, taken) for name, place in named.items()}
    regions = {} if roi is None else _matches(folder, roi)
    names = sorted({case for files in by_channel.values() for case in files})
    for case in names:
        if lacking := [name for name, files in by_channel.items() if case not in files]:
            raise InputError(f"{folder}: {case} has no channel {lacking[0]} ({named[lacking[0]]}). Add the file.")
    return [ImageFiles(case, tuple(files[case] for files in by_channel.values()), regions.get(case)) for case in names]


def _matches(folder: pathlib.Path, template: str) -> dict[str, pathlib.Path]:
    if templates.CASE not in template and not (folder / template).is_dir():
        return {}
    return templates.matches(folder, template)


def _grouped(files: dict[str, pathlib.Path], channels: int, where: str) -> list[ImageFiles]:
    """Return images of files by name: a file each, or one for each channel, `NAME_0000` to `NAME_000n`."""
    numbered = {stem: match for stem in files if (match := CHANNEL.fullmatch(stem))}
    if channels == 1:
        alone = numbered and len(numbered) == len(files) and all(match[2] == "0000" for match in numbered.values())
        return [ImageFiles(numbered[stem][1] if alone else stem, (file,)) for stem, file in files.items()]
    by_name: dict[str, dict[int, pathlib.Path]] = {}
    for stem, match in numbered.items():
        by_name.setdefault(match[1], {})[int(match[2])] = files[stem]
    if not any(0 in found and len(found) > 1 for found in by_name.values()):
        return [ImageFiles(stem, (file,)) for stem, file in files.items()]  # each holds all its channels
    for name, found in by_name.items():
        if sorted(found) != list(range(channels)):
            there = ", ".join(f"{number:04d}" for number in sorted(found))
            raise InputError(
                f"{where}: {name} has the channels {there}; the study has {channels}, 0000 to {channels - 1:04d}. "
                "Add the missing files."
            )
    whole = [ImageFiles(name, tuple(found[number] for number in sorted(found))) for name, found in by_name.items()]
    return [*whole, *(ImageFiles(stem, (file,)) for stem, file in files.items() if stem not in numbered)]


def _said(study: Study) -> str:
    images = study.dataset.images
    return images if isinstance(images, str) else ", ".join(images.values())


def files_read(image: ImageFiles) -> Iterator[pathlib.Path]:
    """Yield every file or folder that is read for an image."""
    yield from image.images
    if image.roi is not None:
        yield image.roi
