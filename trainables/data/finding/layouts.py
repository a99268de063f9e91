"""Layouts: which files of a folder are cases, in a known layout or where the study file says."""

import collections
import dataclasses
import difflib
import fnmatch
import os
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence

from trainables.data.finding import templates
from trainables.data.finding.found import Found
from trainables.data.finding.known_layouts import LAYOUTS
from trainables.data.reading import parts, readers
from trainables.errors import InputError


@dataclasses.dataclass(frozen=True)
class CaseFiles:
    """The files of one case.

    Attributes:
        name: Unique in its dataset.
        images: One file a channel, in channel order.
        mask: The reference.
        roi: The mask of its region of interest; None where it has none of its own.
    """

    name: str
    images: tuple[pathlib.Path, ...]
    mask: pathlib.Path
    roi: pathlib.Path | None = None


def find(
    path: str | pathlib.Path,
    images: str | Mapping[str, str] | None = None,
    masks: str | None = None,
    exclude: Sequence[str] = (),
    roi: str | None = None,
) -> list[CaseFiles]:
    """Find the cases of a dataset, sorted by name.

    Args:
        path: The dataset's folder.
        images: Where the images are, relative to `path`, if no known layout fits: a folder (`scans`), or a template
            (`"{case}/imaging.nii.gz"`; `*` stands for anything inside one name, `**/` for any folders); several
            channels as `{flair: template, t1: template}`, in this order. A folder of DICOM slices is one image.
        masks: The same for the masks; given with `images` or not at all.
        exclude: Names of cases to leave out; `*` and `?` as in file names.
        roi: Where masks of regions of interest are, like `masks`; None: there are none.

    Raises:
        InputError: No such folder, no cases, an image without mask, a mask without image, channels that differ, a case
            without region, or an excluded case that does not exist.
    """
    root = pathlib.Path(path).expanduser()
    if not root.is_dir():
        raise InputError(f"dataset.path: no folder {str(path)!r}.{_near(root)}")
    if (images is None) != (masks is None):
        raise InputError("dataset: `images` and `masks` are given together, or neither.")
    if images is not None and masks is not None:
        found = templates.find(root, {"image": images} if isinstance(images, str) else images, masks, roi)
    else:
        found = _from_known(root)
    cases = _paired(found, exclude)
    cases = cases if roi is None else _with_regions(cases, templates.matches(root, roi), roi)
    for case in cases:
        _refuse_foreign(case, root)
    return cases


def _refuse_foreign(case: CaseFiles, root: pathlib.Path) -> None:
    """Refuse pipes, devices and sockets, and headers that name data files outside the data set's folder."""
    for path in (*case.images, case.mask, *((case.roi,) if case.roi is not None else ())):
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise InputError(
                f"{readers.short(path)}: no ordinary file (a pipe, a device or a socket). Take it away, or list "
                f"{case.name} under `dataset.exclude`."
            )
        if path.is_dir():
            continue
        for part in parts.of(path)[1:]:
            if not _lies_in(part, root) or (part.exists() and not part.is_file()):
                raise InputError(
                    f"{readers.short(path)}: its header names {str(part)!r}, which is no file of the data set. "
                    "Put the data file beside it, and correct the header."
                )


def _lies_in(path: pathlib.Path, root: pathlib.Path) -> bool:
    """Return whether a path lies below a folder by its name; links inside the folder are its owner's business."""
    return pathlib.Path(os.path.abspath(path)).is_relative_to(os.path.abspath(root))


def _with_regions(cases: Sequence[CaseFiles], regions: Mapping[str, pathlib.Path], where: str) -> list[CaseFiles]:
    """Return each case with the mask of its region of interest; masks of excluded cases are skipped."""
    without = [case.name for case in cases if case.name not in regions]
    if without:
        others = f" ({len(without) - 1} more like it)" if len(without) > 1 else ""
        raise InputError(
            f"dataset.roi: there is no mask for case {without[0]!r} in {where}{others}. Add it, or list the case under "
            "`dataset.exclude`."
        )
    return [dataclasses.replace(case, roi=regions[case.name]) for case in cases]


