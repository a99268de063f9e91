"""The networks: parameter counts of SPEC.md §4, MONAI's V-Net to the weight, any patch size, weights by seed."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from search_spaces import defaults, network_sizes
from trainables.errors import InputError
from trainables.models import DIMS, DIVISORS, MODELS, ONE_SIZE, build, check_patch
from trainables.models.enet import ENet
from trainables.models.normalisation import InstanceNorm, set_momentum
from trainables.models.resunet3d import ResUNet3d
from trainables.models.segnet import SegNet
from trainables.models.sizes import crop_to, even, pool
from trainables.models.unet import UNet
from trainables.models.unet3d import UNet3d
from trainables.models.vnet import VNet

SMALL: list[tuple[str, int, dict[str, Any]]] = [
    ("unet", 2, {"width": 4}),
    ("unet", 2, {"width": 4, "norm": "batch"}),
    ("unet", 2, {"width": 4, "norm": "instance"}),
    ("unet3d", 3, {"width": 4, "norm": "batch"}),
    ("unet3d", 3, {"width": 4, "norm": "instance"}),
    ("vnet", 3, {"width": 4}),
    ("vnet", 2, {"width": 4}),
    ("vnet", 2, {"width": 4, "activation": "prelu", "dropout": 0.0}),
    ("segnet", 2, {"width": 4}),
    ("enet", 2, {"width": 4}),
    ("resunet3d", 3, {"width": 4}),
]
"""Our own; MONAI's are in test_monai_networks.py."""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def small(name: str, dim: int, parameters: dict[str, Any], *, channels: int = 2, seed: int = 0) -> nn.Module:
    return build(name, in_channels=channels, out_channels=3, dim=dim, parameters=parameters, seed=seed)


