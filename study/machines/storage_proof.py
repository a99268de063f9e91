"""."""

import contextlib
import dataclasses
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.machines.admission import Node
from trainables.storage.folder import Storage
from trainables.storage.object_store import storage_at

PROOF = "storage-proof"


MOMENT = 2.0  # seconds that answers are waited for at each look


@dataclasses.dataclass(frozen=True, slots=True)
class Flaw:
    """Why a storage is not shared: which storage, with whom, and what was seen."""

    storage: str
    host: str
    seen: str

    def __str__(self) -> str:
        return f"storage {self.storage} is not shared with {self.host}: {self.seen}"

    @property
    def mended(self) -> str:
        """What to say when it is gone."""
        return f"storage {self.storage} is now shared with {self.host}"


class Proofs(Protocol):
    """Who asks nodes, and holds those that do not see the storage."""

    def ask(self, there: Sequence[Node]) -> None:
        """Begins to ask nodes."""

    def answers(self) -> Mapping[str, Flaw | None]:
        """What nodes have answered since: name → what is wrong, or None."""

    def hold(self, node: Node) -> None:
        """Takes all that a node has."""

    def release(self, name: str) -> None:
        """Lets go of it."""


class Round:
    """One word of the driver's in the storage, and what nodes make of it.

    Args:
        storage: Where.

    Attributes:
        open: Who has been asked and not heard, by name.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage, self._word = storage, secrets.token_hex(8)
        self.open: dict[str, Any] = {}
        storage.write(f"{PROOF}/{self._word}/driver", self._word.encode())

    def ask(self, node: Node) -> Any:
        """Begins to ask a node; the answer's reference."""
        there = NodeAffinitySchedulingStrategy(node_id=node.name, soft=False)
        self.open[node.name] = _prove.options(scheduling_strategy=there).remote(
            self._storage.root, self._word, node.name
        )
        return self.open[node.name]

    def flaw(self, name: str) -> Flaw | None:
        """A node's answer, waited for: what is wrong, or None.

        Raises:
            RayError: The node died.
        """
        host, seen = ray.get(self.open.pop(name))
        if seen and self._storage.has(f"{PROOF}/{self._word}/{name}"):
            return None
        what = "what it writes there is not seen here" if seen else "it does not see what is written here"
        return Flaw(self._storage.root, host, what)

    def close(self) -> None:
        """Nobody is asked any more."""
        self._storage.remove(f"{PROOF}/{self._word}")


class RayProofs:
    """`Proofs` by Ray's tasks; nodes are held by actors.

    Args:
        storage: What they are to see.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._asked: dict[str, tuple[Round, Any]] = {}
        self._unasked: dict[str, Flaw] = {}
        self._holders: dict[str, Any] = {}

    def ask(self, there: Sequence[Node]) -> None:
        """See `Proofs`."""
        try:
            asked = Round(self._storage)
        except OSError as error:
            self._unasked.update({node.name: self._away(node.name, error) for node in there})
            return
        for node in there:
            self._asked[node.name] = (asked, asked.ask(node))

    def answers(self) -> Mapping[str, Flaw | None]:
        """See `Proofs`; waits for them a moment."""
        found: dict[str, Flaw | None] = dict(self._unasked)
        self._unasked.clear()
        names = {reference: name for name, (_, reference) in self._asked.items()}
        if names:
            for reference in ray.wait(list(names), num_returns=len(names), timeout=MOMENT)[0]:
                name = names[reference]
                asked, _ = self._asked.pop(name)
                try:
                    found[name] = asked.flaw(name)
                except (RayError, OSError) as error:
                    found[name] = self._away(name, error)
                if not asked.open:
                    _closed(asked)
        return found

    def hold(self, node: Node) -> None:
        """See `Proofs`."""
        there = NodeAffinitySchedulingStrategy(node_id=node.name, soft=False)
        options = {"num_cpus": node.cpu, "num_gpus": node.gpu, "scheduling_strategy": there}
        self._holders[node.name] = _Holder.options(**options).remote()  # type: ignore[attr-defined]  # Ray types no actor class

    def release(self, name: str) -> None:
        """See `Proofs`."""
        ray.kill(self._holders.pop(name))

    def close(self) -> None:
        """Nobody is asked or held any more."""
        for asked, _ in self._asked.values():
            _closed(asked)
        for name in list(self._holders):
            self.release(name)

    def _away(self, name: str, error: Exception) -> Flaw:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        return Flaw(self._storage.root, f"node {name[:8]}", said)


def _closed(asked: Round) -> None:
    with contextlib.suppress(OSError):  # a few bytes stay where the storage is away
        asked.close()


@ray.remote
class _Holder:
    """Does nothing, with all that a node has."""


@ray.remote(num_cpus=0)
def _prove(root: str, word: str, name: str) -> tuple[str, bool]:
    import socket

    storage = storage_at(root)
    seen = storage.has(f"{PROOF}/{word}/driver")
    try:
        storage.write(f"{PROOF}/{word}/{name}", b"")
    except OSError:
        seen = False
    return socket.gethostname(), seen
