"""Storage in an object store: the same contract as a folder's, kept against a real S3-compatible server."""

import errno
import gzip
import pathlib
import shutil
from typing import Any

import numpy as np
import pytest
import torch
from moto.server import ThreadedMotoServer

from tests.trainables.moto_servers import stopped_for
from trainables.data.cache import cache, mirror
from trainables.data.cache.dataset import Dataset
from trainables.data.cases.label_values import parse_all
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.layouts import CaseFiles, find
from trainables.data.phantom.phantom import generate
from trainables.errors import InputError
from trainables.failures import fault
from trainables.storage import object_store
from trainables.storage.folder import Storage
from trainables.storage.object_store import ObjectStorage, StoreAwayError, storage_at
from trainables.storage.whole_files import DamagedEntryError
from trainables.training import checkpoint
from trainables.training.checkpoint import Checkpoint, UnreadableCheckpointError
from trainables.trial import Point

pytest_plugins = ["tests.trainables.object_stores"]


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Storage:
    if request.param == "folder":
        return storage_at(tmp_path / "storage")
    return storage_at(str(request.getfixturevalue("bucket")).format(f"contract/{tmp_path.name}"))


def test_bytes_of_a_packed_file_stay_as_they_are(storage: Storage) -> None:
    storage.write("scan.nii.gz", b"no gzip at all")
    assert storage.read("scan.nii.gz") == b"no gzip at all"
    with storage.publish("folder") as folder:
        (folder / "mask.nii.gz").write_bytes(gzip.compress(b"mask"))
    with storage.fetch("folder") as folder:
        assert gzip.decompress((folder / "mask.nii.gz").read_bytes()) == b"mask"


class Failing:
    """A file system that fails a given number of times, then passes calls on."""

    def __init__(self, real: Any, failures: list[OSError]) -> None:
        self.real, self.failures, self.asked = real, failures, 0

    def __getattr__(self, name: str) -> Any:
        def method(*args: Any, **options: Any) -> Any:
            self.asked += 1
            if self.failures:
                raise self.failures.pop(0)
            return getattr(self.real, name)(*args, **options)

        return method


def _failing(url: str, failures: list[OSError], patience: float) -> tuple[ObjectStorage, Failing]:
    storage = ObjectStorage(url, patience=patience)
    storage._files = Failing(storage._files, failures)
    return storage, storage._files


AWAY = "When reading: AWS Error NETWORK_CONNECTION: curlCode: 7"


def test_a_store_that_is_away_for_a_moment_is_waited_for(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "PAUSES", (0.01, 0.02))
    for ask in (
        lambda storage: storage.write("away/x", b"1"),
        lambda storage: storage.read("away/x"),
        lambda storage: storage.has("away/x"),
        lambda storage: storage.names("away"),
        lambda storage: storage.files("away"),
        lambda storage: storage.remove("away/x"),
    ):
        storage, failing = _failing(bucket.format("here"), [OSError(AWAY), OSError(AWAY)], 60)
        ask(storage)
        assert failing.asked >= 3
        assert failing.failures == []


@pytest.mark.parametrize(
    ("said", "patience", "asked"), [(AWAY, 0.0, 1), ("AWS Error ACCESS_DENIED during PutObject operation", 60.0, 1)]
)
def test_one_that_stays_away_or_refuses(bucket: str, said: str, patience: float, asked: int) -> None:
    storage, failing = _failing(bucket.format("here"), [OSError(said)] * 5, patience)
    with pytest.raises(StoreAwayError, match=r"does not answer as it should \(.*AWS Error") as raised:
        storage.write("x", b"1")
    assert failing.asked == asked
    assert (raised.value.errno, raised.value.filename) == (errno.EIO, "s3://studies/here")
    assert fault(raised.value) == "machine"


def test_what_the_own_disk_says_is_not_asked_again(bucket: str, tmp_path: pathlib.Path) -> None:
    storage = ObjectStorage(bucket.format("here"))
    storage.write("x", b"1")
    with pytest.raises(FileNotFoundError):
        storage.copy("x", tmp_path / "no folder" / "x")
    with pytest.raises(FileNotFoundError):
        storage.read("nothing")


def test_a_server_that_is_stopped_and_started(bucket_server: tuple[str, ThreadedMotoServer]) -> None:
    url, server = bucket_server
    storage = ObjectStorage(url.format("outage"))
    storage.write("x", b"before")
    with stopped_for(2.0, server):
        assert storage.read("x") == b"before"
        storage.write("x", b"after")
        assert storage.read("x") == b"after"


def test_files_are_read_as_written_and_written_over(storage: Storage) -> None:
    storage.write("a/b/one", b"1")
    storage.write("a/b/one", b"2")
    storage.write("a/two", b"")
    assert (storage.read("a/b/one"), storage.read("a/two")) == (b"2", b"")
    assert [storage.has(name) for name in ("a", "a/b", "a/b/one", "a/b/on", "b")] == [True, True, True, False, False]
    assert (storage.names("a"), storage.names("nowhere")) == (["b", "two"], [])
    with pytest.raises(FileNotFoundError):
        storage.read("a/b/three")


def test_what_is_removed_is_gone(storage: Storage) -> None:
    for name in ("a/b/one", "a/b/two", "a/three"):
        storage.write(name, b"x")
    storage.remove("a/b")
    storage.remove("a/three")
    storage.remove("nowhere")
    assert not storage.has("a/b/one")
    assert storage.names("a") == []


