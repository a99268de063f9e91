"""Layouts: which files of a folder are cases. A layout is one function; the first that fits is taken."""

import dataclasses
import difflib
import fnmatch
import json
import pathlib
import re
from collections.abc import Callable, Mapping, Sequence

from trainables.data import readers
from trainables.errors import InputError


@dataclasses.dataclass(frozen=True)
class CaseFiles:
    """The files of one case.

    Attributes:
        name: Unique in its dataset.
        images: One file a channel, in channel order.
        mask: The reference.
    """

    name: str
    images: tuple[pathlib.Path, ...]
    mask: pathlib.Path


Layout = Callable[[pathlib.Path], "Found | None"]


@dataclasses.dataclass(frozen=True)
class Found:
    """What a layout sees, before it is checked: images by channel, and masks, by case."""

    images: Mapping[str, Mapping[int, pathlib.Path]]
    masks: Mapping[str, pathlib.Path]
    where: str


def find(
    path: str | pathlib.Path,
    images: str | Mapping[str, str] | None = None,
    masks: str | None = None,
    exclude: Sequence[str] = (),
) -> list[CaseFiles]:
    """The cases of a dataset, sorted by name.

    Args:
        path: The dataset's folder.
        images: Where the images are, relative to `path`, if no known layout fits: a folder (`scans`), or a template
            (`"{case}/imaging.nii.gz"`, `*` stands for anything inside one name); several channels as
            `{flair: template, t1: template}`.
        masks: The same for the masks; given with `images` or not at all.
        exclude: Names of cases to leave out; `*` and `?` as in file names.

    Raises:
        InputError: No such folder, no cases, an image without mask, a mask without image, channels that differ, or an
            excluded case that does not exist.
    """
    root = pathlib.Path(path).expanduser()
    if not root.is_dir():
        raise InputError(f"dataset.path: no folder {str(path)!r}.{_near(root)}")
    if (images is None) != (masks is None):
        raise InputError("dataset: `images` and `masks` are given together, or neither.")
    if images is not None and masks is not None:
        found = _from_templates(root, {"image": images} if isinstance(images, str) else images, masks)
    else:
        found = _from_known(root)
    return _paired(found, exclude)


def _from_known(root: pathlib.Path) -> Found:
    for layout in LAYOUTS.values():
        found = layout(root)
        if found is not None:
            return found
    raise InputError(
        f"dataset.path: {str(root)!r} has none of the known layouts ({', '.join(LAYOUTS)}). "
        "Say where the files are with `dataset.images` and `dataset.masks`."
    )


def _nnunet(root: pathlib.Path) -> Found | None:
    """`imagesTr/CASE_0000.nii.gz` (a suffix for each channel) or `imagesTr/CASE.nii.gz`, and `labelsTr/CASE.nii.gz`."""
    if not (root / "imagesTr").is_dir() or not (root / "labelsTr").is_dir():
        return None
    masks = _by_stem(root / "labelsTr")
    images: dict[str, dict[int, pathlib.Path]] = {}
    for stem, file in _by_stem(root / "imagesTr").items():
        channel = re.fullmatch(r"(.+)_(\d{4})", stem)
        if channel is not None and stem not in masks:  # `scan_2019` with a mask of that name is no channel of `scan`
            images.setdefault(channel[1], {})[int(channel[2])] = file
        else:
            images.setdefault(stem, {})[0] = file
    _check_channel_names(root, images)
    return Found(images, masks, "imagesTr and labelsTr")


def _check_channel_names(root: pathlib.Path, images: Mapping[str, Mapping[int, pathlib.Path]]) -> None:
    """A `dataset.json`, where there is one, says how many channels there must be."""
    file = root / "dataset.json"
    if not file.is_file() or not images:
        return
    try:
        described = json.loads(file.read_text(encoding="utf-8"))
        channels = described.get("channel_names") or described.get("modality")
    except (ValueError, AttributeError, OSError) as error:
        raise InputError(
            f"{file.name}: is no JSON object ({error}). Repair it, or take it away: not needed."
        ) from error
    most = max(len(by_channel) for by_channel in images.values())
    if channels and most > 1 and len(channels) != most:
        raise InputError(f"{file.name}: names {len(channels)} channels, but imagesTr has {most} for a case.")


def _folders(images: str, masks: str) -> Layout:
    def layout(root: pathlib.Path) -> Found | None:
        """Two folders with files of equal stems."""
        if not (root / images).is_dir() or not (root / masks).is_dir():
            return None
        return Found(
            {case: {0: file} for case, file in _by_stem(root / images).items()},
            _by_stem(root / masks),
            f"{images} and {masks}",
        )

    return layout


