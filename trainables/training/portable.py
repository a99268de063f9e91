"""Portable numbers: CPU kernels held to instructions that every x86-64 processor with AVX2 has.

PyTorch, oneDNN, MKL, NumPy and OpenBLAS choose kernels by the processor: those of AVX-512 and of AVX2 sum in other
orders, and a training ends with other weights. A portable training computes the same bits on every such processor:
PyTorch's own kernels are those of AVX2, MKL's those of its compatible mode, both by the environment, which has to be
set before a process loads them; oneDNN and NNPACK, which cannot be held, are off.
"""

import platform
from collections.abc import Mapping

from trainables.errors import InputError

CAPABILITY = "AVX2"

ENVIRONMENT: Mapping[str, str] = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
}
"""Environment variables of a worker of a portable study, before it loads NumPy or PyTorch. NumPy passes over names of
features that its version does not know."""


def hold(portable: bool) -> None:
    """Switch oneDNN and NNPACK of this process off for a portable training, and on for any other.

    Args:
        portable: Whether the training to come is portable.

    Raises:
        InputError: This process cannot compute portable numbers.
    """
    import torch

    if portable:
        refuse_other(torch.backends.cpu.get_cpu_capability(), platform.machine())
    torch._C._set_mkldnn_enabled(not portable)
    torch._C._set_nnpack_enabled(not portable)


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
        wanted = " ".join(f"{name}={value!r}" for name, value in ENVIRONMENT.items())
        raise InputError(
            f"training.portable: expected kernels of {CAPABILITY}, found {capability}: start the workers with {wanted} "
            "in their environment, on processors with AVX2, or leave the key out"
        )
