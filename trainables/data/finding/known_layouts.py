"""Known layouts: folders as public data sets and tools arrange them. A layout is one function; the first that fits."""

import json
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from trainables.data.finding.found import Found, by_stem, passed_over
from trainables.data.reading import readers
from trainables.errors import InputError

DESCRIPTION = "dataset.json"

Layout = Callable[[pathlib.Path], Found | None]


def _decathlon(root: pathlib.Path) -> Found | None:
    """A `dataset.json` whose `training` lists `{image, label}` paths; an image has its channels in a fourth axis."""
    listed = _description(root).get("training")
    if not isinstance(listed, list) or not listed:
        return None
    try:
        pairs = [(root / pair["image"], root / pair["label"]) for pair in listed]
    except (TypeError, KeyError):
        return None  # nnU-Net and others keep other things under that name
    if not any(image.exists() for image, _ in pairs):
        return None  # nnU-Net's first version listed images without the suffix that their files have
    for image, mask in pairs:
        if not image.exists() and not mask.exists():
            raise InputError(f"{DESCRIPTION}: lists {readers.short(image)}, which is not there. Copy it again.")
    _refuse_unlisted({mask for _, mask in pairs})
    return Found(
        {readers.stem(image): {0: image} for image, _ in pairs if image.exists()},
        {readers.stem(mask): mask for _, mask in pairs if mask.exists()},
        DESCRIPTION,
    )


def _refuse_unlisted(masks: set[pathlib.Path]) -> None:
    folders = sorted({mask.parent for mask in masks if mask.parent.is_dir()})
    unlisted = [file for folder in folders for file in by_stem(folder).values() if file not in masks]
    if unlisted:
        more = f" and {len(unlisted) - 1} more" if len(unlisted) > 1 else ""
        raise InputError(
            f"{readers.short(unlisted[0])}{more}: not listed under `training` in {DESCRIPTION}. "
            f"List it there, or take it away."
        )


def _kits(root: pathlib.Path) -> Found | None:
    """`case_00000/imaging.nii.gz` and `case_00000/segmentation.nii.gz`, also in a folder `data`."""
    for base in (root, root / "data"):
        images = {file.parent.name: {0: file} for file in base.glob("case_*/imaging.nii*")}
        if images:
            masks = {file.parent.name: file for file in base.glob("case_*/segmentation.nii*")}
            return Found(images, masks, "case_*/")
    return None


def _nnunet(root: pathlib.Path) -> Found | None:
    """`imagesTr/CASE_0000.nii.gz` (a suffix for each channel) or `imagesTr/CASE.nii.gz`, and `labelsTr/CASE.nii.gz`."""
    if not (root / "imagesTr").is_dir() or not (root / "labelsTr").is_dir():
        return None
    masks = by_stem(root / "labelsTr")
    images: dict[str, dict[int, pathlib.Path]] = {}
    for stem, file in by_stem(root / "imagesTr").items():
        channel = re.fullmatch(r"(.+)_(\d{4})", stem)
        if channel is not None and stem not in masks:  # `scan_2019` with a mask of that name is no channel of `scan`
            images.setdefault(channel[1], {})[int(channel[2])] = file
        else:
            images.setdefault(stem, {})[0] = file
    _check_channel_names(root, images)
    aside = passed_over(root / "imagesTr", root / "labelsTr")
    return Found(images, masks, "imagesTr and labelsTr", passed_over=aside)


def channel_names(root: pathlib.Path) -> tuple[str, ...]:
    """Return the channel names of `dataset.json` in order; () without a file or names.

    Raises:
        InputError: It is no JSON object.
    """
    described = _description(root)
    channels = described.get("channel_names") or described.get("modality")
    if isinstance(channels, dict):
        return tuple(str(name) for name in channels.values())
    return tuple(str(name) for name in channels) if isinstance(channels, list) else ()


def _check_channel_names(root: pathlib.Path, images: Mapping[str, Mapping[int, pathlib.Path]]) -> None:
    """Compare the number of channels with that of `dataset.json`, if it has one."""
    channels = channel_names(root)
    most = max((len(by_channel) for by_channel in images.values()), default=0)
    if channels and most > 1 and len(channels) != most:
        raise InputError(f"{DESCRIPTION}: names {len(channels)} channels, but imagesTr has {most} for a case.")


def _description(root: pathlib.Path) -> dict[str, Any]:
    """Return the content of `dataset.json`; empty where there is none."""
    file = root / DESCRIPTION
    if not file.is_file():
        return {}
    try:
        described = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(described, dict):
            raise ValueError(f"a {type(described).__name__}")
    except (ValueError, OSError) as error:
        raise InputError(
            f"{file.name}: is no JSON object ({error}). Repair it, or take it away: not needed."
        ) from error
    return described


def _folders(images: str, masks: str) -> Layout:
    def layout(root: pathlib.Path) -> Found | None:
        """Two folders with files of equal stems."""
        if not (root / images).is_dir() or not (root / masks).is_dir():
            return None
        return Found(
            {case: {0: file} for case, file in by_stem(root / images).items()},
            by_stem(root / masks),
            f"{images} and {masks}",
            passed_over=passed_over(root / images, root / masks),
        )

    return layout


LAYOUTS: dict[str, Layout] = {
    "Decathlon (dataset.json)": _decathlon,
    "nnU-Net (imagesTr, labelsTr)": _nnunet,
    "KiTS (case_*/imaging, segmentation)": _kits,
    "images + masks": _folders("images", "masks"),
    "images + labels": _folders("images", "labels"),
}
"""Name → layout, in the order in which they are tried."""
