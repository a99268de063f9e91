"""A share of a GPU is a share of its memory: the guard, with a GPU that is words."""

import types

import pytest
import torch

from tests.study.numbers import spec
from trainables.training import device

GB = 2**30


@pytest.mark.parametrize(
    ("share", "fraction"),
    [
        (1.0, 1.0),
        (2.0, 1.0),
        (0.5, 0.5 - 600 / 1024 / 16),
        (0.02, 0.01),
    ],  # what a process takes beside is not PyTorch's
)
def test_a_share_is_kept_to(monkeypatch: pytest.MonkeyPatch, share: float, fraction: float) -> None:
    kept: list[float] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: types.SimpleNamespace(total_memory=16 * GB))
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", kept.append)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: None)
    device.claim(spec(gpu=0.5), share)
    assert kept == [pytest.approx(fraction)]


def test_without_a_share_no_gpu_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("touched")

    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", never)
    device.claim(spec(), 0.0)
    assert torch.get_num_threads() == spec().threads
