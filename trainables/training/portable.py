"""Portable numbers: CPU kernels held to instructions that every x86-64 processor with AVX2 has.

PyTorch, oneDNN and MKL choose kernels by the processor: AVX-512 and AVX2 sum in other orders, and a training ends with
other weights. A portable training computes the same bits on every such processor: PyTorch's own kernels are held to
AVX2 and MKL to its compatible mode by the environment, which is read once when PyTorch is loaded; oneDNN, whose limit
still lets it choose by cache sizes and cores, is not used.
"""

import os
import platform
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

from trainables.errors import InputError

CAPABILITY = "AVX2"

ENVIRONMENT: Mapping[str, str] = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "DNNL_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
}
"""What a worker's environment must hold before PyTorch is loaded. FBGEMM and NNPACK are off by `hold`."""


def prepare(environment: MutableMapping[str, str]) -> None:
    """Set the variables of a portable training in a process's environment, before it loads PyTorch."""
    environment.update(ENVIRONMENT)


def refuse_other(capability: str, machine: str) -> None:
    """Refuse a process whose kernels are not those of a portable training.

    Args:
        capability: `torch.backends.cpu.get_cpu_capability()`.
        machine: `platform.machine()`.

    Raises:
        InputError: The processor lacks AVX2, or PyTorch was loaded before the environment was set.
    """
    if machine.lower() not in ("x86_64", "amd64"):
        raise InputError(
            f"training.portable: expected an x86-64 processor, found {machine}: its kernels give other numbers; leave "
            "the key out, or train on x86-64"
        )
    if capability != CAPABILITY:
        wanted = " ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())
        raise InputError(
            f"training.portable: expected kernels of {CAPABILITY}, found {capability}: set {wanted} in the environment "
            "of the workers before they start, or leave the key out"
        )


@contextmanager
def held(portable: bool) -> Iterator[None]:
    """Keep oneDNN and NNPACK out of a block, where a portable training runs in it.

    Args:
        portable: Whether the training is portable; False makes the block do nothing.

    Raises:
        InputError: This process cannot compute portable numbers.
    """
    if not portable:
        yield
        return
    import torch

    refuse_other(torch.backends.cpu.get_cpu_capability(), platform.machine())
    before = torch.backends.mkldnn.enabled, os.environ.get("MKL_CBWR")
    with torch.backends.mkldnn.flags(enabled=False), torch.backends.nnpack.flags(enabled=False):
        yield
    assert torch.backends.mkldnn.enabled == before[0]
