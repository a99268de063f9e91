"""Checkpoints: a folder with a learner's whole state and a manifest with checksums, checked when it is read."""

import dataclasses
import hashlib
import json
import pathlib
import pickle
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from trainables.failures import fault
from trainables.storage.folder import Storage
from trainables.trial import Point

STATE, MANIFEST = "state.pt", "manifest.json"
FORMAT = 2


_READING_ERRORS = (
    FileNotFoundError,
    ValueError,
    LookupError,
    TypeError,
    RuntimeError,
    EOFError,
    pickle.UnpicklingError,
)
"""Errors of reading a checkpoint whose files are missing, hold something else, or would have to run code."""


class UnreadableCheckpointError(Exception):
    """A checkpoint is missing, incomplete or changed since it was written; training resumes from an earlier one."""


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Where a training stands.

    Attributes:
        trial: Key of the trial.
        iteration: Iterations trained.
        weights: The learner's digest.
        learner: `Learner.state_dict()`: tensors, numbers, strings, lists and dicts.
        length: Iterations of the whole training that it is a part of.
        curve: Points of the segment under way, which its outcome will report.
    """

    trial: str
    iteration: int
    weights: str
    learner: dict[str, Any]
    length: int
    curve: tuple[Point, ...] = ()


def write(storage: Storage, folder: str, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint; `folder` appears with all of it or not at all.

    Raises:
        FileExistsError: The folder is there already.
        OSError: The storage is full or out of reach.
    """
    import torch

    with storage.publish(folder) as local:
        curve = [[point.iteration, point.name, point.value] for point in checkpoint.curve]
        torch.save({"learner": checkpoint.learner, "curve": curve}, local / STATE)
        manifest = {
            "format": FORMAT,
            "trial": checkpoint.trial,
            "iteration": checkpoint.iteration,
            "length": checkpoint.length,
            "weights": checkpoint.weights,
            "files": {STATE: {"sha256": _sha256(local / STATE), "bytes": (local / STATE).stat().st_size}},
        }
        (local / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")


def read(storage: Storage, folder: str, *, trial: str) -> Checkpoint:
    """Reads a checkpoint after checking every byte; nothing in it can run code.

    Args:
        storage: Where the folder lies.
        folder: Its name.
        trial: Key of the trial that the checkpoint must belong to.

    Raises:
        UnreadableCheckpointError: It is missing, incomplete, changed, of another trial or of an unknown format.
    """
    import torch

    try:
        with storage.fetch(folder) as local:
            manifest = json.loads((local / MANIFEST).read_text(encoding="utf-8"))
            _check(manifest, local, folder, trial)
            state = torch.load(local / STATE, map_location="cpu", weights_only=True)
        return Checkpoint(
            trial=trial,
            iteration=manifest["iteration"],
            weights=manifest["weights"],
            learner=state["learner"],
            length=manifest["length"],
            curve=tuple(Point(*point) for point in state["curve"]),
        )
    except _READING_ERRORS as error:
        if isinstance(error, RuntimeError) and fault(error) != "trial":
            raise  # memory ran out, or the like: the checkpoint is not to blame
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise UnreadableCheckpointError(f"checkpoint {folder}: {lines[0]}") from error


def _check(manifest: dict[str, Any], local: pathlib.Path, folder: str, trial: str) -> None:
    if manifest["format"] != FORMAT:
        raise UnreadableCheckpointError(f"checkpoint {folder}: format {manifest['format']}, expected {FORMAT}")
    if manifest["trial"] != trial:
        raise UnreadableCheckpointError(f"checkpoint {folder}: of trial {manifest['trial']}, expected {trial}")
    for name, facts in manifest["files"].items():
        if (found := _sha256(local / name)) != facts["sha256"]:
            raise UnreadableCheckpointError(
                f"checkpoint {folder}: {name} has sha256 {found[:12]}…, its manifest says {facts['sha256'][:12]}…"
            )


def _sha256(path: pathlib.Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copied(value: Any) -> Any:
    """Return nested dicts and lists with every tensor copied to the CPU."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def tensors_of(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor in nested dicts and tuples with its path, in order of the keys' text."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            yield from tensors_of(value[key], f"{name}/{key}")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from tensors_of(item, f"{name}/{index}")
