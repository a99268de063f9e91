"""Where `check` remembers what it has seen: the cache of the home, which bad input never brings into being."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def facts_memory(home: Path) -> Iterator[Path | None]:
    """A cache's folder for the time of a check.

    In a home that exists it is the home's own cache, also while the input is bad: of a thousand cases with one to mend
    only that one is opened again. Where there is no home yet it is a temporary folder, which becomes the cache of a new
    home when the block ends well and is thrown away when it raises. Where nothing can be written there is none:
    nothing depends on it but time.

    Args:
        home: Folder that holds `cache/`.
    """
    if home.exists():
        yield home / "cache" if home.is_dir() and os.access(home, os.W_OK) else None
        return
    with tempfile.TemporaryDirectory(prefix="segstudy-") as folder:
        cache = Path(folder) / "cache"
        cache.mkdir()
        yield cache
        with contextlib.suppress(OSError):
            shutil.copytree(cache, home / "cache")
