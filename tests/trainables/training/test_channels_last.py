"""Instance normalisation that keeps channels last: PyTorch's values, channels where they were, trainings untouched."""

import pytest
import torch
from torch import nn

from trainables.training.cpu_kernels import keep_channels_last_in_instance_norms

torch.set_num_threads(1)


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("dim", [2, 3])
def test_values_are_pytorchs_and_channels_stay_last(dim: int, affine: bool) -> None:
    torch.manual_seed(0)
    norm = (nn.InstanceNorm2d if dim == 2 else nn.InstanceNorm3d)(3, affine=affine, eps=1e-3)
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    layout = torch.channels_last if dim == 2 else torch.channels_last_3d
    plain = torch.randn(2, 3, *(5, 6, 7)[:dim]) + torch.arange(3).view(1, 3, *[1] * dim)
    last = plain.contiguous(memory_format=layout)
    expected = norm(plain).detach()
    keep_channels_last_in_instance_norms(norm)
    with torch.inference_mode():
        found = norm(last)
        assert torch.equal(norm(plain), expected)
    assert found.is_contiguous(memory_format=layout)
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.equal(norm(last), expected)  # with a gradient to come


def test_those_with_running_statistics_are_left_alone() -> None:
    norm = nn.InstanceNorm3d(2, track_running_stats=True)
    before = norm.forward
    keep_channels_last_in_instance_norms(nn.Sequential(norm))
    assert norm.forward == before
