"""The user's own losses and networks, by import path. Importing runs code: the command asks for permission."""

import contextlib
import hashlib
import importlib
import importlib.machinery
import importlib.util
import os
import pathlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from trainables.errors import InputError

_LOADED: dict[str, str] = {}
"""Top-level package or module → digest of its files when this process loaded it. Files may change afterwards."""

PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
"""`package.module:name`."""


def imported(path: str) -> Callable[..., Any]:
    """Import the object that `package.module:name` names; the working directory is searched too.

    Raises:
        InputError: The path is no such path, the module cannot be imported, or has nothing callable of that name.
    """
    if not PATH.fullmatch(path):
        raise InputError(f"{path}: expected package.module:name")
    module_name, _, name = path.partition(":")
    if (here := os.getcwd()) not in sys.path:  # a worker's own path has the command's folder instead
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    top = _top(path)
    if top not in sys.modules or top not in _LOADED:
        with contextlib.suppress(InputError):  # importing says what is wrong
            _LOADED[top] = _digest(path)
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:  # whatever the user's module raises is theirs to read, on one line
        said = " ".join(str(error).split())
        raise InputError(f"{path}: {module_name} cannot be imported ({type(error).__name__}: {said})") from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(f"{path}: {module_name} has no {name!r}")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"{path}: expected a function or class, found {type(found).__name__}")
    return found  # type: ignore[no-any-return]


def digests(paths: Iterable[str]) -> dict[str, str]:
    """Return a digest of the source behind each import path: of all Python files of its top-level package or module.

    The files count as they were when this process loaded them (`imported`), or as they are where it has not. Other
    packages that they import are not read. Equal files give equal digests, wherever they lie.

    Args:
        paths: `package.module:name`.

    Raises:
        InputError: A path's module is not found.
    """
    return {
        path: _LOADED[_top(path)] if _top(path) in sys.modules.keys() & _LOADED else _digest(path) for path in paths
    }


def _top(path: str) -> str:
    return path.partition(":")[0].partition(".")[0]


def _digest(path: str) -> str:
    top = _top(path)
    if (here := os.getcwd()) not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise InputError(f"{path}: no module named {top!r}")
    digest = hashlib.sha256()
    for name, file in _sources(found):
        digest.update(f"{name}\n".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _sources(found: importlib.machinery.ModuleSpec) -> Iterator[tuple[str, pathlib.Path]]:
    """The Python files of a package in every folder of it, by relative name, or the one file of a module."""
    folders = [pathlib.Path(folder) for folder in found.submodule_search_locations or ()]
    if not folders and found.origin is not None:
        origin = pathlib.Path(found.origin)
        yield origin.name, origin
    for folder in folders:
        for file in sorted(folder.rglob("*.py"), key=lambda file: file.relative_to(folder).parts):
            yield "/".join(file.relative_to(folder).parts), file
