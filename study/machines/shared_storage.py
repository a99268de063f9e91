"""Shared storage: only nodes that are proved to share the storage with the driver receive segments.

A study starts when all nodes share it. A later node is used once it is proved. A node that does not share the
storage is reserved completely, so that Ray places no segment there, and is asked again every minute.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from study.errors import MachineTroubleError
from study.events import OnEvent, Step
from study.machines.admission import Node
from study.machines.storage_proof import Flaw, StorageProof
from trainables.errors import InputError
from trainables.storage.folder import Storage
from trainables.storage.object_store import is_url, storage_at

AGAIN = 60.0  # seconds until a node that does not share the storage is asked again


class NodesSharing:
    """Callable that returns the nodes that share the storage.

    Args:
        look: Returns the current nodes; may raise.
        proof: Asks nodes, and reserves those that do not share the storage.
        known: Nodes that are proved already.
        tell: Receives events about nodes that do not share it.
        clock: Monotonic time in seconds.
    """

    def __init__(
        self,
        look: Callable[[], Sequence[Node]],
        proof: StorageProof,
        known: Sequence[Node],
        tell: OnEvent,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look, self._proof, self._tell, self._clock = look, proof, tell, clock
        self._sharing = {node.name for node in known}
        self._asked: set[str] = set()
        self._held: dict[str, tuple[Flaw, float]] = {}

    def __call__(self) -> tuple[Node, ...]:
        """Return the current nodes that share the storage.

        Raises:
            MachineTroubleError: There are nodes, and none of them shares it.
        """
        there = {node.name: node for node in self._look()}
        self._forget(there)
        if due := [node for name, node in there.items() if self._is_due(name)]:
            self._proof.ask(due)
            self._asked.update(node.name for node in due)
        if self._asked:
            self._judge(there)
        sharing = tuple(node for name, node in there.items() if name in self._sharing)
        if not sharing and self._held:
            flaw = next(iter(self._held.values()))[0]
            raise MachineTroubleError(f"{flaw}. Mend that, and give the same command again")
        return sharing

    def _is_due(self, name: str) -> bool:
        """Whether to ask a node: it is new, or its last negative answer is old enough."""
        if name in self._sharing or name in self._asked:
            return False
        return name not in self._held or self._clock() >= self._held[name][1] + AGAIN

    def _judge(self, there: Mapping[str, Node]) -> None:
        for name, flaw in self._proof.answers().items():
            self._asked.discard(name)
            if name not in there:
                continue
            known = self._held.get(name)
            if flaw is not None:
                self._held[name] = (flaw, self._clock())
                if known is None:
                    self._proof.hold(there[name])
                    self._tell(Step(f"{flaw}; it gets no work until it does"))
                continue
            self._sharing.add(name)
            if known is not None:
                del self._held[name]
                self._proof.release(name)
                self._tell(Step(known[0].mended))

    def _forget(self, there: Mapping[str, Node]) -> None:
        """Forget nodes that are gone; Ray never reuses a node's id."""
        self._sharing &= there.keys()
        self._asked &= there.keys()
        for name in self._held.keys() - there.keys():
            del self._held[name]
            self._proof.release(name)


@contextlib.contextmanager
def nodes_sharing(storage: Storage, look: Callable[[], Sequence[Node]], tell: OnEvent) -> Iterator[NodesSharing]:
    """Yield a `NodesSharing` for the time of the block, after proving the current nodes.

    Raises:
        InputError: A node does not share the storage.
    """
    there = look()
    prove_shared(storage, there)
    proof = StorageProof(storage)
    try:
        yield NodesSharing(look, proof, there, tell)
    finally:
        proof.close()


def prove_shared(storage: Storage, there: Sequence[Node]) -> None:
    """Prove that every node reads what the driver wrote, and the driver what every node wrote.

    A single node with a folder needs no proof.

    Raises:
        InputError: A node does not share the storage, or the storage cannot be written.
    """
    if len(there) < 2 and not is_url(storage.root):
        return
    proof = StorageProof(storage_at(storage.root, patience=0.0))
    try:
        proof.write()
    except OSError as error:
        raise InputError(f"storage {storage.root} cannot be written: {' '.join(str(error).split())[:300]}") from error
    try:
        proof.ask(there)
        for flaw in proof.answers(seconds=None).values():
            if flaw is not None:
                raise InputError(f"{flaw}. Give --storage a folder that all nodes mount, or leave that node out.")
    finally:
        proof.close()
