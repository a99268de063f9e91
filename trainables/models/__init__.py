"""The networks by name, how one is built from a seed, and what can be said about one before it is built."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from trainables import user_code
from trainables.errors import InputError
from trainables.models.enet import ENet
from trainables.models.monai_networks import attention_unet, dynunet, mednext, segresnet, unetplusplus
from trainables.models.monai_transformers import swin_unetr, unetr
from trainables.models.resunet3d import ResUNet3d
from trainables.models.segnet import SegNet
from trainables.models.unet import UNet
from trainables.models.unet3d import UNet3d
from trainables.models.vnet import VNet
from trainables.random_streams import seed_of

Builder = Callable[..., nn.Module]
"""`(in_channels, out_channels, dim, *, parameters) -> network`."""

MODELS: dict[str, Builder] = {
    "unet": UNet,
    "unet3d": UNet3d,
    "vnet": VNet,
    "segnet": SegNet,
    "enet": ENet,
    "resunet3d": ResUNet3d,
    "dynunet": dynunet,
    "segresnet": segresnet,
    "attention_unet": attention_unet,
    "unetplusplus": unetplusplus,
    "mednext": mednext,
    "swin_unetr": swin_unetr,
    "unetr": unetr,
}

DIMS: dict[str, tuple[int, ...]] = {
    "unet": (2,),
    "unet3d": (3,),
    "vnet": (2, 3),
    "segnet": (2,),
    "enet": (2,),
    "resunet3d": (3,),
    "dynunet": (2, 3),
    "segresnet": (2, 3),
    "attention_unet": (2, 3),
    "unetplusplus": (2, 3),
    "mednext": (2, 3),
    "swin_unetr": (2, 3),
    "unetr": (2, 3),
}
"""Dimensions of the images that a network takes."""

DIVISORS: dict[str, int] = {
    "unet": 16,
    "unet3d": 16,
    "vnet": 16,
    "segnet": 32,
    "enet": 8,
    "resunet3d": 8,
    "dynunet": 16,
    "segresnet": 8,
    "attention_unet": 16,
    "unetplusplus": 16,
    "mednext": 16,
    "swin_unetr": 32,
    "unetr": 16,
}
"""Patch sizes that are multiples of this waste nothing; others work, since halving rounds up."""

ONE_SIZE = ("swin_unetr", "unetr")
"""Networks that a study makes for its patch size alone: their builders take a `patch_size`."""


def build(
    name: str,
    *,
    in_channels: int,
    out_channels: int,
    dim: int,
    parameters: Mapping[str, Any],
    seed: int,
    patch_size: Sequence[int] | None = None,
) -> nn.Module:
    """A network on the CPU whose initial weights depend on nothing but its architecture and the seed.

    Args:
        name: Key of `MODELS`; any name where `parameters` has a `code`.
        in_channels: Channels of the images.
        out_channels: Classes, background included.
        dim: 2 or 3.
        parameters: Keyword arguments of the builder; `code` is the import path of the user's own builder.
        seed: The trial's seed; the weights draw from its stream `weights`.
        patch_size: Voxels of the images that it will see, `dim` of them; for `ONE_SIZE`, the others ignore it.

    Raises:
        InputError: The network does not exist, or not with these arguments.
        ValueError: It cannot do without `patch_size`.
    """
    rest = dict(parameters)
    path = rest.pop("code", None)
    if path is None:
        _check_name(name)
    builder = MODELS[name] if path is None else user_code.imported(path)
    if takes_one_size(name, parameters):
        rest["patch_size"] = patch_size
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_of(seed, "weights"))
        network = builder(in_channels, out_channels, dim, **rest)
    if not isinstance(network, nn.Module):
        raise InputError(f"models.{name}: {path} gives no torch.nn.Module but a {type(network).__name__}")
    return network


def check_patch(name: str, patch_size: Sequence[int], parameters: Mapping[str, Any] | None = None) -> None:
    """Refuses a patch that the network cannot learn from. Of the user's own network nothing is known.

    Args:
        name: The network.
        patch_size: Voxels of a patch.
        parameters: As for `build`.

    Raises:
        InputError: The network does not exist, the patch has the wrong number of sides, or only one voxel of it is
            left at the bottom of the network, where a normalisation has nothing to average over.
    """
    if "code" in (parameters or {}):
        return
    _check_name(name)
    if len(patch_size) not in DIMS[name]:
        fitting = [other for other, dims in DIMS.items() if len(patch_size) in dims]
        raise InputError(
            f"{name} takes images of {' or '.join(map(str, DIMS[name]))} dimensions, the patch has {len(patch_size)}; "
            f"use {' or '.join(fitting) or 'patches of 2 or 3 dimensions'}"
        )
    if max(patch_size) <= DIVISORS[name]:
        raise InputError(
            f"patch.size {list(patch_size)} is too small for {name}: at least one side must exceed {DIVISORS[name]}"
        )


def divisor_of(name: str, parameters: Mapping[str, Any]) -> int:
    """By how much a network shrinks its patch; 1 for the user's own, which takes the study's patches as they are."""
    return 1 if "code" in parameters else DIVISORS[name]


def takes_one_size(name: str, parameters: Mapping[str, Any]) -> bool:
    """Tell whether a network takes only images of the study's patch size; unknown for the user's own."""
    return name in ONE_SIZE and "code" not in parameters


def _check_name(name: str) -> None:
    if name not in MODELS:
        raise InputError(f"no network named {name!r}; there are {', '.join(MODELS)}")


__all__ = ["DIMS", "DIVISORS", "MODELS", "ONE_SIZE", "Builder", "build", "check_patch", "divisor_of", "takes_one_size"]
