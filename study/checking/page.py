"""The page of `check`: one offline HTML file with a thumbnail of every case and the outlines of its mask."""

import base64
import dataclasses
import io
import os
import pathlib
from collections.abc import Iterator, Sequence
from importlib.resources import files as resources
from typing import Any

import numpy as np

from reports.figures.outlines import outlines
from study.cases.from_study_file import options_of
from study.cases.overview import ROLES, Overview
from study.cases.splits import natural
from study.checking.check import AT_ONCE, Check
from study.checking.tables import FAR_FROM_THE_REST, facts_of, outlier_lines, sheets, volume, volume_unit
from study.errors import unwritable
from trainables.data.inspecting import thumbnail
from trainables.data.inspecting.inspect import CaseFacts
from trainables.data.inspecting.thumbnail import Thumbnail
from trainables.storage.requested_files import replace_files

COLOURS = ("#ffb000", "#4cc9ff", "#ff5c8a", "#58e07c", "#c79bff", "#ff7a33", "#f2f24b", "#35d0c0")
"""Colours of the labels, in turn; bright, since the images are grey on black."""
QUALITY = 80
"""JPEG quality: a thumbnail takes about 5 kB."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """A case on the page.

    Attributes:
        name: The case's name.
        parts: Its part in each fold, as CSS classes such as `f1-train`.
        part: The same as text.
        image: The grey slice as a data URL.
        width: Width in pixels of the slice.
        height: Height in pixels of the slice.
        paths: (colour, SVG path) of each label's outlines.
        lines: Facts about the case.
        odd: How it differs from the rest, and which cases have the same image.
    """

    name: str
    parts: str
    part: str
    image: str
    width: int
    height: int
    paths: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]
    odd: tuple[str, ...]


def write_page(check: Check, path: pathlib.Path, memory: pathlib.Path | None = None) -> None:
    """Write the page.

    Args:
        check: The result of `check`.
        path: The file; an existing one is replaced.
        memory: The cache's folder, which keeps thumbnails.

    Raises:
        InputError: It cannot be written.
    """
    text = page(check, memory)
    try:
        replace_files({path: text.encode()})
    except OSError as error:
        raise unwritable(f"--html {path}", error, "Name another file.") from error


def page(check: Check, memory: pathlib.Path | None = None) -> str:
    """Return the page's HTML."""
    import jinja2

    workers = min(AT_ONCE, os.cpu_count() or 1)
    pictures = thumbnail.of_cases(check.cases.files, options_of(check.study), workers=workers, memory=memory)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("study.checking", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ordered = sorted(check.facts, key=lambda fact: natural(fact.name))
    return environment.get_template("check.html").render(
        check=check,
        style=(resources("reports.formats") / "templates" / "report.css").read_text(encoding="utf-8"),
        facts=list(facts_of(check)),
        sheets=sheets(check),
        far=outlier_lines(check.overview),
        far_from_the_rest=FAR_FROM_THE_REST,
        legend=[(label, _colour(index)) for index, label in enumerate(check.study.dataset.labels)],
        filters=_filters(check.overview),
        cards=[_card(check, fact, pictures[fact.name]) for fact in ordered],
    )


def _filters(seen: Overview) -> list[tuple[str, str, int]]:
    """Return (CSS class, text, number of cases) of each part in each fold."""
    folds = len(seen.parts)
    return [
        (f"f{fold}-{role}", role if folds == 1 else f"fold {fold}, {role}", parts[role].cases)
        for fold, parts in enumerate(seen.parts, start=1)
        for role in ROLES
    ]


def _card(check: Check, fact: CaseFacts, picture: Thumbnail) -> Card:
    roles = [fold[fact.name] for fold in check.splits]
    height, width = picture.grey.shape
    labels = check.study.dataset.labels
    return Card(
        name=fact.name,
        parts=" ".join(f"f{fold}-{role}" for fold, role in enumerate(roles, start=1)),
        part=_part(roles),
        image=_jpeg(picture.grey),
        width=width,
        height=height,
        paths=tuple((_colour(index), outlines(_only(picture.labels, index + 1))) for index in range(len(labels))),
        lines=tuple(_lines(check.overview, fact, picture)),
        odd=tuple(_oddities(check.overview, fact.name)),
    )


def _part(roles: Sequence[str]) -> str:
    """Return a case's part: `test`, or with folds `test in fold 2, validation in fold 1`."""
    if len(set(roles)) == 1:
        return roles[0]
    where = {role: [str(fold) for fold, other in enumerate(roles, start=1) if other == role] for role in ROLES[:0:-1]}
    return ", ".join(f"{role} in fold {', '.join(folds)}" for role, folds in where.items() if folds)


def _lines(seen: Overview, fact: CaseFacts, picture: Thumbnail) -> Iterator[str]:
    if fact.group != fact.name:
        yield f"group {fact.group}"
    size = " × ".join(map(str, fact.shape))
    spacing = "" if fact.spacing is None else f" of {' × '.join(f'{side:.3g}' for side in fact.spacing)} mm"
    yield f"{size}{spacing}" + ("" if picture.index is None else f"; slice {picture.index}")
    unit = (fact.voxel_volume or 1.0) if seen.volume != "voxels" else 1.0
    yield ", ".join(f"{label} {volume(count * unit, seen)}" for label, count in fact.voxels.items()) + (
        f" {volume_unit(seen)}"
    )


def _oddities(seen: Overview, name: str) -> Iterator[str]:
    yield from (f"far from the rest: {each.what}" for each in seen.outliers if each.case == name)
    for twice in seen.duplicates:
        if name in twice.cases:
            yield f"same image as {', '.join(other for other in twice.cases if other != name)}"


def _only(labels: np.ndarray, index: int) -> np.ndarray:
    only: np.ndarray = (labels == index).astype(np.uint8)
    return only


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _jpeg(grey: np.ndarray) -> str:
    from PIL import Image

    out: Any = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(grey)).save(out, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
