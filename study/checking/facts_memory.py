"""Memory of `check`: the folder that keeps facts about files, which wrong input never creates."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def facts_memory(home: Path) -> Iterator[Path | None]:
    """Yield a cache's folder for the time of a check.

    In an existing home it is the home's own cache, also if the input is wrong: after a correction of one case
    only that one is opened again. Without a home it is a temporary folder, which becomes the cache of a new
    home when the block succeeds and is removed when it raises. If nothing can be written there is no folder:
    only time depends on it.

    Args:
        home: Folder that holds `cache/`.
    """
    if home.exists():
        yield home / "cache" if home.is_dir() and os.access(home, os.W_OK) else None
        return
    with tempfile.TemporaryDirectory(prefix="segstudy-", ignore_cleanup_errors=True) as folder:
        cache = Path(folder) / "cache"
        cache.mkdir()
        yield cache
        _move(cache, home)


def _move(cache: Path, home: Path) -> None:
    """Copy a cache into a new home, whole or not at all: a full disk is no error, as nothing depends on the cache."""
    draft = home / f".cache.{os.getpid()}.part"
    try:
        shutil.copytree(cache, draft)
        draft.rename(home / "cache")
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        with contextlib.suppress(OSError):  # another command's by now, or its parent is no folder
            home.rmdir()
