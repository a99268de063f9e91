"""Kernels whose sums have a fixed order and no others, while a training asks for it."""

import contextlib
import os
from collections.abc import Iterator

import torch
import torch.utils.deterministic as memory

from trainables.errors import InputError

_NONE = "does not have a deterministic implementation"


def settle_workspaces() -> None:
    """Lets cuBLAS have workspaces of a fixed kind, without which its sums differ between streams.

    To be called before the process's first matrix product on a GPU; what the user has set stays.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


@contextlib.contextmanager
def only_deterministic(asked: bool, network: str) -> Iterator[None]:
    """PyTorch takes deterministic kernels in here, or raises where an operation has none; then all is as before.

    On a CPU with a fixed number of threads that changes no number: all its kernels are. On a GPU the same training
    gives the same bits again on the same model of GPU with the same versions.

    Args:
        asked: Whether to do anything.
        network: Whose operations they are, for the message.

    Raises:
        InputError: An operation of the network or the loss has no deterministic kernel on this device.
    """
    if not asked:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = memory.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True)
    # what finds uninitialised memory would cost a write of every tensor
    memory.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    except RuntimeError as error:
        if _NONE not in str(error):
            raise
        operation = str(error).split(_NONE)[0].strip()
        raise InputError(
            f"training.deterministic: {operation} of {network} or its loss has no deterministic kernel on this device; "
            "choose another network or loss, or leave the key out"
        ) from error
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        memory.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
