"""Whose fault an exception is: the trial's, which the ledger then records, or the machine's, and it is tried again."""

import re
from typing import Literal

from trainables.errors import InputError

Fault = Literal["trial", "memory", "machine"]

# A device that answered with one of these answers nothing any more in this process.
_BROKEN_DEVICE = re.compile(
    r"CUDA error|CUDA driver|cuDNN error: CUDNN_STATUS_(INTERNAL|EXECUTION)|NCCL|ECC error|device-side assert|hipError"
)
_HOST_MEMORY = re.compile(r"can't allocate memory|DefaultCPUAllocator|Cannot allocate memory|shared memory")


def fault(error: BaseException) -> Fault:
    """Who is to blame.

    Returns:
        `trial`: its configuration or data, and it would happen again. `memory`: the device's memory ran out, the
        trial's fault unless a neighbour held it. `machine`: full or lost disks, the host's memory, a broken device.
    """
    import torch

    if isinstance(error, torch.OutOfMemoryError):
        return "memory"
    if isinstance(error, (OSError, MemoryError)) or not isinstance(error, Exception):
        return "machine"
    if isinstance(error, RuntimeError):
        text = str(error)
        if "out of memory" in text and not _HOST_MEMORY.search(text):
            return "memory"
        if _BROKEN_DEVICE.search(text) or _HOST_MEMORY.search(text):
            return "machine"
    return "trial"


def reason(error: Exception) -> str:
    """One line for a person, the same whenever and wherever the trial fails in this way."""
    if fault(error) == "memory":
        return "out of memory on the device: try a smaller patch or batch, or a larger share of the GPU"
    lines = str(error).strip().splitlines()
    text = re.sub(r"\s+", " ", lines[0]).strip() if lines else ""
    if isinstance(error, InputError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
