"""Templates for file paths in a study file: `{case}` is the case's name, `*` any part of one name."""

import dataclasses
import functools
import glob
import pathlib
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

from trainables.data.finding.found import Found, by_stem, is_hidden
from trainables.data.reading import readers
from trainables.errors import InputError

CASE = "{case}"
TOKENS = re.compile(r"(\{case\}|\*\*/|\*+|\?)")


def find(root: pathlib.Path, images: Mapping[str, str], masks: str, roi: str | None = None) -> Found:
    """Find the files that templates name; an image's `{case}` never matches a file that the masks' template matches.

    Args:
        root: Where templates begin.
        images: Channel → template, or a folder of files called after their cases.
        masks: The same for the masks.
        roi: The same for the masks of regions of interest.

    Raises:
        InputError: A template cannot be used, there is no such folder, or a case has two files in one place.
    """
    regions = frozenset(() if roi is None else matches(root, roi).values())
    by_case = matches(root, masks, regions)
    taken = frozenset(by_case.values()) | regions
    found: dict[str, dict[int, pathlib.Path]] = {}
    for channel, template in enumerate(images.values()):
        for case, file in matches(root, template, taken, by_case.keys()).items():
            found.setdefault(case, {})[channel] = file
    return Found(found, by_case, f"{', '.join(images.values())} and {masks}", tuple(images))


@dataclasses.dataclass(frozen=True)
class Template:
    """One template, as a glob pattern (`wildcard`) and as a regular expression (`pattern`)."""

    text: str

    def __post_init__(self) -> None:
        path = pathlib.PurePosixPath(self.text)
        if path.is_absolute() or ".." in path.parts:
            raise InputError(f"dataset: {self.text!r} leads out of the data. Templates begin at `dataset.path`.")
        if re.search(r"\{case\}(?=[*?{])|(?<=[*?}])\{case\}", self.text):
            raise InputError(
                f"dataset: in {self.text!r} nothing tells where the case's name ends: {CASE} stands beside a wildcard. "
                "Put the letters between them that all files have."
            )

    @functools.cached_property
    def wildcard(self) -> str:
        """For `Path.glob`, which must not see two stars in a row inside a name."""
        pieces = (
            piece if piece[:1] in ("*", "?") else "*" if piece == CASE else _in_any_form(piece)
            for piece in TOKENS.split(self.text)
        )
        return "/".join(part if part == "**" else re.sub(r"\*+", "*", part) for part in "".join(pieces).split("/"))

    def pattern(self, *, greedy: bool) -> re.Pattern[str]:
        """For a path relative to the data; `greedy` takes the longest name for a case, else the shortest."""
        name = "(?P<case>[^/]+)" if greedy else "(?P<case>[^/]+?)"
        parts = {"?": "[^/]", "**/": "(?:[^/]+/)*"}
        seen = False
        written = []
        for piece in TOKENS.split(self.text):
            if piece == CASE:
                written.append("(?P=case)" if seen else name)
                seen = True
            elif piece[:1] == "*" and piece != "**/":
                written.append("[^/]*")
            else:
                written.append(parts.get(piece) or re.escape(readers.composed(piece)))
        return re.compile("".join(written))

    def files(self, root: pathlib.Path, known: Collection[str]) -> Iterator[tuple[str, pathlib.Path]]:
        """Case and file, in order of the files; of two ways to read a name the one that gives a known case."""
        patterns = (self.pattern(greedy=True), self.pattern(greedy=False))
        for file in sorted(root.glob(self.wildcard)):
            path = file.relative_to(root)
            if any(part.startswith(".") for part in path.parts):
                continue
            name = readers.composed(path.as_posix())
            cases = [match["case"] for pattern in patterns if (match := pattern.fullmatch(name))]
            if cases:
                yield next((case for case in cases if case in known), cases[0]), file


def _in_any_form(text: str) -> str:
    """For glob: letters beyond ASCII as wildcards, since file systems store them composed or decomposed."""
    return re.sub(r"[^\x00-\x7f]+", "*", re.sub(r"[a-zA-Z](?=[\u0300-\u036f])", "*", glob.escape(_decomposed(text))))


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def matches(
    root: pathlib.Path,
    template: str,
    taken: Collection[pathlib.Path] = frozenset(),
    known: Collection[str] = frozenset(),
) -> dict[str, pathlib.Path]:
    """Return for each case the one file that a template, or a folder of files named after their cases, has for it.

    Args:
        root: Where the template begins.
        template: With `{case}`, or a folder.
        taken: Files that are something else.
        known: Cases that are known, which decide between two ways to read a name.

    Raises:
        InputError: There is no such folder, or a case has two files.
    """
    if CASE not in template:
        folder = root / template
        if not folder.is_dir():
            raise InputError(f"dataset: no folder {template!r} in {str(root)!r}, and no {{case}} in it.")
        return {case: file for case, file in by_stem(folder).items() if file not in taken}
    found: dict[str, pathlib.Path] = {}
    for case, file in Template(template).files(root, known):
        if file in taken or is_hidden(file) or (file.is_dir() and not readers.is_image(file)):
            continue
        other = found.setdefault(case, file)
        if other != file:
            names = " and ".join(str(path.relative_to(root)) for path in (other, file))
            raise InputError(f"dataset: {template!r} finds two files for case {case!r}: {names}. Name one of them.")
    return found
