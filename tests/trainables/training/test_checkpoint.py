import hashlib
import io
import json
import pathlib
import pickle

import pytest
import torch

from trainables.storage.folder import Storage
from trainables.training import checkpoint
from trainables.training.checkpoint import Checkpoint, UnreadableCheckpointError
from trainables.trial import Point

FOLDER = "trials/s/search-a00-r0-f0-n000/10-1"


@pytest.fixture
def storage(tmp_path: pathlib.Path) -> Storage:
    return Storage(tmp_path)


def written(storage: Storage, **changes: object) -> Checkpoint:
    learner = {"weights": torch.arange(6.0).reshape(2, 3) / 7, "optimizer": [{"step": 3, "lr": 0.1}], "name": "x"}
    values = {
        "trial": "t",
        "iteration": 10,
        "weights": "ab",
        "learner": learner,
        "length": 30,
        "curve": (Point(4, "loss", 0.1 + 0.2),),
    }
    saved = Checkpoint(**{**values, **changes})  # type: ignore[arg-type]
    checkpoint.write(storage, FOLDER, saved)
    return saved


def test_what_is_read_is_what_was_written_to_the_bit(storage: Storage) -> None:
    saved = written(storage)
    found = checkpoint.read(storage, FOLDER, trial="t")
    assert torch.equal(found.learner["weights"], saved.learner["weights"])
    assert found.learner["optimizer"] == saved.learner["optimizer"]
    assert (found.iteration, found.weights, found.curve) == (10, "ab", saved.curve)


@pytest.mark.parametrize("harm", ["flip", "truncate", "no state", "no manifest", "half a manifest", "no folder"])
def test_every_harm_is_seen(storage: Storage, tmp_path: pathlib.Path, harm: str) -> None:
    written(storage)
    folder = tmp_path / FOLDER
    state = folder / "state.pt"
    match harm:
        case "flip":
            content = bytearray(state.read_bytes())
            content[len(content) // 2] ^= 1
            state.write_bytes(content)
        case "truncate":
            state.write_bytes(state.read_bytes()[:-1])
        case "no state":
            state.unlink()
        case "no manifest":
            (folder / "manifest.json").unlink()
        case "half a manifest":
            text = (folder / "manifest.json").read_text()
            (folder / "manifest.json").write_text(text[: len(text) // 2])
        case "no folder":
            storage.remove(FOLDER)
    with pytest.raises(UnreadableCheckpointError):
        checkpoint.read(storage, FOLDER, trial="t")


def test_another_trials_checkpoint_is_refused(storage: Storage) -> None:
    written(storage)
    with pytest.raises(UnreadableCheckpointError, match="of trial t, expected u"):
        checkpoint.read(storage, FOLDER, trial="u")


def test_another_format_is_refused(storage: Storage, tmp_path: pathlib.Path) -> None:
    written(storage)
    manifest = tmp_path / FOLDER / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 3}))
    with pytest.raises(UnreadableCheckpointError, match="format 3"):
        checkpoint.read(storage, FOLDER, trial="t")


class RunsCode:
    """A pickle that runs code when it is read."""

    def __init__(self, leaves: pathlib.Path) -> None:
        self.leaves = leaves

    def __reduce__(self) -> tuple[object, ...]:
        return pathlib.Path.touch, (self.leaves,)


def forged(storage: Storage, tmp_path: pathlib.Path, content: bytes) -> None:
    """Another state, with a manifest that says its checksum."""
    written(storage)
    (tmp_path / FOLDER / "state.pt").write_bytes(content)
    path = tmp_path / FOLDER / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["state.pt"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    path.write_text(json.dumps(manifest))


def saved(state: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def test_a_checkpoint_cannot_run_code(storage: Storage, tmp_path: pathlib.Path) -> None:
    left = tmp_path / "left"
    for content in (saved({"learner": RunsCode(left), "curve": []}), pickle.dumps(RunsCode(left))):
        forged(storage, tmp_path, content)
        with pytest.raises(UnreadableCheckpointError, match=r"^checkpoint [^\n]*$"):
            checkpoint.read(storage, FOLDER, trial="t")
        assert not left.exists()
        storage.remove(FOLDER)


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"hello", saved([1, 2]), saved({"learner": {}}), saved({"learner": {}, "curve": [[1]]})],
    ids=["nothing", "half a zip", "text", "a list", "no curve", "half a point"],
)
def test_a_state_unlike_ours_is_unreadable_though_its_checksum_is_right(
    storage: Storage, tmp_path: pathlib.Path, content: bytes
) -> None:
    forged(storage, tmp_path, content)
    with pytest.raises(UnreadableCheckpointError, match=r"^checkpoint [^\n]*$"):
        checkpoint.read(storage, FOLDER, trial="t")


def test_memory_that_runs_out_while_reading_is_not_the_checkpoints_fault(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    written(storage)
    monkeypatch.setattr(torch, "load", full)
    with pytest.raises(RuntimeError, match="can't allocate"):
        checkpoint.read(storage, FOLDER, trial="t")


@pytest.mark.parametrize("manifest", ["[]", "null", "{}", '{"format": 2}', '"x"', '{"format": 2, "trial": "t"}'])
def test_a_manifest_unlike_ours_is_unreadable(storage: Storage, tmp_path: pathlib.Path, manifest: str) -> None:
    written(storage)
    (tmp_path / FOLDER / "manifest.json").write_text(manifest)
    with pytest.raises(UnreadableCheckpointError, match=r"^checkpoint [^\n]*$"):
        checkpoint.read(storage, FOLDER, trial="t")


def test_an_interrupted_write_leaves_nothing(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        written(storage)
    assert storage.names("trials/s/search-a00-r0-f0-n000") == []


def test_a_folder_is_never_written_twice(storage: Storage) -> None:
    written(storage)
    with pytest.raises(FileExistsError):
        written(storage)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../b", ""])
def test_names_stay_below_the_root(storage: Storage, name: str) -> None:
    with pytest.raises(ValueError, match="below the storage's root"):
        storage.read(name)


def test_a_file_is_replaced_whole(storage: Storage, tmp_path: pathlib.Path) -> None:
    storage.write("a/b", b"one")
    storage.write("a/b", b"two")
    assert storage.read("a/b") == b"two"
    assert storage.names("a") == ["b"]
    storage.remove("a")
    assert not storage.has("a/b")
    storage.remove("a")  # nothing to remove: fine