def _from_known(root: pathlib.Path) -> Found:
    for layout in LAYOUTS.values():
        found = layout(root)
        if found is not None:
            return found
    raise InputError(
        f"dataset.path: {str(root)!r} has none of the known layouts ({', '.join(LAYOUTS)}). "
        "Say where the files are with `dataset.images` and `dataset.masks`."
    )


def _paired(found: Found, exclude: Sequence[str]) -> list[CaseFiles]:
    exclude = [readers.composed(pattern) for pattern in exclude]
    names = sorted(found.images.keys() | found.masks.keys())
    excluded = {name for name in names for pattern in exclude if fnmatch.fnmatchcase(name, pattern)}
    for pattern in exclude:
        if not fnmatch.filter(names, pattern):
            raise InputError(f"dataset.exclude: no case {pattern!r}.{_suggest(pattern, names)}")
    names = [name for name in names if name not in excluded]
    if not names:
        raise InputError(f"dataset: no cases in {found.where}.")
    _refuse_halves(found, names)
    _refuse_unread(found, [*names, *excluded])
    _refuse_uneven(found, names)
    return [CaseFiles(n, tuple(found.images[n][c] for c in sorted(found.images[n])), found.masks[n]) for n in names]


def _refuse_halves(found: Found, names: Sequence[str]) -> None:
    lone = [(found.images[name], "mask", name) for name in names if name not in found.masks]
    lone += [({0: found.masks[name]}, "image", name) for name in names if name not in found.images]
    if lone:
        files, missing, name = lone[0]
        others = f" ({len(lone) - 1} more like it)" if len(lone) > 1 else ""
        if file := next((file for file in found.passed_over if _case_of(file) == name), None):
            raise InputError(
                f"{readers.short(file)}: no reader for this kind of file, so case {name!r} has no {missing}{others}. "
                f"Convert it to NIfTI, or list {name} under `dataset.exclude`."
            )
        raise InputError(
            f"{readers.short(next(iter(files.values())))}: there is no {missing} for it in {found.where}{others}. "
            f"Add it, or list {name} under `dataset.exclude`."
        )


def _refuse_unread(found: Found, names: Sequence[str]) -> None:
    """Refuse a case whose image and mask both have no reader: it would be left out without a word."""
    counted = collections.Counter(_case_of(file) for file in found.passed_over)
    for file in found.passed_over:
        if counted[_case_of(file)] > 1 and _case_of(file) not in names:
            raise InputError(
                f"{readers.short(file)}: no reader for this kind of file. Convert the case's files to NIfTI, or take "
                "them away."
            )


def _case_of(file: pathlib.Path) -> str:
    """Return the case that a file without reader belongs to by its name; a channel's number is no part of it."""
    return re.sub(r"_\d{4}$", "", readers.composed(file.name.split(".")[0]))


def _refuse_uneven(found: Found, names: Sequence[str]) -> None:
    all_channels = sorted({channel for name in names for channel in found.images[name]})
    for name in names:
        if sorted(found.images[name]) != all_channels:
            raise InputError(
                f"dataset: case {name!r} has channels {_called(found, found.images[name])}, "
                f"others have {_called(found, all_channels)}. "
                "Add the missing files, or list the case under `dataset.exclude`."
            )


def _called(found: Found, channels: Iterable[int]) -> str:
    return ", ".join(found.channels[channel] if found.channels else f"{channel:04d}" for channel in sorted(channels))


def _near(root: pathlib.Path) -> str:
    siblings = [folder.name for folder in root.parent.iterdir() if folder.is_dir()] if root.parent.is_dir() else []
    return _suggest(root.name, siblings)


def _suggest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f" Did you mean {close[0]!r}?" if close else ""
