"""A dataset in an object store, against a real S3-compatible server: what is copied, when, and what goes."""

import pathlib
from collections.abc import Callable
from urllib.parse import parse_qs

import boto3
import pytest

from trainables.data.cases import digests
from trainables.data.finding import remote
from trainables.data.finding.layouts import CaseFiles, find
from trainables.data.phantom.phantom import generate
from trainables.errors import InputError
from trainables.storage.object_store import ObjectStorage

pytest_plugins = ["tests.trainables.object_stores"]

Put = Callable[[str, bytes], None]


@pytest.fixture
def url(bucket: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The copies of a dataset that is empty so far; this machine's copies lie in the test's folder."""
    monkeypatch.setenv("SEGSTUDY_CACHE", str(tmp_path / "machine"))
    return bucket.format(f"data/{tmp_path.name}")


@pytest.fixture
def put(url: str) -> Put:
    return lambda name, content: ObjectStorage(url).write(name, content)


def _uploaded(folder: pathlib.Path, put: Put) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            put(file.relative_to(folder).as_posix(), file.read_bytes())


def _copied(url: str) -> list[tuple[int, int]]:
    """Makes the copy; what was told of it."""
    told: list[tuple[int, int]] = []
    remote.copy(url, lambda done, total: told.append((done, total)))
    return told


def _content(url: str) -> dict[str, bytes]:
    root = remote.folder(url)
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def test_a_folder_is_where_it_is() -> None:
    assert remote.folder("/data/kits19") == pathlib.Path("/data/kits19")


def test_all_files_come_once(url: str, put: Put) -> None:
    put("images/a.bin", b"aaa")
    put("masks/a.bin", b"m")
    assert _copied(url)[0] == (0, 4)
    assert sorted(_copied(url)) == []
    assert _content(url) == {"images/a.bin": b"aaa", "masks/a.bin": b"m"}


def test_what_changed_comes_again_and_what_went_goes(url: str, put: Put) -> None:
    for name in ("images/a.bin", "images/b.bin", "old/c.bin"):
        put(name, b"before")
    _copied(url)
    ObjectStorage(url).remove("old")
    put("images/new.bin", b"new")
    put("images/a.bin", b"longer than before")
    assert _copied(url)[-1] == (21, 21)
    assert _content(url) == {"images/a.bin": b"longer than before", "images/b.bin": b"before", "images/new.bin": b"new"}
    assert not (remote.folder(url) / "old").exists()


def test_a_file_spoiled_here_comes_again(url: str, put: Put) -> None:
    put("a.bin", b"right")
    _copied(url)
    (remote.folder(url) / "a.bin").write_bytes(b"wrong")  # as long, at another time
    _copied(url)
    assert _content(url) == {"a.bin": b"right"}


def test_a_stop_in_the_middle_leaves_whole_files_only(url: str, put: Put, tmp_path: pathlib.Path) -> None:
    for number in range(20):
        put(f"{number}.bin", bytes([number]) * 1000)

    def stop(done: int, total: int) -> None:
        if done >= 3000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remote.copy(url, stop)
    there = _content(url)
    assert 3 <= len(there) <= 20
    assert all(content == bytes([int(name[:-4])]) * 1000 for name, content in there.items())
    assert [path for path in (tmp_path / "machine").glob("*.part/*") if path.is_dir()] == []
    _copied(url)
    assert len(_content(url)) == 20


def test_another_machine_copies_what_its_cases_need(
    url: str, put: Put, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(tmp_path / "made", 3, dim=2, seed=1)
    _uploaded(tmp_path / "made", put)
    _copied(url)
    cases = find(remote.folder(url))
    origins = remote.of_cases(url, cases)
    expected = digests.of_case(cases[1])

    monkeypatch.setenv("SEGSTUDY_CACHE", str(tmp_path / "another"))
    moved = remote.here(cases[1], origins[cases[1].name])
    assert digests.of_case(moved) == expected
    assert {*moved.images, moved.mask} == {p for p in remote.folder(url).rglob("*") if p.is_file()}
    assert remote.folder(url).is_relative_to(tmp_path / "another")


def test_data_files_of_headers_and_slices_of_series_come_too(
    url: str, put: Put, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("a/scan.mhd", b"ObjectType = Image\nElementDataFile = voxels.raw\n")
    put("a/voxels.raw", b"\0" * 8)
    put("a/series/1.dcm", b"one")
    put("a/series/2.dcm", b"two")
    put("a/mask.nii.gz", b"mask")
    put("other.nii.gz", b"of nobody")
    _copied(url)
    root = remote.folder(url)
    case = CaseFiles("a", (root / "a/scan.mhd", root / "a/series"), root / "a/mask.nii.gz", roi=root / "a/mask.nii.gz")
    origin = remote.of_cases(url, [case])["a"]

    monkeypatch.setenv("SEGSTUDY_CACHE", str(tmp_path / "another"))
    moved = remote.here(case, origin)
    assert moved.roi == moved.mask
    assert sorted(_content(url)) == ["a/mask.nii.gz", "a/scan.mhd", "a/series/1.dcm", "a/series/2.dcm", "a/voxels.raw"]


@pytest.mark.parametrize("bucket_name", ["studies", "nobodys"])
def test_a_place_without_files(url: str, bucket_name: str) -> None:
    with pytest.raises(InputError, match=rf"^dataset.path: s3://{bucket_name}/data/\S* has no files"):
        _copied(url.replace("studies/", f"{bucket_name}/", 1))
    assert not remote.folder(url).exists()


@pytest.mark.timeout(60)
def test_a_store_that_does_not_answer(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address = parse_qs(url.partition("?")[2])["endpoint_override"][0]
    with pytest.raises(InputError, match=r"^dataset.path: s3://studies/data/\S*: the object store .*[Cc]onnect"):
        _copied(url.replace(address, "127.0.0.1:1"))


def test_a_name_that_leads_out_of_the_folder(url: str, put: Put, tmp_path: pathlib.Path) -> None:
    put("inside", b"in")
    head, _, query = url.partition("?")
    client = boto3.client("s3", endpoint_url=f"http://{parse_qs(query)['endpoint_override'][0]}")
    client.put_object(Bucket="studies", Key=f"{head.removeprefix('s3://studies/')}/x/../../escaped", Body=b"out")
    with pytest.raises(InputError, match=r"rename it, without `\.\.`"):
        _copied(url)
    assert not list(tmp_path.rglob("escaped"))
