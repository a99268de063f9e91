"""MONAI's networks under our names: any patch size, a gradient for every parameter, weights by seed, their options."""

import sys
from typing import Any

import pytest
import torch
from torch import nn

from trainables.errors import InputError
from trainables.models import DIVISORS, ONE_SIZE, build
from trainables.models.monai_networks import AnySize

SMALL: dict[str, dict[str, Any]] = {
    "dynunet": {"width": 2},
    "segresnet": {"width": 2},
    "attention_unet": {"width": 2},
    "unetplusplus": {"width": 2},
    "mednext": {"width": 2},
    "swin_unetr": {"width": 12, "blocks": 1},
    "unetr": {"width": 2, "hidden_size": 12, "heads": 2},
}
COUNTS = {
    "dynunet": 16_543_650,
    "segresnet": 18_796_002,
    "attention_unet": 5_909_130,
    "unetplusplus": 6_979_778,
    "mednext": 5_550_914,
    "swin_unetr": 62_186_708,
    "unetr": 92_783_842,
}
"""Trainable parameters of MONAI 1.6.1's networks in 3D with one channel and two classes, at patches of 96.

The papers have 61.98 million for Swin UNETR and 92.58 million for UNETR."""
MEDNEXT = {"S": 5.6, "B": 10.5, "M": 17.5, "L": 61.7}
"""Millions, as the paper has them (it prints 17.6 and 61.8)."""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def small(
    name: str, dim: int = 2, *, seed: int = 0, patch_size: tuple[int, ...] | None = None, **parameters: Any
) -> nn.Module:
    both = {**SMALL[name], **parameters}
    size = patch_size or (64,) * dim
    return build(name, in_channels=2, out_channels=3, dim=dim, parameters=both, seed=seed, patch_size=size)


def trainable(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_counts_at_the_defaults(name: str) -> None:
    with torch.device("meta"):
        network = build(name, in_channels=1, out_channels=2, dim=3, parameters={}, seed=0, patch_size=(96, 96, 96))
    assert trainable(network) == COUNTS[name]


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("size", [(64, 32), (17, 35), (9, 19, 33)])
def test_output_is_as_large_as_the_input_and_every_parameter_learns(name: str, size: tuple[int, ...]) -> None:
    network = small(name, len(size), patch_size=size).train()
    logits = network(torch.randn(2, 2, *size, generator=torch.Generator().manual_seed(0)))
    assert logits.shape == (2, 3, *size)
    logits.square().mean().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key


@pytest.mark.parametrize("name", SMALL)
def test_weights_are_a_function_of_the_seed(name: str) -> None:
    torch.manual_seed(1)
    first = small(name, seed=5).state_dict()
    after = torch.rand(2)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(2))  # and PyTorch's own stream is left as it was
    second, other = (small(name, seed=seed).state_dict() for seed in (5, 6))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("name", SMALL)
