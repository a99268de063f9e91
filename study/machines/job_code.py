"""Code sent with a cluster job: segstudy's packages as installed here, and those of the user's losses and networks."""

import importlib
import importlib.util
import os
import pathlib
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from search_spaces.grammar import Fixed
from study.study_file import Study
from study.study_file.code import CODE

PACKAGES = ("search_spaces", "trainables", "study", "reports")


def packages() -> list[str]:
    """Return the folders of segstudy's packages as installed here."""
    found = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec is not None, name
        assert spec.submodule_search_locations, name
        found.append(str(pathlib.Path(spec.submodule_search_locations[0]).resolve()))
    return found


def own_code(study: Study) -> list[pathlib.Path]:
    """Return the packages (folders) and modules (files) of the user's own losses and networks that exist here.

    Others may be installed on the cluster, which reports a missing one. Nothing is imported.
    """
    parameters = [*study.models.values(), *study.losses.values()]
    paths = [fixed.value for each in parameters if isinstance(fixed := each.get(CODE), Fixed)]
    found: dict[pathlib.Path, None] = {}
    with _working_directory_searched():
        for name in sorted({re.split(r"[.:]", str(path))[0] for path in paths} - {*PACKAGES}):
            if (spec := importlib.util.find_spec(name)) is not None:
                file = [spec.origin] if spec.has_location and spec.origin else []
                found.update({pathlib.Path(place).resolve(): None for place in spec.submodule_search_locations or file})
    return list(found)


def whole(package: pathlib.Path, folder: str) -> str:
    """Copy a package without its ignore files: Ray leaves out what a `.gitignore` or `.rayignore` in it names.

    Args:
        package: Folder of the package.
        folder: Where the copy is made.

    Returns:
        Path of the copy.

    Raises:
        OSError: A file cannot be read.
    """
    target = pathlib.Path(folder, package.name)
    shutil.copytree(package, target, ignore=shutil.ignore_patterns("__pycache__", ".git", ".gitignore", ".rayignore"))
    return str(target)


@contextmanager
def _working_directory_searched() -> Iterator[None]:
    """Search the working directory as `trainables.user_code.imported` does."""
    before = list(sys.path)
    sys.path.insert(0, os.getcwd())
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before
