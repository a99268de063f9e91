import pathlib

import pytest

from tests.trainables.data.files import options, pair
from trainables import host_memory
from trainables.data.inspecting import inspect
from trainables.data.preparing.memory import needed
from trainables.errors import InputError


def test_the_need_by_hand() -> None:
    # own grid: 6 voxels of 2 channels, a reference and a picture; training grid: 24 voxels of 2 channels and 3 classes
    assert needed((1, 2, 3), (2, 3, 4), channels=2, classes=3) == 6 * 10 + 24 * 21


def test_a_grid_that_no_memory_holds_is_refused_before_it_is_made(tmp_path: pathlib.Path) -> None:
    with pytest.raises(
        InputError, match=r"preprocess.spacing \[0.003, 0.002, 0.0015\] makes its 7 x 8 x 9 voxels"
    ) as told:
        inspect.inspect(pair(tmp_path), options(spacing=(0.003, 0.002, 0.0015)))
    assert "7,000 x 8,000 x 9,000, which need about 8.57 TB of memory" in str(told.value)


def test_a_case_on_its_own_grid_that_memory_does_not_hold(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_memory, "limit", lambda: 504 * 23 - 1)  # 4 + 2 and 4 * (1 + 3) + 1 bytes for each of 504
    with pytest.raises(InputError, match=r"its 7 x 8 x 9 voxels need about 11.6 kB of memory; this machine"):
        inspect.inspect(pair(tmp_path), options())
    monkeypatch.setattr(host_memory, "limit", lambda: 504 * 23)
    inspect.inspect(pair(tmp_path), options())
