"""Digests of images, cached by path, size and times of change so that an unchanged file is read once."""

import ast
import hashlib
import importlib.util
import json
import pathlib
import threading
import time
from collections.abc import Iterable, Mapping, Sequence

from trainables.data.finding.layouts import CaseFiles
from trainables.data.reading import parts
from trainables.data.reading.readers import short
from trainables.errors import InputError
from trainables.storage import whole_files

SETTLED = 2.0
"""Seconds that a file must have been left alone before its digest is remembered: clocks of file systems are coarse,
so a second change within one tick would leave the times as they are."""


def of_file(path: pathlib.Path, root: pathlib.Path | None = None) -> str:
    """Return the SHA-256 of an image's bytes in hex: with a header's data files, with all slices of a series (`parts`).

    Args:
        path: The file, or the folder of a DICOM series.
        root: Cache folder in which the digest is remembered; None reads the file each time.

    Raises:
        InputError: The file, or a data file that it names, cannot be read.
    """
    try:
        files = parts.of(path)
        before = _stamp(path, files)
        memo = None if root is None else root / "digests" / f"{of_text(path.absolute())[:32]}.json"
        known = whole_files.read_json(memo) if memo is not None else None
        if known is not None and known.get("stamp") == before:
            return str(known["sha256"])
        digest = _of_files(path, files)
        settled = _stamp(path, files) == before and _last_change(files) + SETTLED <= time.time()
    except OSError as error:
        name = path if error.filename is None else pathlib.Path(error.filename)
        raise InputError(f"{short(name)}: cannot be read ({error.strerror}).") from error
    if memo is not None and settled:
        whole_files.write_json(memo, {"stamp": before, "sha256": digest})
    return digest


def _of_files(path: pathlib.Path, files: Sequence[pathlib.Path]) -> str:
    """Digest one file, or several by their own digests; names of a series' slices do not count."""
    each = []
    for file in files:
        with file.open("rb") as content:
            each.append(hashlib.file_digest(content, "sha256").hexdigest())
    if len(each) == 1 and not path.is_dir():
        return each[0]
    return of_text(json.dumps(sorted(each) if path.is_dir() else each))


def _stamp(path: pathlib.Path, files: Sequence[pathlib.Path]) -> list[object]:
    """State of the files on disk: name, size, times, inode. Users can set back the mtime but not the ctime."""
    states = [(file, file.stat()) for file in files]
    return [
        str(path.absolute()),
        *([file.name, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino] for file, state in states),
    ]


def _last_change(files: Sequence[pathlib.Path]) -> float:
    return max((max(state.st_mtime, state.st_ctime) for state in (file.stat() for file in files)), default=0.0)


def of_text(text: object) -> str:
    """Return the SHA-256 of a text in hex."""
    return hashlib.sha256(str(text).encode()).hexdigest()


def of_case(files: CaseFiles, root: pathlib.Path | None = None) -> tuple[str, ...]:
    """Return digests of a case's images in channel order, of its mask and, if it has one, of its region's mask."""
    region = () if files.roi is None else (files.roi,)
    return tuple(of_file(path, root) for path in (*files.images, files.mask, *region))


def of_contents(contents: Mapping[str, Sequence[str]]) -> str:
    """Return one digest of the names and contents (`of_case`) of all cases; their order does not count."""
    return of_text(json.dumps(sorted((name, *content) for name, content in contents.items())))


_PARSING = threading.Lock()
"""Python 3.11 counts the depth of a tree for all threads together, and raises SystemError if two make one at once."""


def of_code(modules: Iterable[str]) -> str:
    """Return the SHA-256 of the modules' code, so that results of different code get different keys.

    Comments, docstrings, imports, layout and the modules' own names do not count, so that an entry stays valid when a
    file is moved or documented. The modules are found, not imported.

    Args:
        modules: Dotted names, in a fixed order.
    """
    digest = hashlib.sha256()
    for name in modules:
        source = importlib.util.find_spec(name)
        assert source is not None, f"no module {name}"
        assert source.origin is not None, f"{name} has no file"
        with _PARSING:
            tree = ast.parse(pathlib.Path(source.origin).read_text(encoding="utf-8"))
        digest.update(ast.dump(_Code().visit(tree)).encode())
    return digest.hexdigest()


class _Code(ast.NodeTransformer):
    """Removes imports and stand-alone constants, such as docstrings, which decide no result."""

    def visit_Import(self, node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) else node