def _by_stem(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    by_stem: dict[str, pathlib.Path] = {}
    for file in _files(folder):
        other = by_stem.setdefault(readers.stem(file), file)
        if other != file:
            raise InputError(f"{folder.name}: {other.name} and {file.name} are one case by name. Take one away.")
    return by_stem


LAYOUTS: dict[str, Layout] = {
    "nnU-Net (imagesTr, labelsTr)": _nnunet,
    "images + masks": _folders("images", "masks"),
    "images + labels": _folders("images", "labels"),
}
"""Name → layout, in the order in which they are tried."""


def _from_templates(root: pathlib.Path, images: Mapping[str, str], masks: str) -> Found:
    """Files that templates name; `{case}` never matches a file that the masks' template matches."""
    by_case = _matches(root, masks)
    taken = set(by_case.values())
    found: dict[str, dict[int, pathlib.Path]] = {}
    for channel, template in enumerate(images.values()):
        for case, file in _matches(root, template, taken).items():
            found.setdefault(case, {})[channel] = file
    return Found(found, by_case, f"{', '.join(images.values())} and {masks}")


def _matches(
    root: pathlib.Path, template: str, taken: set[pathlib.Path] | frozenset[pathlib.Path] = frozenset()
) -> dict[str, pathlib.Path]:
    if "{case}" not in template:
        folder = root / template
        if not folder.is_dir():
            raise InputError(f"dataset: no folder {template!r} in {str(root)!r}, and no {{case}} in it.")
        return _by_stem(folder)
    pattern = re.escape(template).replace(re.escape("{case}"), "(?P<case>[^/]+)", 1).replace(r"\*", "[^/]*")
    pattern = pattern.replace(re.escape("{case}"), "(?P=case)")
    found: dict[str, pathlib.Path] = {}
    for file in sorted(root.glob(template.replace("{case}", "*"))):
        match = re.fullmatch(pattern, file.relative_to(root).as_posix())
        if match is None or file in taken or _hidden(file) or (file.is_dir() and not readers.is_image(file)):
            continue
        other = found.setdefault(match["case"], file)
        if other != file:
            raise InputError(f"dataset: {template!r} finds two files for case {match['case']!r}: {other} and {file}.")
    return found


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
    """What a reader knows; hidden files (macOS writes `._x` and `.DS_Store`) and other kinds left out."""
    return sorted(file for file in folder.iterdir() if not _hidden(file) and readers.is_image(file))


def _hidden(file: pathlib.Path) -> bool:
    return file.name.startswith(".")


def _paired(found: Found, exclude: Sequence[str]) -> list[CaseFiles]:
    names = sorted(found.images.keys() | found.masks.keys())
    excluded = {name for name in names for pattern in exclude if fnmatch.fnmatchcase(name, pattern)}
    for pattern in exclude:
        if not fnmatch.filter(names, pattern):
            raise InputError(f"dataset.exclude: no case {pattern!r}.{_suggest(pattern, names)}")
    names = [name for name in names if name not in excluded]
    if not names:
        raise InputError(f"dataset: no cases in {found.where}.")
    _refuse_halves(found, names)
    _refuse_uneven(found, names)
    return [CaseFiles(n, tuple(found.images[n][c] for c in sorted(found.images[n])), found.masks[n]) for n in names]


def _refuse_halves(found: Found, names: Sequence[str]) -> None:
    lone = [(found.images[name], "mask", name) for name in names if name not in found.masks]
    lone += [({0: found.masks[name]}, "image", name) for name in names if name not in found.images]
    if lone:
        files, missing, name = lone[0]
        others = f" ({len(lone) - 1} more like it)" if len(lone) > 1 else ""
        raise InputError(
            f"{readers.short(next(iter(files.values())))}: there is no {missing} for it in {found.where}{others}. "
            f"Add it, or list {name} under `dataset.exclude`."
        )


def _refuse_uneven(found: Found, names: Sequence[str]) -> None:
    all_channels = sorted({channel for name in names for channel in found.images[name]})
    for name in names:
        if sorted(found.images[name]) != all_channels:
            raise InputError(
                f"dataset: case {name!r} has channels {sorted(found.images[name])}, others have {all_channels}. "
                "Add the missing files, or list the case under `dataset.exclude`."
            )


def _near(root: pathlib.Path) -> str:
    siblings = [folder.name for folder in root.parent.iterdir() if folder.is_dir()] if root.parent.is_dir() else []
    return _suggest(root.name, siblings)


def _suggest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f" Did you mean {close[0]!r}?" if close else ""
