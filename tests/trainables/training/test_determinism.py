"""`deterministic`: the same numbers on a CPU, refused where an operation has no such kernel, nothing left behind."""

import pathlib
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from tests.trainables import tiny
from trainables.errors import InputError
from trainables.models.sizes import HalvingInOrder
from trainables.training.training import Training

DATA = tiny.dataset()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def seen_by(learner: Training) -> list[bool]:
    seen: list[bool] = []
    learner.network.register_forward_hook(lambda *_: seen.append(torch.are_deterministic_algorithms_enabled()))
    return seen


def test_it_changes_no_number_on_a_cpu() -> None:
    learners = [Training(tiny.spec(deterministic=asked), DATA) for asked in (False, True)]
    seen = [seen_by(learner) for learner in learners]
    points = [learner.advance(5) for learner in learners]
    assert points[0] == points[1]
    assert learners[0].digest() == learners[1].digest()
    assert seen == [[False] * 5, [True] * 5]
    assert not torch.are_deterministic_algorithms_enabled()


def test_what_was_set_before_is_set_again() -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        Training(tiny.spec(deterministic=True), DATA).advance(1)
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


NETWORK = """
import torch

class Trilinear(torch.nn.Conv3d):
    def __init__(self, in_channels, out_channels, dim):
        super().__init__(in_channels, out_channels, 3, padding=1)

    def forward(self, x):
        if torch.are_deterministic_algorithms_enabled():  # as a GPU's kernel does
            raise RuntimeError(
                "upsample_trilinear3d_backward_out_cuda does not have a deterministic implementation, but you set "
                "'torch.use_deterministic_algorithms(True)'. You can turn off determinism just for this operation"
            )
        return super().forward(x)
"""


def test_an_operation_without_a_deterministic_kernel_is_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trilinear_network.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    own: dict[str, Any] = {"model": "mine", "model_parameters": {"code": "trilinear_network:Trilinear"}}
    Training(tiny.spec(**own), DATA).advance(1)
    with pytest.raises(
        InputError,
        match=r"^training.deterministic: upsample_trilinear3d_backward_out_cuda of mine or its loss has no det",
    ):
        Training(tiny.spec(**own, deterministic=True), DATA).advance(1)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("size", [(4, 4, 4), (5, 4, 3), (1, 2, 7)])
def test_halving_in_order_is_max_pooling(size: tuple[int, ...]) -> None:
    values = torch.randint(0, 4, (2, 3, *size), generator=torch.Generator().manual_seed(0)).float()  # many are equal
    slopes = []
    for halved in (lambda x: F.max_pool3d(x, 2, ceil_mode=True), HalvingInOrder.apply):
        x = values.clone().requires_grad_()
        y = halved(x)
        (y * torch.arange(1.0, y.numel() + 1).view(y.shape)).sum().backward()
        slopes.append((y.detach(), x.grad))
    assert torch.equal(slopes[0][0], slopes[1][0])
    assert slopes[0][1] is not None
    assert slopes[1][1] is not None
    assert torch.equal(slopes[0][1], slopes[1][1])
