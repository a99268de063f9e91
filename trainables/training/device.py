"""What a segment does with its process's devices: threads and memory set before, told and released after."""

import gc
import socket

from trainables.trial import TrialSpec

BESIDE = 600 * 2**20
"""Bytes of a process on a GPU that PyTorch does not count: the driver's context and its libraries' kernels."""


class NoGpuError(OSError):
    """A worker that was to have a GPU finds none: the machine's fault. It would train a hundred times slower unseen."""


def claim(spec: TrialSpec, gpu: float) -> None:
    """Fixes the number of threads, on which sums depend, and keeps a share of a GPU to its share of the memory.

    Raises:
        NoGpuError: The trial has a share of a GPU and PyTorch finds none.
    """
    import torch

    torch.set_num_threads(spec.threads)
    if spec.gpu:
        if not torch.cuda.is_available():
            raise NoGpuError(
                f"{spec.key} has a GPU on {socket.gethostname()} and PyTorch finds none there; install PyTorch with "
                "CUDA and a driver, or set resources.gpu to 0"
            )
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(memory_fraction(gpu, total))
        torch.cuda.reset_peak_memory_stats()


def memory_fraction(gpu: float, total: int) -> float:
    """What PyTorch may take of a GPU's memory: the trial's share without what its process takes beside.

    Args:
        gpu: The trial's share of the GPU; 1 or more is the whole.
        total: Bytes of the GPU's memory.
    """
    return 1.0 if gpu >= 1 else max(gpu / 2, gpu - BESIDE / total)


def name(spec: TrialSpec) -> str:
    """`cpu`, or the GPU's name."""
    import torch

    return str(torch.cuda.get_device_name()) if spec.gpu and torch.cuda.is_available() else "cpu"


def peak_bytes(spec: TrialSpec) -> int:
    """Greatest device memory in use since `claim`; 0 on the CPU."""
    import torch

    return int(torch.cuda.max_memory_allocated()) if spec.gpu and torch.cuda.is_available() else 0


def release() -> None:
    """Gives memory back that nothing refers to any more.

    What is there when the first segment has ended (modules, classes) stays as long as the process: later collections
    leave it out, and take a millisecond instead of a tenth of a second.
    """
    import torch

    gc.collect()
    if not gc.get_freeze_count():
        gc.freeze()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()
