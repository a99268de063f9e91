"""Memory of this machine: the most that a process may use, by hardware or by its control group."""

import functools
import os
import pathlib

CGROUP_LIMITS = (
    pathlib.Path("/sys/fs/cgroup/memory.max"),
    pathlib.Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Files that hold a container's memory limit in bytes, version 2 and 1; the word `max` is no limit."""
NEARLY = 0.5
"""Share of the limit above which a need is worth a note."""
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")


@functools.cache
def limit() -> int:
    """Return the bytes of memory that this process may use at most: the machine's, or its container's if that is less.

    Source: https://docs.kernel.org/admin-guide/cgroup-v2.html, memory.max.
    """
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *(found for file in CGROUP_LIMITS if (found := _number(file)) is not None)])


def _number(file: pathlib.Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def shown(size: float) -> str:
    """Return a number of bytes with a unit, such as `28.8 TB`, three figures."""
    power = 0
    while size >= 999.5 and power < len(UNITS) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.3g} {UNITS[power]}"
