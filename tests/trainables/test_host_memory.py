import os
import pathlib
from collections.abc import Iterator

import pytest

from trainables import host_memory


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (28.8e12, "28.8 TB"), (999.6e6, "1 GB"), (5e21, "5e+03 EB")],
)
def test_sizes_are_told_with_a_unit(size: float, text: str) -> None:
    assert host_memory.shown(size) == text


@pytest.fixture
def groups(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pathlib.Path]:
    """A machine without control groups yet."""
    monkeypatch.setattr(host_memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(host_memory, "OWN_CGROUPS", tmp_path / "own")
    host_memory.limit.cache_clear()
    yield tmp_path
    host_memory.limit.cache_clear()


PHYSICAL = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    ("own", "file", "written", "found"),
    [
        ("0::/", "memory.max", "1048576\n", 2**20),
        ("0::/", "memory.max", "max\n", PHYSICAL),
        ("0::/", "memory.max", f"{2**60}\n", PHYSICAL),
        ("", "memory.max", "1048576\n", 2**20),
        # a job of Slurm, a service of systemd: a group below the root, whose limit may stand above it
        (
            "0::/system.slice/slurmstepd.scope/job_7/step_0",
            "system.slice/slurmstepd.scope/job_7/memory.max",
            "4096",
            4096,
        ),
        ("0::/user.slice/run-1.scope", "user.slice/run-1.scope/memory.max", "4096", 4096),
        ("0::/user.slice/run-1.scope", "user.slice/run-2.scope/memory.max", "4096", PHYSICAL),
        # version 1, alone and beside an empty version 2
        ("5:memory:/slurm/job_7\n0::/", "memory/slurm/job_7/memory.limit_in_bytes", "4096", 4096),
        ("5:cpu,memory:/slurm/job_7", "memory/slurm/memory.limit_in_bytes", "4096", 4096),
        ("5:cpu:/slurm/job_7", "memory/slurm/memory.limit_in_bytes", "4096", PHYSICAL),
        ("0::/a", "unified/a/memory.max", "4096", 4096),
        # a container, where the path is the host's and the group is the root
        ("0::/docker/0123", "memory.max", "4096", 4096),
        ("5:memory:/docker/0123", "memory/memory.limit_in_bytes", "4096", 4096),
    ],
)
def test_the_limit_is_that_of_the_control_group_where_it_is_less(
    own: str, file: str, written: str, found: int, groups: pathlib.Path
) -> None:
    (groups / "own").write_text(own)
    (groups / file).parent.mkdir(parents=True, exist_ok=True)
    (groups / file).write_text(written)
    assert host_memory.limit() == found


def test_the_least_limit_counts(groups: pathlib.Path) -> None:
    (groups / "own").write_text("0::/a/b")
    (groups / "a" / "b").mkdir(parents=True)
    (groups / "a" / "memory.max").write_text("4096")
    (groups / "a" / "b" / "memory.max").write_text("8192")
    assert host_memory.limit() == 4096


def test_a_machine_without_control_groups(groups: pathlib.Path) -> None:
    assert host_memory.limit() == PHYSICAL
