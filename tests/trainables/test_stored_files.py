"""Checkpoints and cache entries hold no module path, so that a version with other modules can read them."""

import pathlib
import re

import pytest
import torch

from tests.trainables import tiny
from tests.trainables.data.files import options, pair
from trainables.data.cache import cache
from trainables.data.inspecting import inspect, thumbnail
from trainables.storage.folder import Storage
from trainables.training import checkpoint
from trainables.training.training import Training

torch.set_num_threads(1)
MODULE_PATH = re.compile(rb"(?:trainables|study|reports|search_spaces)[./][a-z_]+")


def _module_paths(folder: pathlib.Path) -> list[bytes]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    return [path for file in files for path in MODULE_PATH.findall(file.read_bytes())]


def test_a_checkpoint_names_no_module(tmp_path: pathlib.Path) -> None:
    training = Training(tiny.spec(optimizer="adam"), tiny.dataset())
    training.advance(2)
    state = checkpoint.copied(training.state_dict())
    kept = checkpoint.Checkpoint(trial="t", iteration=2, weights="w", learner=state, length=12)
    checkpoint.write(Storage(tmp_path), "2-0", kept)
    assert _module_paths(tmp_path) == []


@pytest.mark.parametrize("normalize", ["zscore", "zscore_training"])
def test_a_cache_names_no_module(tmp_path: pathlib.Path, normalize: str) -> None:
    root, how, files = tmp_path / "cache", options(components=True, normalize=normalize), pair(tmp_path)
    inspect.remembered(files, how, root)
    cache.write_index(root, [cache.prepare_case(files, how, root)], how)
    thumbnail.of_cases([files], how, memory=root)
    assert {"facts", "keys", "entries", "datasets", "thumbnails"} <= {folder.name for folder in root.iterdir()}
    assert _module_paths(root) == []