def trainable(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def statistics(network: nn.Module) -> int:
    return sum(buffer.numel() for name, buffer in network.named_buffers() if "running" in name)


@pytest.mark.parametrize(
    ("channels", "classes", "count"),
    [(1, 1, 31_030_593), (1, 2, 31_030_658), (3, 1, 31_031_745), (3, 2, 31_031_810)],
)
def test_unet_has_ronnebergers_parameters(channels: int, classes: int, count: int) -> None:
    with torch.device("meta"):
        assert trainable(UNet(channels, classes)) == count


def test_unet_with_batch_norm_has_the_parameters_of_spec_4() -> None:
    with torch.device("meta"):
        network = UNet(1, 1, norm="batch")
    assert trainable(network) == 31_042_369
    assert statistics(network) == 11_776


@pytest.mark.parametrize(("classes", "count"), [(3, 22_581_283), (2, 22_581_250)])
def test_unet3d_has_miscnns_parameters(classes: int, count: int) -> None:
    with torch.device("meta"):
        network = UNet3d(1, classes, width=32, norm="batch")
    assert trainable(network) == count
    assert statistics(network) == 5_888
    parts = [trainable(network.down[:-1]), trainable(network.down[-1]), trainable(network.up), trainable(network.merge)]
    assert parts == [3_515_040, 10_619_904, 1_393_120, 7_053_120]


@pytest.mark.parametrize(("classes", "count"), [(3, 7_765_475), (2, 7_765_442)])
def test_the_same_in_2d_too(classes: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UNet3d, "dims", (2, 3))
    with torch.device("meta"):
        network = UNet3d(1, classes, 2, width=32, norm="batch")
    assert trainable(network) == count
    assert statistics(network) == 5_888


@pytest.mark.parametrize(
    ("channels", "classes", "count", "fixed"),
    [(1, 2, 45_597_898, 5_316), (1, 1, 45_593_892, 5_314), (4, 5, 45_615_928, 5_322), (4, 1, 45_599_892, 5_314)],
)
def test_vnet_has_monais_parameters(channels: int, classes: int, count: int, fixed: int) -> None:
    with torch.device("meta"):
        network = VNet(channels, classes)
    assert trainable(network) == count
    assert statistics(network) == fixed


@pytest.mark.parametrize(
    ("channels", "classes", "count"),
    [(1, 1, 29_442_433), (1, 2, 29_443_010), (3, 1, 29_443_585), (3, 2, 29_444_162)],
)
def test_segnet_has_vggs_parameters_and_their_mirror_image(channels: int, classes: int, count: int) -> None:
    with torch.device("meta"):
        network = SegNet(channels, classes)
    assert trainable(network) == count
    assert statistics(network) == 15_872
    assert sum(isinstance(module, nn.BatchNorm2d) for module in network.modules()) == 25


@pytest.mark.parametrize(
    ("channels", "classes", "count"),
    [(3, 1, 349_068), (3, 2, 349_212), (3, 12, 350_652), (1, 1, 348_852), (1, 2, 348_996)],
)
def test_enet_has_the_parameters_of_its_public_code(channels: int, classes: int, count: int) -> None:
    with torch.device("meta"):
        network = ENet(channels, classes)
    assert trainable(network) == count
    assert statistics(network) == 8_608


def test_resunet3d_has_the_parameters_of_the_inverse_weighting_paper() -> None:
    with torch.device("meta"):
        network = ResUNet3d(1, 1)
    assert trainable(network) == 11_074_306
    assert statistics(network) == 11_080_292 - 11_074_306


def test_resunet3d_normalises_its_logits_over_the_batch() -> None:
    network = small("resunet3d", 3, {"width": 2})
    logits = network.train()(torch.randn(2, 2, 16, 16, 16))
    assert logits.mean((0, 2, 3, 4)).abs().max() < 1e-5
    assert torch.allclose(logits.var((0, 2, 3, 4)), torch.ones(3), atol=1e-2)


def test_segnet_puts_values_back_where_they_were() -> None:
    """With convolutions that pass everything on, only each block's greatest pixel is left, in its place."""
    network = small("segnet", 2, {"width": 1}, channels=1).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.dirac_(module.weight)
    x = torch.zeros(1, 1, 64, 64)
    x[0, 0, 5, 40], x[0, 0, 7, 33] = 3.0, 2.0  # in one block of 32 × 32
    found = network(x)[0, 0]
    assert found[5, 40] == found.max()
    assert found[5, 40] > 2.9
    assert found[7, 33].item() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("activation", ["elu", "prelu", "relu"])
def test_vnets_activations_are_monais(activation: str) -> None:
    from monai.networks.nets import VNet as Theirs

    with torch.device("meta"):
        ours = VNet(1, 2, activation=activation)  # type: ignore[arg-type]
        theirs = Theirs(act=activation, out_channels=2)
    assert trainable(ours) == trainable(theirs)
    assert (trainable(ours) > 45_597_898) == (activation == "prelu")
    drops = [[m.p for m in network.modules() if isinstance(m, nn.Dropout3d)] for network in (ours, theirs)]
    assert drops[0] == drops[1] == [0.5] * 8


def test_vnet_drops_as_much_as_asked_everywhere() -> None:
    with torch.device("meta"):
        network = VNet(1, 2, dropout=0.2)
    assert [module.p for module in network.modules() if isinstance(module, nn.Dropout3d)] == [0.2] * 8


def test_vnet_without_dropout_draws_nothing() -> None:
    network = small("vnet", 2, {"width": 2, "dropout": 0.0}).train()
    x = torch.randn(2, 2, 32, 32)
    with torch.no_grad():
        assert torch.equal(network(x), network(x))
        assert not any(isinstance(module, nn.Dropout2d) for module in network.modules())


@pytest.mark.parametrize("dim", [2, 3])
def test_vnet_is_monais(dim: int) -> None:
    from monai.networks.nets import VNet as Theirs

    ours = VNet(2, 3, dim)
    theirs = Theirs(spatial_dims=dim, in_channels=2, out_channels=3)
    given = {name: value for name, value in ours.state_dict().items() if "tracked" not in name}
    wanted = {name: value for name, value in theirs.state_dict().items() if "tracked" not in name}
    assert len(given) == len(wanted)
    translated = _translated(given)
    assert translated.keys() == wanted.keys()
    theirs.load_state_dict(translated, strict=False)
    x = torch.randn(1, 2, *(16, 32, 16)[:dim], generator=torch.Generator().manual_seed(0))
    ours.eval(), theirs.eval()
    with torch.no_grad():
        assert torch.allclose(ours(x), theirs(x), atol=1e-5, rtol=1e-5)
    # Training: batch statistics, and dropout that draws in the same order.
    ours.train(), theirs.train()
    outputs = []
    for network in (ours, theirs):
        torch.manual_seed(3)
        with torch.no_grad():
            outputs.append(network(x))
    if dim == 3:  # MONAI drops with Dropout3d in 2D as well, which takes a batch of images for one volume
        assert torch.allclose(*outputs, atol=1e-4, rtol=1e-4)


def _translated(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Our names of V-Net's weights to MONAI's."""
    stages = {"first": "in_tr", "last": "out_tr"}
    stages |= {f"down.{i}": f"down_tr{32 * 2**i}" for i in range(4)}
    stages |= {f"up.{i}": f"up_tr{256 // 2**i}" for i in range(4)}
    result = {}
    for name, value in state.items():
        stage = next(ours for ours in stages if name.startswith(ours + "."))
        rest = name[len(stage) + 1 :]
        rest = rest.replace("shrink.0", "down_conv").replace("shrink.1", "bn1")
        rest = rest.replace("enlarge.0", "up_conv").replace("enlarge.1", "bn1").replace("head", "conv2")
        if stage in ("first", "last"):
            rest = rest.replace("body.0", "conv_block.conv").replace("body.1", "conv_block.adn.N")
        elif rest.startswith("body."):
            _, unit, _, part, leaf = rest.split(".")
            rest = f"ops.{unit}.conv_block.{('conv', 'adn.N')[int(part)]}.{leaf}"
        result[f"{stages[stage]}.{rest}"] = value
    return result


@pytest.mark.parametrize(("name", "dim", "parameters"), SMALL)
@pytest.mark.parametrize("size", [(16, 16, 32), (17, 23, 30), (5, 33, 9)])
def test_output_is_as_large_as_the_input(
    name: str, dim: int, parameters: dict[str, Any], size: tuple[int, ...]
) -> None:
    size = size[-dim:]
    network = small(name, dim, parameters)
    logits = network(torch.randn(2, 2, *size))
    assert logits.shape == (2, 3, *size)
    logits.square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize(("name", "dim", "parameters"), SMALL)
def test_every_voxel_of_an_odd_patch_is_seen(name: str, dim: int, parameters: dict[str, Any]) -> None:
    network = small(name, dim, parameters).eval()
    x = torch.randn(1, 2, *(19,) * dim, requires_grad=True)
    network(x)[(0, 1, *(slice(0, 16),) * dim)].square().sum().backward()  # from all but the last planes
    assert x.grad is not None
    assert (x.grad[(slice(None), slice(None), *(-1,) * dim)] != 0).all()


@pytest.mark.parametrize(("name", "dim", "parameters"), SMALL)
def test_weights_are_a_function_of_the_seed(name: str, dim: int, parameters: dict[str, Any]) -> None:
    torch.manual_seed(1)
    first = small(name, dim, parameters, seed=5).state_dict()
    after = torch.rand(2)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(2))  # and PyTorch's own stream is left as it was
    torch.manual_seed(2)
    second, other = (small(name, dim, parameters, seed=seed).state_dict() for seed in (5, 6))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize(("name", "dim", "parameters"), SMALL)
def test_signals_neither_vanish_nor_explode_at_the_start(name: str, dim: int, parameters: dict[str, Any]) -> None:
    network = small(name, dim, {**parameters, "width": 8})
    spread = network(torch.randn(2, 2, *(32,) * dim)).std().item()
    assert 0.05 < spread < 20


@pytest.mark.parametrize(
    ("name", "parameters", "spread"),
    [
        ("unet", {}, lambda before, after, voxels: (2 / (before * voxels)) ** 0.5),
        ("unet3d", {"norm": "instance"}, lambda before, after, voxels: (2 / (before * voxels * 1.0001)) ** 0.5),
        ("unet3d", {"norm": "batch"}, lambda before, after, voxels: (2 / ((before + after) * voxels)) ** 0.5),
        ("vnet", {}, lambda before, after, voxels: (1 / (3 * before * voxels)) ** 0.5),
        ("segnet", {}, lambda before, after, voxels: (2 / (before * voxels)) ** 0.5),
        ("resunet3d", {}, lambda before, after, voxels: (1 / (3 * before * voxels)) ** 0.5),
    ],
    ids=["unet: He", "unet3d instance: He", "unet3d batch: Glorot", "vnet: PyTorch's", "segnet: He", "resunet3d"],
)
def test_first_weights_are_the_papers(name: str, parameters: dict[str, Any], spread: Callable[..., float]) -> None:
    network = small(name, DIMS[name][-1], {**parameters, "width": 8})
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Conv3d) and m.weight.numel() > 3000]
    assert len(convolutions) > 8
    for convolution in convolutions:
        voxels = convolution.weight[0, 0].numel()
        expected = spread(convolution.in_channels, convolution.out_channels, voxels)
        assert convolution.weight.std().item() == pytest.approx(expected, rel=0.1)
    if name not in ("vnet", "resunet3d"):
        biases = [m.bias for m in network.modules() if hasattr(m, "bias") and m.bias is not None]
        assert all((bias == 0).all() for bias in biases)


@pytest.mark.parametrize("name", MODELS)
def test_search_spaces_know_the_networks(name: str) -> None:
    parameters = list(inspect.signature(MODELS[name]).parameters.values())
    assert [p.name for p in parameters[:3]] == ["in_channels", "out_channels", "dim"]
    given = {p.name: p.default for p in parameters[3:]}
    assert ("patch_size" in given) == (name in ONE_SIZE)
    given.pop("patch_size", None)  # the study's
    assert given == {k: d.value for k, d in defaults.MODELS[name].items()}
    assert DIMS[name] == network_sizes.DIMS[name]
    assert DIVISORS[name] == network_sizes.DIVISORS[name]
    assert set(MODELS) == set(defaults.MODELS) == set(DIMS) == set(DIVISORS)


def test_the_order_in_a_stage_is_miscnns_or_nnunets() -> None:
    batch, instance = (UNet3d(1, 2, width=2, norm=norm).down[1] for norm in ("batch", "instance"))
    assert [type(m) for m in batch] == [nn.Conv3d, nn.ReLU, nn.BatchNorm3d] * 2
    assert [type(m) for m in instance] == [nn.Conv3d, InstanceNorm, nn.LeakyReLU] * 2
    assert {m.eps for m in batch if isinstance(m, nn.BatchNorm3d)} == {1e-3}
    assert [m.bias is None for m in (batch[0], instance[0])] == [False, True]


def test_unet3d_normalises_as_asked() -> None:
    kinds = {norm: {type(m) for m in UNet3d(1, 2, width=2, norm=norm).modules()} for norm in ("batch", "instance")}
    assert nn.BatchNorm3d in kinds["batch"]
    assert nn.ReLU in kinds["batch"]
    assert InstanceNorm in kinds["instance"]
    assert nn.LeakyReLU in kinds["instance"]
    assert not {nn.BatchNorm3d, nn.ReLU} & kinds["instance"]


@pytest.mark.parametrize(
    ("name", "dim", "channels", "parameters", "message"),
    [
        ("unet4", 2, 1, {}, "no network named 'unet4'; there are unet"),
        ("unet", 3, 1, {}, "2D network"),
        ("unet3d", 2, 1, {}, "3D network"),
        ("unet3d", 3, 1, {"norm": "group"}, "batch or instance, found 'group'"),
        ("unet", 2, 1, {"norm": "group"}, "none, batch or instance, found 'group'"),
        ("vnet", 4, 1, {}, "2D or 3D"),
        ("vnet", 3, 3, {"width": 16}, "16 is no multiple of the images' 3 channels"),
        ("vnet", 3, 1, {"activation": "gelu"}, "elu, prelu or relu, found 'gelu'"),
        ("segnet", 3, 1, {}, "2D network"),
        ("enet", 3, 1, {}, "2D network"),
        ("enet", 2, 1, {"width": 6}, "a multiple of 4 and above the images' 1 channels, found 6"),
        ("enet", 2, 4, {"width": 4}, "above the images' 4 channels, found 4"),
        ("resunet3d", 2, 1, {}, "3D network"),
    ],
)
def test_what_does_not_fit_is_refused(
    name: str, dim: int, channels: int, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        build(name, in_channels=channels, out_channels=2, dim=dim, parameters=parameters, seed=0)


@pytest.mark.parametrize(
    ("name", "patch", "message"),
    [
        ("unet", (64, 64, 64), "use unet3d or vnet or"),
        ("unet3d", (64, 64), "use unet or vnet or"),
        ("unet3d", (16, 16, 16), r"\[16, 16, 16\] is too small.*exceed 16"),
        ("mynet", (64, 64), "no network named"),
    ],
)
def test_patches_that_do_not_fit_are_refused(name: str, patch: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_patch(name, patch)


@pytest.mark.parametrize(("name", "dim", "parameters"), SMALL)
def test_the_smallest_patch_can_be_learnt_from(name: str, dim: int, parameters: dict[str, Any]) -> None:
    patch = (DIVISORS[name] + 1, *(1,) * (dim - 1))
    check_patch(name, patch)
    small(name, dim, parameters).train()(torch.randn(1, 2, *patch)).sum().backward()


def test_halving_rounds_up_and_pads_with_nothing() -> None:
    x = torch.tensor([[[[1.0, 2.0, -3.0]]]])
    assert pool(2)(x).tolist() == [[[[2.0, -3.0]]]]
    assert even(x).tolist() == [[[[1.0, 2.0, -3.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]]
    assert crop_to(even(x), (1, 3)).tolist() == x.tolist()


@pytest.mark.parametrize("training", [True, False])
def test_instance_normalisation_is_pytorchs(training: bool) -> None:
    ours, theirs = InstanceNorm(3).double().train(training), nn.InstanceNorm3d(3, affine=True).double().train(training)
    with torch.no_grad():
        for norm in (ours, theirs):
            norm.weight.copy_(torch.tensor([0.5, 2.0, -1.0]))
            norm.bias.copy_(torch.tensor([1.0, 0.0, 3.0]))
    x = torch.randn(3, 3, 4, 2, 5, dtype=torch.float64) * torch.tensor([1.0, 9.0, 0.1]).view(3, 1, 1, 1, 1) + 4
    inputs = [x.clone().requires_grad_(), x.clone().requires_grad_()]
    outputs = [norm(x) for norm, x in zip((ours, theirs), inputs, strict=True)]
    assert torch.allclose(*outputs, rtol=1e-10)
    for output in outputs:
        (output**3).sum().backward()
    assert torch.allclose(*(x.grad for x in inputs), rtol=1e-8)
    assert torch.allclose(ours.weight.grad, theirs.weight.grad, rtol=1e-10)


@pytest.mark.parametrize(("name", "dim", "parameters"), SMALL)
def test_networks_can_be_exported_for_any_batch(name: str, dim: int, parameters: dict[str, Any]) -> None:
    network = small(name, dim, parameters).eval()
    given = torch.randn(2, 2, *(32,) * dim)
    exported = torch.export.export(network, (given,), dynamic_shapes=({0: torch.export.Dim("batch", min=2)},)).module()
    batch = torch.randn(3, 2, *(32,) * dim)
    with torch.no_grad():
        assert torch.allclose(exported(batch), network(batch), atol=1e-4)


def test_running_statistics_follow_the_last_tenth_of_the_batches() -> None:
    norm = nn.BatchNorm3d(1)
    for iteration in range(400):  # the mean drifts from 0 to 4
        set_momentum(norm, iteration)
        norm(torch.full((2, 1, 2, 2, 2), iteration / 100))
    assert norm.running_mean is not None
    assert norm.running_mean.item() == pytest.approx(4 - 400 / 10 / 100, abs=0.05)


def test_running_momentum_ends_at_a_hundredth() -> None:
    norm = nn.BatchNorm2d(1)
    momenta = []
    for iteration in (0, 10, 90, 990, 991, 5000):
        set_momentum(norm, iteration)
        momenta.append(norm.momentum)
    assert momenta == pytest.approx([1, 1 / 2, 1 / 10, 0.01, 0.01, 0.01])


def test_a_batch_norm_network_can_be_evaluated_after_a_few_iterations() -> None:
    network = small("unet3d", 3, {"width": 4, "norm": "batch"})
    x = torch.randn(4, 2, 16, 16, 32, generator=torch.Generator().manual_seed(0)) * 5 + 3
    with torch.no_grad():
        for iteration in range(3):
            set_momentum(network, iteration)
            trained = network.train()(x)
        evaluated = network.eval()(x)
    assert (trained - evaluated).abs().mean() < 0.05 * trained.abs().mean()  # unbiased variance against biased


def test_batch_normalisation_of_single_patches_can_be_evaluated() -> None:
    """As kits19 and V-Net train, one patch at a time: statistics of single patches still follow what comes."""
    network = small("unet3d", 3, {"width": 4, "norm": "batch"}, channels=1)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for iteration in range(120):
            set_momentum(network, iteration)
            x = torch.randn(1, 1, 16, 16, 17, generator=generator) * 5 + 3
            trained = network.train()(x)
        evaluated = network.eval()(x)
    assert torch.isfinite(evaluated).all()
    assert (trained - evaluated).abs().mean() < 0.2 * trained.abs().mean()
