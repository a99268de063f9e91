"""The user's own losses and networks, by import path. Importing runs code: the command asks for permission."""

import importlib
import os
import re
import sys
from collections.abc import Callable
from typing import Any

from trainables.errors import InputError

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
