"""Proof of shared storage: tasks on other nodes read a file of the driver and write one that the driver reads."""

import contextlib
import dataclasses
import secrets
from collections.abc import Sequence
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.machines.admission import Node
from trainables.storage.folder import Storage
from trainables.storage.object_store import storage_at

PROOF = "storage-proof"
ANSWER_SECONDS = 2.0  # to wait for answers each time


@dataclasses.dataclass(frozen=True, slots=True)
class Flaw:
    """Why a storage is not shared with a node.

    Attributes:
        storage: Root of the storage.
        host: The node's host name, or its id if it did not answer.
        seen: The observation.
    """

    storage: str
    host: str
    seen: str

    def __str__(self) -> str:
        return f"storage {self.storage} is not shared with {self.host}: {self.seen}"

    @property
    def mended(self) -> str:
        """Text for the time when the flaw is gone."""
        return f"storage {self.storage} is now shared with {self.host}"


class StorageProof:
    """Asks nodes whether they share a storage with the driver, and reserves the nodes that do not.

    Args:
        storage: The storage.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._folder = f"{PROOF}/{secrets.token_hex(8)}"
        self._asked: dict[Any, tuple[str, str]] = {}
        """Task → (node, file that the node writes)."""
        self._failed: dict[str, Flaw] = {}
        self._holders: dict[str, Any] = {}

    def write(self) -> None:
        """Write the driver's file.

        Raises:
            OSError: The storage cannot be written.
        """
        self._storage.write(f"{self._folder}/driver", b"")

    def ask(self, nodes: Sequence[Node]) -> None:
        """Start a task on each node."""
        try:
            self.write()
        except OSError as error:
            self._failed.update({node.name: self._no_answer(node.name, error) for node in nodes})
            return
        for node in nodes:
            file = f"{self._folder}/{secrets.token_hex(8)}"
            task = _prove.options(scheduling_strategy=_on(node)).remote(self._storage.root, self._folder, file)
            self._asked[task] = node.name, file

    def answers(self, seconds: float | None = ANSWER_SECONDS) -> dict[str, Flaw | None]:
        """Return what nodes answered since the last call: node → flaw, or None for a node that shares the storage.

        Args:
            seconds: Maximum waiting time; None waits for all.
        """
        found: dict[str, Flaw | None] = dict(self._failed)
        self._failed.clear()
        ready = ray.wait(list(self._asked), num_returns=len(self._asked), timeout=seconds)[0] if self._asked else []
        for task in ready:
            name, file = self._asked.pop(task)
            try:
                host, seen = ray.get(task)
                found[name] = self._flaw(host, seen, file)
            except (RayError, OSError) as error:
                found[name] = self._no_answer(name, error)
        return found

    def hold(self, node: Node) -> None:
        """Reserve all resources of a node."""
        options = {"num_cpus": node.cpu, "num_gpus": node.gpu, "scheduling_strategy": _on(node)}
        self._holders[node.name] = _Holder.options(**options).remote()  # type: ignore[attr-defined]  # Ray types no actor class

    def release(self, name: str) -> None:
        """Free the resources of a node."""
        ray.kill(self._holders.pop(name))

    def close(self) -> None:
        """Remove the files and free all nodes."""
        with contextlib.suppress(OSError):  # a few bytes stay if the storage is unavailable
            self._storage.remove(self._folder)
        for name in list(self._holders):
            self.release(name)

    def _flaw(self, host: str, seen: bool, file: str) -> Flaw | None:
        if seen and self._storage.has(file):
            return None
        what = "what it writes there is not seen here" if seen else "it does not see what is written here"
        return Flaw(self._storage.root, host, what)

    def _no_answer(self, name: str, error: Exception) -> Flaw:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        return Flaw(self._storage.root, f"node {name[:8]}", said)


def _on(node: Node) -> NodeAffinitySchedulingStrategy:
    return NodeAffinitySchedulingStrategy(node_id=node.name, soft=False)


@ray.remote
class _Holder:
    """Occupies all resources of a node and does nothing."""


@ray.remote(num_cpus=0)
def _prove(root: str, folder: str, file: str) -> tuple[str, bool]:
    import socket

    storage = storage_at(root)
    seen = storage.has(f"{folder}/driver")
    try:
        storage.write(file, b"")
    except OSError:
        seen = False
    return socket.gethostname(), seen
