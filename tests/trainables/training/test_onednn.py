"""oneDNN for a batch of one: the same convolution up to rounding, training and bfloat16 as PyTorch has them."""

from typing import Any

import pytest
import torch
from torch import nn

from trainables.training import cpu_kernels

torch.set_num_threads(1)


@pytest.mark.parametrize(
    "how",
    [
        {"padding": 1},
        {"padding": (0, 1, 2), "stride": (1, 2, 1), "bias": False},
        {"dilation": (1, 2, 1), "groups": 2},
    ],
)
def test_it_is_the_same_convolution(how: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    convolution, x = nn.Conv3d(4, 6, 3, **how), torch.randn(1, 4, 7, 8, 9)
    expected = convolution(x).detach()
    cpu_kernels.use_onednn_for_single_images(convolution)
    used = []
    plain = torch.mkldnn_convolution
    monkeypatch.setattr(torch, "mkldnn_convolution", lambda *given: (used.append(1), plain(*given))[1])
    with torch.inference_mode():
        assert torch.allclose(convolution(x), expected, atol=1e-5)
        assert len(used) == 1
        convolution(torch.cat([x, x]))
        convolution(x[0])  # without a batch
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert convolution(x).dtype == torch.bfloat16
    assert torch.equal(convolution(x), expected)  # with a gradient to come PyTorch's own
    assert len(used) == 1


def test_other_paddings_are_left_alone() -> None:
    for convolution in (nn.Conv3d(1, 1, 3, padding="same"), nn.Conv3d(1, 1, 3, padding=1, padding_mode="reflect")):
        before = convolution.forward
        cpu_kernels.use_onednn_for_single_images(convolution)
        assert convolution.forward == before
