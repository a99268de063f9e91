"""Machine: what a segment's numbers depend on beside its trial: processor, oneDNN, GPU, library versions, user code.

Equal seeds give equal bits where `kind` is equal. Other processors, GPUs and versions choose other kernels, which sum
in other orders, and a training that depends on a rounding ends elsewhere.
"""

import contextlib
import importlib.metadata
import os
import platform
from collections.abc import Iterator, Mapping
from typing import Any

from trainables import user_code
from trainables.errors import InputError
from trainables.trial import TrialSpec

PACKAGES = ("torch", "monai", "numpy", "segstudy")


def machine(spec: TrialSpec) -> dict[str, Any]:
    """Return what this process computes the trial with: plain JSON, see the keys below.

    Keys: `cpu_capability` (the instruction set of PyTorch's kernels), `onednn_isa` (the limit of the environment, or
    `ALL`), `onednn` (whether it is used), `machine` (`x86_64`, …), `threads`, `gpu` (name, "" on the CPU), `portable`,
    `versions` (by package, with `python` and `cuda`; "" where it is not installed), `code` (`user_code.digests`).
    """
    found = here(gpu=bool(spec.gpu), portable=spec.portable)
    return {**found, "threads": spec.threads, "code": user_code.digests(_code_of(spec))}


def here(*, gpu: bool, portable: bool) -> dict[str, Any]:
    """Return what a process on this machine computes any trial with: `machine` without `threads` and `code`.

    Args:
        gpu: Whether trials use a GPU, if there is one.
        portable: Whether trials are portable.
    """
    import torch

    on_gpu = gpu and torch.cuda.is_available()
    mkldnn = torch.backends.mkldnn
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or "ALL"
    return {
        "cpu_capability": str(torch.backends.cpu.get_cpu_capability()),
        "onednn_isa": limit.upper(),
        "onednn": bool(mkldnn.is_available() and mkldnn.enabled and not portable),  # type: ignore[no-untyped-call]
        "machine": platform.machine(),
        "gpu": str(torch.cuda.get_device_name()) if on_gpu else "",
        "portable": portable,
        "versions": {
            "python": platform.python_version(),
            "cuda": str(torch.version.cuda or ""),
            **{package: version(package) for package in PACKAGES},
        },
    }


def machine_after_failure(spec: TrialSpec | None) -> dict[str, Any]:
    """Return `machine`, or {} where it cannot tell any more: a broken device answers nothing, user code may be gone."""
    with contextlib.suppress(RuntimeError, InputError):
        return {} if spec is None else machine(spec)
    return {}


def kind(machine: Mapping[str, Any]) -> str:
    """Return one line for what decides the numbers; "" where nothing is known.

    Args:
        machine: As `machine` gives it, or the ledger.
    """
    if not machine:
        return ""
    versions = machine["versions"]
    with_cuda = f", CUDA {versions['cuda']}" if machine["gpu"] else ""
    return f"{hardware(machine)}, torch {versions['torch']}{with_cuda}"


def hardware(machine: Mapping[str, Any]) -> str:
    """Return `kind` without versions: the GPU, or the processor's kernels; "" where nothing is known."""
    if not machine:
        return ""
    if machine["gpu"]:
        return str(machine["gpu"])
    if machine["portable"]:
        return "portable"
    limit = "" if machine["onednn_isa"] == "ALL" else f", oneDNN at most {machine['onednn_isa']}"
    return f"{machine['machine']} {machine['cpu_capability']}{limit}"


def version(package: str) -> str:
    """Return the installed version of a package; "" where there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _code_of(spec: TrialSpec) -> Iterator[str]:
    """Import paths of the user's own network and loss."""
    for parameters in (spec.model_parameters, spec.loss_parameters):
        if "code" in parameters:
            yield str(parameters["code"])
