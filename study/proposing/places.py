"""Places of a data set's files: a known layout, or templates made from the files' own names."""

import dataclasses
import itertools
import pathlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

from study.proposing.words import is_area, is_reference, is_second_reading
from trainables.data.finding import layouts
from trainables.data.finding.known_layouts import LAYOUTS
from trainables.data.finding.layouts import CaseFiles
from trainables.data.finding.templates import CASE
from trainables.data.reading import readers
from trainables.errors import InputError

MOST_FILES = 200_000
MOST_COMPARED = 50
"""Sets of cases of either kind that are compared for a message."""
SEPARATORS = re.compile(r"([_. -]+)")
Files = Mapping[str, pathlib.Path]
"""Case → file."""
Templates = Mapping[str, Files]
"""Template → case → file."""
Kind = Literal["image", "reference", "area", "second"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Places:
    """Where the files of a data set are, in the words of a study file.

    Attributes:
        root: The data set's folder.
        layout: Name of the known layout; None where templates say it.
        images: Template, or channel → template; None with a known layout.
        masks: Template; None with a known layout.
        roi: Template of the field-of-view masks; None where there are none.
        unused: Number of image files that belong to no case.
        files: The cases, sorted by name.
    """

    root: pathlib.Path
    layout: str | None = None
    images: str | Mapping[str, str] | None = None
    masks: str | None = None
    roi: str | None = None
    unused: int = 0
    files: tuple[CaseFiles, ...]


def find(root: pathlib.Path) -> Places:
    """Find the images and masks of a folder.

    Args:
        root: The data set's folder.

    Raises:
        InputError: There is no such folder, no image, no mask, an image or mask without partner, or several sets of
            masks of which none is clearly the reference.
    """
    if not root.is_dir():
        layouts.find(root)  # says which folder may be meant
    seen = list(itertools.islice(_walk(root), MOST_FILES + 1))
    if len(seen) > MOST_FILES:
        raise InputError(f"{root}: more than {MOST_FILES:,} images. Give the folder of one data set.")
    if not seen:
        raise InputError(f"{root}: no image in it, nor in its folders. Give the folder of a data set.")
    name = next((name for name, layout in LAYOUTS.items() if layout(root) is not None), None)
    if name is not None and not _has_other_masks(root, name):
        files = layouts.find(root)
        used = sum(len(case.images) + 1 for case in files)
        return Places(root=root, layout=name, unused=max(0, len(seen) - used), files=tuple(files))
    return _by_templates(root, seen)


def _has_other_masks(root: pathlib.Path, layout: str) -> bool:
    """Return whether another folder beside `images` and `masks` or `labels` promises masks: one is a field of view."""
    known = {"images + masks": ("images", "masks"), "images + labels": ("images", "labels")}.get(layout)
    return known is not None and any(
        folder.is_dir() and folder.name not in known and (is_reference(folder.name) or is_area(folder.name))
        for folder in root.iterdir()
    )


def _walk(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield image files, and folders of DICOM slices as one, in order; links to folders are not followed."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if readers.is_image(path):
                yield path
            elif not path.is_symlink():
                yield from _walk(path)
        elif readers.is_image(path):
            yield path


def _by_templates(root: pathlib.Path, seen: Sequence[pathlib.Path]) -> Places:
    kinds: dict[Kind, list[pathlib.Path]] = defaultdict(list)
    for file in seen:
        kinds[_kind(file.relative_to(root).as_posix())].append(file)
    if not kinds["reference"]:  # where nothing else promises the reference, `mask` is it
        kinds["reference"] = kinds.pop("area", [])
    _refuse_none(root, kinds["reference"], kinds["image"])
    images, masks, areas = (_by_cases(_templates(root, kinds[kind])) for kind in ("image", "reference", "area"))
    both = images.keys() & masks.keys()
    if not both:
        raise InputError(_unpaired(root, images, masks))
    best = max(
        both, key=lambda cases: (len(_files(images[cases])), cases in areas, sum(map(len, cases)), sorted(cases))
    )
    references, regions = sorted(masks[best]), sorted(areas.get(best, ()))
    _refuse_several(references)
    _refuse_several(regions)
    return _places(root, seen, sorted(images[best]), references[0], regions[0] if regions else None)


def _kind(path: str) -> Kind:
    """Return what the words of a path promise."""
    if is_second_reading(path):
        return "second"
    if is_reference(path):
        return "reference"
    return "area" if is_area(path) else "image"


def _by_cases(found: Templates) -> dict[frozenset[str], Templates]:
    """Return templates by the cases that they have files for."""
    by_cases: dict[frozenset[str], dict[str, Files]] = defaultdict(dict)
    for text, files in found.items():
        by_cases[frozenset(files)][text] = files
    return dict(by_cases)


def _files(found: Templates) -> set[pathlib.Path]:
    return {file for files in found.values() for file in files.values()}


def _places(
    root: pathlib.Path, seen: Sequence[pathlib.Path], images: Sequence[str], masks: str, roi: str | None
) -> Places:
    given: str | dict[str, str] = images[0] if len(images) == 1 else _channels(images)
    files = tuple(layouts.find(root, given, masks, roi=roi))
    used = sum(len(case.images) + 1 + (case.roi is not None) for case in files)
    return Places(root=root, images=given, masks=masks, roi=roi, unused=max(0, len(seen) - used), files=files)


def _templates(root: pathlib.Path, seen: Sequence[pathlib.Path]) -> dict[str, Files]:
    """Return the templates that two or more files fit, each with its files by case."""
    found: dict[str, dict[str, pathlib.Path]] = defaultdict(dict)
    twice: set[str] = set()
    for file in seen:
        for case, text in _readings(root, file):
            if found[text].setdefault(case, file) != file:
                twice.add(text)
    return {text: files for text, files in found.items() if len(files) > 1 and text not in twice}


def _readings(root: pathlib.Path, file: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Yield each way to read a path: the case, a run of whole name parts or a folder, and the template around it."""
    path = readers.composed(file.relative_to(root).as_posix())
    if any(letter in path for letter in "*?{}["):
        return
    *folders, name = path.split("/")
    stem = readers.stem(file)
    ending = name[len(stem) :]
    words = SEPARATORS.split(stem)
    runs = {
        "".join(words[begin : end + 1])
        for begin in range(0, min(len(words), 24), 2)
        for end in range(begin, min(len(words), 24), 2)
    }
    for case in {*runs, *folders}:
        if not any(letter.isalnum() for letter in case):
            continue
        whole = re.compile(rf"(?<![^/_. -]){re.escape(case)}(?![^/_. -])")
        text = whole.sub(CASE, "/".join((*folders, stem))) + ending
        if CASE in text:
            yield case, text


def _channels(images: Sequence[str]) -> dict[str, str]:
    """Return channel → template, named by the words that not all templates have."""
    words = [re.findall(r"[A-Za-z0-9]+", text.replace(CASE, "")) for text in images]
    common = set(words[0]).intersection(*words)
    names = ["_".join(word for word in each if word not in common) for each in words]
    if len(set(names)) < len(images) or not all(names):
        names = [f"channel_{number}" for number in range(len(images))]
    return dict(zip(names, images, strict=True))


def _refuse_none(root: pathlib.Path, masks: Collection[pathlib.Path], images: Collection[pathlib.Path]) -> None:
    if not masks:
        raise InputError(
            f"{root}: no masks found by name. Call their folder or files labels, masks, seg, gt or manual, or write "
            "`dataset.images` and `dataset.masks` by hand."
        )
    if not images:
        raise InputError(f"{root}: masks, but no images beside them. Give the folder that holds both.")


def _refuse_several(templates: Sequence[str]) -> None:
    if len(templates) > 1:
        raise InputError(
            f"{templates[0]} and {templates[1]}: two sets of masks of the same cases, and their names do not tell "
            "which is the reference. Move one away, or write `dataset.masks` by hand."
        )


def _unpaired(
    root: pathlib.Path, images: Mapping[frozenset[str], Templates], masks: Mapping[frozenset[str], Templates]
) -> str:
    """Return what keeps images and masks apart: the first file without partner of the pair that nearly fits."""
    pairs = list(itertools.product(sorted(images, key=len)[-MOST_COMPARED:], sorted(masks, key=len)[-MOST_COMPARED:]))
    ours, theirs = max(pairs, key=lambda pair: len(pair[0] & pair[1]), default=(frozenset(), frozenset()))
    if not ours & theirs:
        return f"{root}: no names of images and masks agree. Write `dataset.images` and `dataset.masks` by hand."
    lone = sorted(ours ^ theirs)
    lacks, there = ("mask", images[ours]) if lone[0] in ours else ("image", masks[theirs])
    file = next(iter(there.values()))[lone[0]]
    others = f" ({len(lone) - 1} more like it)" if len(lone) > 1 else ""
    return f"{file.relative_to(root)}: there is no {lacks} for it{others}. Add it, or take the file away."
