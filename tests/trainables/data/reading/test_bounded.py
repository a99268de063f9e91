"""Bytes of voxels: sizes are compared before anything is read, and inflating stops where the header does."""

import bz2
import gzip
import pathlib
import tracemalloc
import zlib

import pytest

from trainables import host_memory
from trainables.data.reading.bounded import Packing, Source, Span, judged_excess, packing_of, read_span
from trainables.errors import InputError

VOXELS = bytes(range(200)) * 5
PACKERS = {"none": lambda data: data, "deflate": gzip.compress, "bzip2": bz2.compress}


def span(folder: pathlib.Path, content: bytes, packing: Packing = "none", expected: int = 1000, **how: int) -> Span:
    (folder / "a.raw").write_bytes(content)
    return Span(
        folder / "a.mhd", folder / "a.raw", how.get("start", 0), expected, packing, inside=bool(how.get("inside"))
    )


@pytest.mark.parametrize("packing", PACKERS)
def test_exactly_the_expected_bytes_and_how_many_more(tmp_path: pathlib.Path, packing: Packing) -> None:
    pack = PACKERS[packing]
    assert read_span(span(tmp_path, pack(VOXELS), packing)) == (VOXELS, 0)
    assert read_span(span(tmp_path, pack(VOXELS + b"tail!"), packing)) == (VOXELS, 5)
    assert read_span(span(tmp_path, b"head" + pack(VOXELS), packing, start=4)) == (VOXELS, 0)
    if packing != "none":
        assert read_span(span(tmp_path, pack(b"head" + VOXELS), packing, start=4, inside=1)) == (VOXELS, 0)


def test_zlib_several_gzip_members_and_zeros_after_them(tmp_path: pathlib.Path) -> None:
    assert read_span(span(tmp_path, zlib.compress(VOXELS), "deflate")) == (VOXELS, 0)
    two = gzip.compress(VOXELS[:300]) + gzip.compress(VOXELS[300:])
    assert read_span(span(tmp_path, two, "deflate")) == (VOXELS, 0)
    assert read_span(span(tmp_path, two + bytes(512), "deflate")) == (VOXELS, 0)


DAMAGED = {
    "plain, cut": ("none", VOXELS[:990], "truncated or damaged: 990 of 1,000 bytes of voxels in a.raw"),
    "gzip, cut": ("deflate", gzip.compress(VOXELS)[:-9], "truncated or damaged gzip: "),
    "gzip, wrong sum": ("deflate", gzip.compress(VOXELS)[:-8] + bytes(8), "truncated or damaged gzip: "),
    "gzip, short": ("deflate", gzip.compress(VOXELS[:990]), "truncated or damaged gzip: 990 of 1,000 bytes"),
    "no gzip": ("deflate", VOXELS, "truncated or damaged gzip: 0 of 1,000 bytes"),
    "bzip2, cut": ("bzip2", bz2.compress(VOXELS)[:-9], "truncated or damaged bzip2: "),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_one_line(tmp_path: pathlib.Path, name: str) -> None:
    packing, content, message = DAMAGED[name]
    with pytest.raises(InputError) as caught:
        read_span(span(tmp_path, content, packing))  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path.name}/a.mhd: ")
    assert "\n" not in str(caught.value)


def test_a_bomb_is_inflated_no_further_than_as_much_again(tmp_path: pathlib.Path) -> None:
    bomb = span(tmp_path, gzip.compress(bytes(200_000_000), 1), "deflate", expected=1_000_000)
    tracemalloc.start()
    try:
        _, more = read_span(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert more >= 1_000_000
    assert peak < 20e6
    with pytest.raises(InputError, match="longer than the header explains: at least"):
        judged_excess(bomb, more, known_start=True)


@pytest.mark.parametrize("packing", PACKERS)
def test_a_header_that_declares_what_the_file_cannot_hold_allocates_nothing(
    tmp_path: pathlib.Path, packing: Packing
) -> None:
    huge = span(tmp_path, PACKERS[packing](VOXELS), packing, expected=10**15)
    with pytest.raises(InputError, match="truncated or damaged"):
        read_span(huge)


def test_more_than_the_memory_is_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_memory, "limit", lambda: 2**20)
    with pytest.raises(InputError, match=r"its header declares 1.05 MB of voxels, more than this machine's 1.05 MB"):
        read_span(span(tmp_path, bytes(2**20 + 1), expected=2**20 + 1))
    assert len(read_span(span(tmp_path, bytes(2**20), expected=2**20))[0]) == 2**20


def test_bytes_that_the_header_does_not_explain(tmp_path: pathlib.Path) -> None:
    plain = span(tmp_path, VOXELS)
    assert judged_excess(plain, 0, known_start=False) == ()
    (warning,) = judged_excess(plain, 12, known_start=True)
    assert warning.startswith("its data in a.raw are 12 bytes longer than the header explains")
    with pytest.raises(InputError, match="add `HeaderSize = -1` to the header; if after, `HeaderSize = 0`"):
        judged_excess(plain, 12, known_start=False)
    with pytest.raises(InputError, match=r"2,000 bytes for 1,000. The voxel type or a size in the header is wrong"):
        judged_excess(plain, 1000, known_start=True)


def test_a_source_gives_headers_and_then_voxels(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"header" + VOXELS))
    assert packing_of(path) == "deflate"
    with Source.open(path, "deflate") as source:
        assert source.take(6) == b"header"
        assert source.skip(2) == 2
        assert source.take(5000) == VOXELS[2:]
        assert source.take(1) == b""