def test_what_is_padded_does_not_show_in_the_size_and_multiples_go_in_as_they_are(name: str) -> None:
    side = 2 * DIVISORS[name]
    network = small(name, patch_size=(side, side - 3)).eval()
    assert isinstance(network, AnySize)
    network.only = None
    x = torch.randn(1, 2, side, side - 3, generator=torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(x, (0, 3))
    with torch.no_grad():
        assert torch.equal(network(x), network(padded)[..., :-3])
        theirs = network.network(padded)
        assert torch.equal(network(padded), theirs[0] if isinstance(theirs, list) else theirs)


def test_unetplusplus_gives_the_deepest_decoders_output_as_monai_has_it() -> None:
    from monai.networks.nets import BasicUNetPlusPlus

    ours = small("unetplusplus").eval()
    theirs = BasicUNetPlusPlus(2, 2, 3, (2, 2, 4, 8, 16, 2), deep_supervision=True, norm=("instance", {"affine": True}))
    state = theirs.state_dict()
    state |= {name.removeprefix("network."): value for name, value in ours.state_dict().items()}
    theirs.load_state_dict(state)
    x = torch.randn(1, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(ours(x), theirs.eval()(x)[-1])


@pytest.mark.parametrize("variant", ["S", "B", "M", "L"])
@pytest.mark.parametrize("kernel_size", [3, 5])
def test_mednexts_variants_are_monais(variant: str, kernel_size: int) -> None:
    from monai.networks.nets.mednext import create_mednext

    with torch.device("meta"):
        parameters = {"variant": variant, "kernel_size": kernel_size}
        ours = build("mednext", in_channels=1, out_channels=2, dim=3, parameters=parameters, seed=0)
        theirs = create_mednext(variant, kernel_size=kernel_size)
    assert trainable(ours) == trainable(theirs)
    if kernel_size == 3:
        assert trainable(ours) / 1e6 == pytest.approx(MEDNEXT[variant], abs=0.1)
    assert isinstance(ours, AnySize)
    assert [type(m) for m in ours.network.modules()] == [type(m) for m in theirs.modules()]


@pytest.mark.parametrize(
    ("name", "parameters", "kind"),
    [
        ("dynunet", {"norm": "batch"}, nn.BatchNorm2d),
        ("dynunet", {"dropout": 0.1}, nn.Dropout),
        ("segresnet", {"norm": "instance"}, nn.InstanceNorm2d),
        ("segresnet", {"norm": "batch"}, nn.BatchNorm2d),
        ("segresnet", {"dropout": 0.1}, nn.Dropout2d),
        ("segresnet", {"upsample": "transposed"}, nn.ConvTranspose2d),
        ("attention_unet", {"dropout": 0.1}, nn.Dropout),
        ("unetplusplus", {"norm": "batch"}, nn.BatchNorm2d),
        ("unetplusplus", {"dropout": 0.1}, nn.Dropout),
        ("swin_unetr", {"norm": "batch"}, nn.BatchNorm2d),
        ("swin_unetr", {"dropout": 0.1}, nn.Dropout),
        ("unetr", {"norm": "batch"}, nn.BatchNorm2d),
        ("unetr", {"dropout": 0.1}, nn.Dropout),
    ],
)
def test_options_reach_the_network(name: str, parameters: dict[str, Any], kind: type[nn.Module]) -> None:
    without, with_it = (
        [module for module in small(name, **given).modules() if type(module) is kind and getattr(module, "p", 1)]
        for given in ({}, parameters)
    )
    assert len(with_it) > 0 == len(without)


@pytest.mark.parametrize("deep", [False, True])
def test_dynunet_holds_each_weight_once_and_is_still_monais(deep: bool) -> None:
    from monai.networks.nets import DynUNet

    ours = small("dynunet", deep_supervision=deep)
    state = ours.state_dict()
    assert len({tensor.data_ptr() for tensor in state.values()}) == len(state)
    filters, strides = [2, 4, 8, 16, 32], [1, 2, 2, 2, 2]
    theirs = DynUNet(2, 2, 3, [3] * 5, strides, strides[1:], filters, deep_supervision=deep, deep_supr_num=3)
    theirs.load_state_dict({name.removeprefix("network."): value for name, value in state.items()}, strict=False)
    x = torch.randn(1, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(ours.train()(x), theirs.train()(x))
        assert torch.equal(ours.eval()(x), theirs.eval()(x))


def test_dynunet_can_be_residual() -> None:
    assert trainable(small("dynunet", residual=True)) > trainable(small("dynunet"))


@pytest.mark.parametrize(
    ("name", "dim", "parameters", "message"),
    [
        ("dynunet", 2, {"norm": "group"}, "instance or batch, found 'group'"),
        ("segresnet", 2, {"upsample": "nearest"}, "interpolate or transposed, found 'nearest'"),
        ("segresnet", 2, {"norm": "none"}, "group or instance or batch, found 'none'"),
        ("attention_unet", 2, {"width": 1}, "at least 2, found 1"),
        ("unetplusplus", 1, {}, "2D or 3D network and the images have 1"),
        ("mednext", 2, {"variant": "XL"}, "variant is S, B, M, L, found 'XL'"),
        ("mednext", 2, {"kernel_size": 4}, "an odd number, found 4"),
        ("swin_unetr", 2, {"width": 16}, "a multiple of 12 and of heads, found width 16 and heads 3"),
        ("swin_unetr", 2, {"heads": 5}, "a multiple of 12 and of heads, found width 12 and heads 5"),
        ("unetr", 2, {"heads": 5}, "hidden_size is a multiple of heads, found 12 and 5"),
        ("unetr", 2, {"norm": "group"}, "instance or batch, found 'group'"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, dim: int, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        small(name, dim, **parameters)


@pytest.mark.parametrize("name", SMALL)
def test_without_monai_one_line_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "monai.networks.nets", None)
    with pytest.raises(InputError, match=f"^{name} is MONAI's, which cannot be imported .*pip install monai$"):
        small(name)


@pytest.mark.parametrize("name", ONE_SIZE)
def test_without_einops_one_line_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "einops", None)
    with pytest.raises(InputError, match=f"^{name} needs einops, which cannot be imported .*pip install einops$"):
        small(name)


@pytest.mark.parametrize("name", ONE_SIZE)
def test_networks_of_one_size_refuse_another(name: str) -> None:
    network = small(name, patch_size=(40, 36)).eval()
    with torch.no_grad(), pytest.raises(ValueError, match=r"made for images of \[40, 36\] voxels, found \[36, 40\]"):
        network(torch.zeros(1, 2, 36, 40))


def test_unetr_cannot_do_without_a_patch_size() -> None:
    with pytest.raises(ValueError, match="expected patch_size"):
        build("unetr", in_channels=1, out_channels=2, dim=2, parameters=SMALL["unetr"], seed=0)


def test_transformers_options_change_their_sizes() -> None:
    swin = {key: trainable(small("swin_unetr", **{key: 2})) for key in ("blocks", "window_size")}
    usual = trainable(small("swin_unetr"))
    assert swin["blocks"] > usual
    table = (2 * 7 - 1) ** 2 - (2 * 2 - 1) ** 2  # relative positions in windows of 7 and of 2
    assert usual - swin["window_size"] == table * (3 + 6 + 12 + 24)
    wider, longer = small("unetr", width=4), small("unetr", hidden_size=24)
    assert trainable(wider) > trainable(small("unetr")) < trainable(longer)


def test_heads_change_what_is_computed() -> None:
    x = torch.randn(1, 2, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        two, three = (small("unetr", heads=heads).eval()(x) for heads in (2, 3))
    assert not torch.equal(two, three)
    assert trainable(small("swin_unetr", heads=6)) > trainable(small("swin_unetr"))
