"""Deterministic kernels: only those whose sums have a fixed order, while a training asks for it."""

import contextlib
import os
from collections.abc import Iterator

import torch
import torch.utils.deterministic as memory

from trainables.errors import InputError

_NONE = "does not have a deterministic implementation"


def settle_workspaces() -> None:
    """Give cuBLAS a fixed workspace, without which its sums differ between streams.

    Call it before the process's first matrix product on a GPU. A value that the user set stays.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


@contextlib.contextmanager
def only_deterministic(asked: bool, network: str) -> Iterator[None]:
    """Allow only deterministic kernels inside the block; the setting before is restored afterwards.

    On a CPU with a fixed number of threads this changes nothing: all CPU kernels are deterministic. On a GPU, the same
    training gives the same bits on the same GPU model with the same library versions.

    Args:
        asked: False makes the block do nothing.
        network: Name of the network, for the message.

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
