"""Which prediction belongs to which reference: by the names of their files.

1. Files of one name without ending are one case: `case_1.nii.gz` and `case_1.mha`.
2. Of those left, BIDS names (`sub-…`) are compared by subject, session, acquisition, run and the like; others
   without a word at their end that says that they are masks (`case_1_seg`, `case_1_pred`), and without `_0000`.

A folder without masks of its own is looked into, of nnU-Net's results only `fold_N/validation`; where files below it
share a name (`case_1/segmentation.nii.gz`), the folder above each file is its name.
"""

import collections
import dataclasses
import pathlib
import re
from collections.abc import Mapping, Sequence

from trainables.data.finding.found import by_stem, is_hidden
from trainables.data.reading import parts, readers
from trainables.errors import InputError

WORDS = (
    "segmentation", "prediction", "predicted", "groundtruth", "probseg", "dseg", "seg", "masks", "mask", "labels",
    "label", "pred", "gt", "truth", "reference", "0000",
)  # fmt: skip
"""Words at the end of a name that say that a file is a mask."""
ENDING = re.compile(rf"(?:[_.\- ](?:{'|'.join(WORDS)}))+$", re.IGNORECASE)
FOLD = re.compile(r"fold_(\d+|all)")
ENTITY = re.compile(r"(?:sub|ses|sample|task|acq|rec|dir|run|echo|hemi|inv|part|chunk)-[^_]+")


@dataclasses.dataclass(frozen=True)
class Pair:
    """The files of one case."""

    name: str
    reference: pathlib.Path
    prediction: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Matched:
    """Files of two folders.

    Attributes:
        pairs: By name of the reference.
        without_prediction: Names of references that have no prediction.
        without_reference: Names of predictions that have no reference.
    """

    pairs: tuple[Pair, ...]
    without_prediction: tuple[str, ...]
    without_reference: tuple[str, ...]


def match(predictions: Mapping[str, pathlib.Path], references: Mapping[str, pathlib.Path]) -> Matched:
    """Pair files by name.

    Args:
        predictions: Name → file.
        references: Likewise.

    Raises:
        InputError: No two belong together, or a name belongs to several.
    """
    found = {name: name for name in references if name in predictions}
    left = [name for name in references if name not in found]
    taken = set(found.values())
    shortened = _by_short_name([name for name in predictions if name not in taken], "predictions")
    for short, reference in _by_short_name(left, "references").items():
        if short in shortened:
            found[reference] = shortened[short]
    if not found:
        raise InputError(
            f"no prediction has the name of a reference: {_some(predictions)} against {_some(references)}. Name the "
            "files alike."
        )
    return Matched(
        tuple(Pair(name, references[name], predictions[found[name]]) for name in references if name in found),
        tuple(name for name in references if name not in found),
        tuple(name for name in predictions if name not in set(found.values())),
    )


def masks_in(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Return the masks of a folder, or of those below it: name → file, sorted by name.

    Raises:
        InputError: There is no such folder, it has no masks, or two of them have one name.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of masks.")
    if files := by_stem(folder):
        return files
    if folds := sorted(fold for fold in folder.glob("fold_*") if FOLD.fullmatch(fold.name)):
        return _validations(folds)
    below = [
        file
        for file in sorted(folder.rglob("*"))
        if not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and readers.is_image(file)
        and not is_hidden(file)
        and not (file.parent != folder and parts.is_series(file.parent))
    ]
    if not below:
        raise InputError(f"{folder}: no masks in it, nor below it. Known are {', '.join(readers.READERS)}.")
    names = [readers.stem(file) for file in below]
    if len(set(names)) < len(names):
        names = [file.relative_to(folder).parent.as_posix() for file in below]
    twice = [name for name, count in collections.Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"{folder}: {twice[0]} has several masks. Leave one mask for each case.")
    return dict(sorted(zip(names, below, strict=True)))


def _validations(folds: Sequence[pathlib.Path]) -> dict[str, pathlib.Path]:
    """Return the validation predictions of nnU-Net's folds.

    Raises:
        InputError: A fold has none, or a case was predicted in two.
    """
    found: dict[str, pathlib.Path] = {}
    for fold in folds:
        masks = by_stem(fold / "validation") if (fold / "validation").is_dir() else {}
        if not masks:
            raise InputError(
                f"{fold}: no predictions in its folder validation. Let nnU-Net finish it, or take it away."
            )
        for name, file in masks.items():
            other = found.setdefault(name, file)
            if other != file:
                raise InputError(
                    f"{name} was predicted in {other.parts[-3]} and {fold.name}. Score each fold by itself."
                )
    return found


def short_name(name: str) -> str:
    """Return the part of a name that a prediction and its reference share."""
    if name.startswith("sub-"):
        return "_".join(ENTITY.findall(name))
    return ENDING.sub("", name)


def _by_short_name(names: Sequence[str], of: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        other = found.setdefault(short_name(name), name)
        if other != name:
            raise InputError(f"{of}: {other} and {name} are one case by name. Take one away.")
    return found


def _some(names: Mapping[str, pathlib.Path]) -> str:
    return ", ".join(list(names)[:3]) + (", …" if len(names) > 3 else "")
