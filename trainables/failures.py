"""Classification of exceptions: caused by the trial, which is recorded as failed, or by the machine, and retried."""

import errno
import re
from typing import Literal

from trainables.errors import InputError

Memory = Literal["device", "host"]
Fault = Literal["trial", "device", "host", "machine"]

OUT_OF: dict[Memory, str] = {
    "device": "out of memory on the device: try a smaller patch or batch, or a larger share of the GPU",
    "host": "out of memory on the machine: try a smaller patch or batch, or more cores for a trial, so that fewer run",
}
"""The reason recorded for a trial that ran out of memory while no other trial shared the device."""

BROKEN_DEVICE = "the trial before it left the device unusable"
"""Message for a segment that was given to a process whose device an earlier trial left unusable."""

# After one of these errors the process cannot use the device any more.
_BROKEN_DEVICE = re.compile(
    r"CUDA error|CUDA driver|cuDNN error: CUDNN_STATUS_(INTERNAL|EXECUTION)|NCCL|ECC error|hipError"
)
_HOST_MEMORY = re.compile(r"can't allocate memory|DefaultCPUAllocator|Cannot allocate memory")
_SHARED_MEMORY = re.compile(r"shared memory")


def fault(error: BaseException) -> Fault:
    """Classify an exception.

    Returns:
        `trial`: its configuration or data, and it would happen again. `device` or `host`: that memory ran out, the
        trial's fault unless a neighbour held it. `machine`: full or lost disks, a broken device.
    """
    if (memory := out_of(error)) is not None:
        return memory
    if isinstance(error, OSError) or not isinstance(error, Exception):
        return "machine"
    if breaks_device(error):
        return "trial"
    if isinstance(error, RuntimeError) and (_BROKEN_DEVICE.search(str(error)) or _SHARED_MEMORY.search(str(error))):
        return "machine"
    return "trial"


def breaks_device(error: BaseException) -> bool:
    """Whether a kernel of the trial failed an assertion, after which its process cannot use the device any more."""
    return isinstance(error, RuntimeError) and "device-side assert" in str(error)


def out_of(error: BaseException) -> Memory | None:
    """Return which memory ran out; None for other errors."""
    import torch

    if isinstance(error, torch.OutOfMemoryError):
        return "device"
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return "host"
    if isinstance(error, RuntimeError):
        text = str(error)
        if _HOST_MEMORY.search(text):
            return "host"
        if "out of memory" in text:
            return "device"
    return None


def reason(error: Exception) -> str:
    """Return one line for a person, the same in every run and on every machine."""
    if (memory := out_of(error)) is not None:
        return OUT_OF[memory]
    lines = str(error).strip().splitlines()
    text = re.sub(r"\s+", " ", lines[0]).strip() if lines else ""
    if isinstance(error, InputError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
