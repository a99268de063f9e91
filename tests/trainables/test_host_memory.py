import pathlib

import pytest

from trainables import host_memory


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (28.8e12, "28.8 TB"), (999.6e6, "1 GB"), (5e21, "5e+03 EB")],
)
def test_sizes_are_told_with_a_unit(size: float, text: str) -> None:
    assert host_memory.shown(size) == text


@pytest.mark.parametrize(("written", "less"), [("1048576\n", True), ("max\n", False), (f"{2**60}\n", False)])
def test_the_limit_is_the_containers_where_that_is_less(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, written: str, less: bool
) -> None:
    host_memory.limit.cache_clear()
    monkeypatch.setattr(host_memory, "CGROUP_LIMITS", (tmp_path / "none",))
    physical = host_memory.limit()
    host_memory.limit.cache_clear()
    (tmp_path / "memory.max").write_text(written)
    monkeypatch.setattr(host_memory, "CGROUP_LIMITS", (tmp_path / "none", tmp_path / "memory.max"))
    assert host_memory.limit() == (2**20 if less else physical)
    host_memory.limit.cache_clear()
