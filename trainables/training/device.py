"""The devices of a worker process: threads and memory limits set before a segment, memory reported and freed after."""

import gc
import socket

from trainables.trial import TrialSpec

BESIDE = 600 * 2**20
"""Bytes of a process on a GPU that PyTorch does not count: driver context and kernels of libraries."""


class NoGpuError(OSError):
    """A worker was assigned a GPU and finds none: a fault of the machine. The CPU would be far slower, unnoticed."""


def claim(spec: TrialSpec, gpu: float) -> None:
    """Set the number of threads, on which sums depend, and limit GPU memory to the trial's share.

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
    """Return the fraction of a GPU's memory for PyTorch: the trial's share minus the process's other memory.

    Args:
        gpu: The trial's share of the GPU; 1 or more is the whole.
        total: Bytes of the GPU's memory.
    """
    return 1.0 if gpu >= 1 else max(gpu / 2, gpu - BESIDE / total)


def name(spec: TrialSpec) -> str:
    """Return `cpu`, or the GPU's name."""
    import torch

    return str(torch.cuda.get_device_name()) if spec.gpu and torch.cuda.is_available() else "cpu"


def peak_bytes(spec: TrialSpec) -> int:
    """Return the greatest device memory in use since `claim`, in bytes; 0 on the CPU."""
    import torch

    return int(torch.cuda.max_memory_allocated()) if spec.gpu and torch.cuda.is_available() else 0


def release() -> None:
    """Free memory that nothing refers to any more.

    Objects that exist when the first segment has ended (modules, classes) live as long as the process: later garbage
    collections skip them, and take 1 ms instead of 100 ms.
    """
    import torch

    gc.collect()
    if not gc.get_freeze_count():
        gc.freeze()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()