def test_a_folder_is_published_once_and_fetched_whole(storage: Storage) -> None:
    with storage.publish("trial/8-1") as local:
        (local / "deep").mkdir()
        (local / "deep" / "state").write_bytes(b"s")
        (local / "manifest.json").write_bytes(b"m")
    with storage.fetch("trial/8-1") as local:
        assert (local / "deep" / "state").read_bytes() == b"s"
        assert (local / "manifest.json").read_bytes() == b"m"
    with pytest.raises(FileExistsError), storage.publish("trial/8-1"):
        pass
    with pytest.raises(ZeroDivisionError), storage.publish("trial/8-2") as local:
        (local / "state").write_bytes(bytes(1 // 0))
    assert storage.names("trial") == ["8-1"]
    with pytest.raises(FileNotFoundError), storage.fetch("trial/8-2"):
        pass


@pytest.mark.parametrize("name", ["", "/etc", "../up", "a/../../b"])
def test_names_stay_below_the_root(storage: Storage, name: str) -> None:
    with pytest.raises(ValueError, match="expected a name below the storage's root"):
        storage.read(name)


def test_a_checkpoint_comes_back_and_a_damaged_one_is_known(storage: Storage) -> None:
    saved = Checkpoint("trial", 8, "w", {"weight": torch.arange(3.0)}, 16, (Point(4, "loss", 0.5),))
    checkpoint.write(storage, "trial/8-1", saved)
    found = checkpoint.read(storage, "trial/8-1", trial="trial")
    assert (found.iteration, found.curve) == (8, saved.curve)
    assert torch.equal(found.learner["weight"], torch.arange(3.0))
    content = storage.read("trial/8-1/state.pt")
    storage.write("trial/8-1/state.pt", content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(UnreadableCheckpointError, match="sha256"):
        checkpoint.read(storage, "trial/8-1", trial="trial")
    storage.remove("trial/8-1/manifest.json")  # an upload that was cut short
    with pytest.raises(UnreadableCheckpointError):
        checkpoint.read(storage, "trial/8-1", trial="trial")


def test_the_manifest_goes_last(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = ObjectStorage(bucket.format("last"))
    sent: list[str] = []
    monkeypatch.setattr(storage, "write", lambda name, content: sent.append(name))
    with storage.publish("folder") as local:
        for name in ("a", "manifest.json", "z"):
            (local / name).write_bytes(b"")
    assert sent == ["folder/a", "folder/z", "folder/manifest.json"]


def test_a_key_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(InputError, match="AWS_SECRET_ACCESS_KEY") as error:
        storage_at("s3://AKIA:very-secret@bucket/studies")
    assert "very-secret" not in str(error.value)


def test_a_url_that_nobody_knows() -> None:
    with pytest.raises(InputError, match=r"^nowhere://bucket: .* s3://bucket/studies\.$"):
        storage_at("nowhere://bucket")


OPTIONS = PreprocessOptions(
    dim=2, labels=parse_all({"organ": 1, "lesion": 2}), regions={"organ": (1,)}, normalize="minmax"
)


@pytest.fixture
def case(tmp_path: pathlib.Path) -> CaseFiles:
    generate(tmp_path / "data", 1, dim=2)
    return find(tmp_path / "data")[0]


def machine(monkeypatch: pytest.MonkeyPatch, folder: pathlib.Path) -> None:
    """From now on this process is on another machine."""
    monkeypatch.setenv("SEGSTUDY_CACHE", str(folder))


def test_a_case_is_made_once_a_cluster_and_copied_once_to_a_machine(
    bucket: str, case: CaseFiles, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = bucket.format("cache")
    machine(monkeypatch, tmp_path / "first")
    record = mirror.prepare_case(case, OPTIONS, url)
    assert record.built
    machine(monkeypatch, tmp_path / "second")
    again = mirror.prepare_case(case, OPTIONS, url)
    assert (again.built, again.entry, again.facts) == (False, record.entry, record.facts)
    assert not list((tmp_path / "second").rglob("*.npy"))  # nothing was copied that nobody reads
    index = mirror.write_index(url, [again], OPTIONS)
    machine(monkeypatch, tmp_path / "third")
    expected = Dataset.open(
        cache.write_index(tmp_path / "plain", [cache.prepare_case(case, OPTIONS, tmp_path / "plain")], OPTIONS)
    )
    found = Dataset.open(index)
    np.testing.assert_array_equal(found.cases[case.name].image, expected.cases[case.name].image)
    copied = {path: path.stat().st_ino for path in (tmp_path / "third").rglob("*.npy")}
    assert copied
    Dataset.open(index)
    assert {path: path.stat().st_ino for path in (tmp_path / "third").rglob("*.npy")} == copied


def test_a_damaged_copy_is_refused_and_a_lost_one_fetched_again(
    bucket: str, case: CaseFiles, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = bucket.format("damaged")
    machine(monkeypatch, tmp_path / "first")
    record = mirror.prepare_case(case, OPTIONS, url)
    index = mirror.write_index(url, [record], OPTIONS)
    storage = ObjectStorage(url)
    name = f"entries/{record.entry[:2]}/{record.entry}/label.npy"
    good = storage.read(name)
    storage.write(name, good[:-1] + bytes([good[-1] ^ 1]))
    machine(monkeypatch, tmp_path / "second")
    with pytest.raises(DamagedEntryError, match="damaged; remove it, and it is made again"):
        Dataset.open(index)
    assert not list((tmp_path / "second").rglob("*.npy"))
    storage.write(name, good)
    Dataset.open(index)
    shutil.rmtree(next((tmp_path / "second").rglob(record.entry)))
    assert Dataset.open(index).cases[case.name].label.shape
