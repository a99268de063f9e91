"""bfloat16 on the CPU: gradients of convolutions on thin inputs are right, and the rest stays in bfloat16."""

import pytest
import torch
from torch import nn

from trainables.training.cpu_kernels import use_float32_for_thin_inputs


def gradients(convolution: nn.Conv3d, x: torch.Tensor, *, enabled: bool) -> tuple[torch.Tensor, torch.Tensor]:
    convolution.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
        y = convolution(x)
    y.float().square().sum().backward()  # type: ignore[no-untyped-call]
    assert convolution.weight.grad is not None
    return y, convolution.weight.grad.clone()


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [(1, 1, 1), (2, 2, 2), (2, 8, 8), (4, 4, 4), (6, 5, 5)])
def test_weight_gradients_are_right(size: tuple[int, ...], kernel: int) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv3d(16, 16, kernel, padding=kernel // 2).to(memory_format=torch.channels_last_3d)
    x = torch.randn(2, 16, *size).to(memory_format=torch.channels_last_3d)
    _, expected = gradients(convolution, x, enabled=False)
    use_float32_for_thin_inputs(convolution)
    for _ in range(3):
        y, found = gradients(convolution, x, enabled=True)
        assert y.dtype == torch.bfloat16
        assert torch.allclose(found, expected, atol=0.02 * expected.abs().max().item())


def test_thick_inputs_are_left_to_autocast() -> None:
    convolution, x = nn.Conv3d(2, 2, 3), torch.randn(1, 2, 3, 8, 8)
    use_float32_for_thin_inputs(convolution)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = convolution(x)
    expected = nn.Conv3d.forward(convolution.bfloat16(), x.bfloat16())
    assert torch.equal(rounded, expected)


def test_a_convolution_with_a_forward_of_its_own_keeps_it() -> None:
    class Doubled(nn.Conv3d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    convolution, x = Doubled(2, 2, 1), torch.ones(1, 2, 1, 1, 1)
    expected = convolution(x)
    use_float32_for_thin_inputs(convolution)
    assert torch.equal(convolution(x), expected)
