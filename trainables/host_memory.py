"""Memory of this machine: the most that a process may use, by hardware or by its control group."""

import functools
import os
import pathlib
from collections.abc import Iterator

CGROUPS = pathlib.Path("/sys/fs/cgroup")
OWN_CGROUPS = pathlib.Path("/proc/self/cgroup")
"""Lines `number:controllers:path`, the control groups of this process; version 2 has no controllers."""
NEARLY = 0.5
"""Share of the limit above which a need is worth a note."""
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")


@functools.cache
def limit() -> int:
    """Return the bytes of memory that this process may use at most: the machine's, or less by its control groups.

    A container, a job of Slurm and a service of systemd each are a control group; those above it count too.

    Source: https://docs.kernel.org/admin-guide/cgroup-v2.html, memory.max.
    """
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *(found for file in _limit_files() if (found := _number(file)) is not None)])


def _limit_files() -> Iterator[pathlib.Path]:
    """Yield the files that may hold a limit, of version 2 and 1; the word `max` in one is no limit."""
    try:
        lines = OWN_CGROUPS.read_text().splitlines()
    except OSError:
        lines = []
    named = [line.split(":", 2)[1:] for line in lines if line.count(":") >= 2]
    for name, root, controller in (
        ("memory.max", CGROUPS, ""),
        ("memory.max", CGROUPS / "unified", ""),
        ("memory.limit_in_bytes", CGROUPS / "memory", "memory"),
    ):
        paths = [path for controllers, path in named if controller in controllers.split(",")]
        for path in {"", *paths}:  # in a container the path may be that of the host, and the group is the root
            inside = pathlib.PurePosixPath(path.strip("/"))
            for group in (inside, *inside.parents):
                yield root / group / name


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
