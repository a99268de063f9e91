"""The machine of a segment: what decides its numbers, and the text by which segments are grouped."""

import json
import pathlib
import sys
from typing import Any

import pytest
import torch

from tests.trainables import tiny
from trainables import user_code
from trainables.training.machine import hardware, here, kind, machine, machine_after_failure

CPU: dict[str, Any] = {
    "cpu_capability": "AVX2",
    "onednn_isa": "ALL",
    "onednn": True,
    "machine": "x86_64",
    "threads": 2,
    "gpu": "",
    "portable": False,
    "versions": {"torch": "2.13.0", "cuda": "12.4"},
    "code": {},
}


def test_it_names_kernels_and_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "avx2")
    found = machine(tiny.spec(threads=3))
    assert found["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
    assert (found["onednn_isa"], found["threads"], found["gpu"]) == ("AVX2", 3, "")
    assert found["versions"]["torch"] == torch.__version__
    assert found["code"] == {}
    assert json.loads(json.dumps(found)) == found
    assert not machine(tiny.spec(portable=True))["onednn"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "x86_64 AVX2, torch 2.13.0"),
        ({"onednn_isa": "SSE41"}, "x86_64 AVX2, oneDNN at most SSE41, torch 2.13.0"),
        ({"portable": True, "cpu_capability": "AVX512"}, "portable, torch 2.13.0"),
        ({"gpu": "NVIDIA A100"}, "NVIDIA A100, torch 2.13.0, CUDA 12.4"),
    ],
)
def test_kind(changes: dict[str, Any], expected: str) -> None:
    assert kind({**CPU, **changes}) == expected
    assert kind({}) == hardware({}) == ""
    assert kind({**CPU, **changes}).startswith(f"{hardware({**CPU, **changes})}, torch ")


def test_what_a_machine_says_of_itself_is_what_its_segments_record() -> None:
    for portable in (False, True):
        recorded, said = machine(tiny.spec(portable=portable)), here(gpu=False, portable=portable)
        assert said == {name: recorded[name] for name in said}
        assert kind(said) == kind(recorded)


def test_code_of_the_user_has_a_digest_of_its_whole_package(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "own_losses"
    (package / "parts").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "edge.py").write_text("from own_losses.parts.sums import total as edge_loss\n")
    (package / "parts" / "sums.py").write_text("def total(logits, target, **maps):\n    return logits.sum()\n")
    spec = tiny.spec(loss="edge", loss_parameters={"code": "own_losses.edge:edge_loss"})
    first = machine(spec)["code"]
    assert list(first) == ["own_losses.edge:edge_loss"]
    (package / "notes.txt").write_text("no code")
    assert machine(spec)["code"] == first
    (package / "parts" / "sums.py").write_text("def total(logits, target, **maps):\n    return 2 * logits.sum()\n")
    assert machine(spec)["code"] != first
    (package / "parts" / "sums.py").write_text("def total(logits, target, **maps):\n    return logits.sum()\n")
    assert machine(spec)["code"] == first
    assert "own_losses" not in sys.modules  # nothing was run


def test_code_in_one_file_and_code_that_is_gone(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_network.py").write_text("def build(**how): ...\n")
    spec = tiny.spec(model="mine", model_parameters={"code": "own_network:build"})
    first = machine_after_failure(spec)["code"]["own_network:build"]
    (tmp_path / "own_network.py").write_text("def build(**how): return 1\n")
    assert machine_after_failure(spec)["code"]["own_network:build"] != first
    (tmp_path / "own_network.py").unlink()
    sys.path_importer_cache.clear()
    assert machine_after_failure(spec) == {}
    assert machine_after_failure(None) == {}


def test_code_counts_as_it_was_when_it_was_loaded(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "own_loss_loaded.py"
    file.write_text("def loss(logits, target, **maps):\n    return logits.sum()\n")
    spec = tiny.spec(loss="mine", loss_parameters={"code": "own_loss_loaded:loss"})
    user_code.imported("own_loss_loaded:loss")
    first = machine(spec)["code"]
    file.write_text("def loss(logits, target, **maps):\n    return 2 * logits.sum()\n")
    assert machine(spec)["code"] == first  # this process still computes with the old one
    monkeypatch.delitem(sys.modules, "own_loss_loaded")
    assert machine(spec)["code"] != first
