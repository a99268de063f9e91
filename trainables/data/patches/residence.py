"""Residence: whether a trial's cases are held on the device, in pinned host memory, or memory-mapped."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from trainables.data.cache.cache import Dataset

Home = Literal["device", "pinned", "mapped"]
DEVICE_SHARE = 0.35
"""Share of a trial's device memory for its cases; the rest is the network's, whose need is not known beforehand."""
HOST_SHARE = 0.125
"""Share of the free host memory for one trial's cases: others train beside it, and pinned memory is never swapped."""


@dataclasses.dataclass(frozen=True, eq=False)
class Held:
    """A case in memory.

    Attributes:
        image: float32 `(channel, *spatial)`, scaled as the trial sees it.
        label: uint8 `(*spatial)`.
        components: int32 `(*spatial)`, or nothing where lesions are not asked for.
        padding: For each channel what stands beyond the edges.
    """

    image: Tensor
    label: Tensor
    components: Tensor
    padding: tuple[float, ...]


def home(needed: int, *, gpu: bool, device_bytes: int, host_bytes: int) -> Home:
    """Choose where cases of a size in bytes are held: on the device, else in pinned host memory, else memory-mapped.

    On the CPU they stay mapped: trials on one machine share the pages, and a copy would gain nothing.

    Args:
        needed: Bytes of all training cases.
        gpu: Whether the network is on a GPU.
        device_bytes: The trial's share of the GPU's memory.
        host_bytes: Host memory that is free.
    """
    if not gpu:
        return "mapped"
    if needed <= DEVICE_SHARE * device_bytes:
        return "device"
    return "pinned" if needed <= HOST_SHARE * host_bytes else "mapped"


def home_of(dataset: Dataset, cases: Sequence[str], device: torch.device, *, lesions: bool, share: float) -> Home:
    """Call `home` for these cases on this machine.

    Args:
        dataset: Where the cases are.
        cases: Names of those that are trained on.
        device: The network's.
        lesions: Whether lesion numbers are needed too.
        share: Fraction of the GPU, in (0, 1].
    """
    gpu = device.type == "cuda"
    total = torch.cuda.get_device_properties(device).total_memory if gpu else 0
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if gpu else 0
    needed = bytes_of(dataset, cases, lesions=lesions) if gpu else 0
    return home(needed, gpu=gpu, device_bytes=int(min(share, 1.0) * total), host_bytes=free)


def bytes_of(dataset: Dataset, cases: Sequence[str], *, lesions: bool) -> int:
    """Return the bytes that `hold` takes for these cases."""
    found = (dataset.cases[name] for name in cases)
    return sum(case.label.size * (4 * len(case.image) + 1 + 4 * lesions) for case in found)


def hold(
    dataset: Dataset, cases: Sequence[str], device: torch.device, *, lesions: bool, pinned: bool = False
) -> Mapping[str, Held]:
    """Load the cases as tensors.

    Args:
        dataset: Where the cases are.
        cases: Names of those that are trained on.
        device: Where they shall be.
        lesions: Whether lesion numbers are needed too.
        pinned: Whether they shall lie in memory from which a GPU can copy by itself; `device` is then the CPU.
    """

    def taken(array: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(np.array(array))  # a copy: what is mapped is read-only
        return tensor.pin_memory() if pinned else tensor.to(device)

    held = {}
    for name in dict.fromkeys(cases):
        case = dataset.cases[name]
        numbers = taken(case.components) if lesions else torch.empty(0, dtype=torch.int32)
        held[name] = Held(taken(np.asarray(case.image)), taken(case.label), numbers, tuple(case.padding))
    return held
