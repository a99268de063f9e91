"""Shared storage, proved: a task on every node reads what the driver wrote, and the driver what the task wrote.

A study starts when all nodes do. One that joins later counts when it does; one that does not is held with all that it
has, so that Ray gives it no segment to fail, and is asked again every minute.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from study.errors import MachineTroubleError
from study.events import OnEvent, Step
from study.machines.admission import Node
from study.machines.storage_proof import Flaw, Proofs, RayProofs, Round
from trainables.errors import InputError
from trainables.storage.folder import Storage
from trainables.storage.object_store import is_url, storage_at

AGAIN = 60.0  # seconds until a node that did not see the storage is asked again


class Sharing:
    """The nodes that see the storage, as a look around.

    Args:
        look: What nodes there are; may raise.
        proofs: Who asks them.
        known: Those that were proved before.
        tell: Hears of nodes that do not see it.
        clock: Seconds.
    """

    def __init__(
        self,
        look: Callable[[], Sequence[Node]],
        proofs: Proofs,
        known: Sequence[Node],
        tell: OnEvent,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look, self._proofs, self._tell, self._clock = look, proofs, tell, clock
        self._sharing = {node.name for node in known}
        self._asked: set[str] = set()
        self._held: dict[str, tuple[Flaw, float]] = {}

    def __call__(self) -> tuple[Node, ...]:
        """The nodes that there are now and that see the storage.

        Raises:
            MachineTroubleError: There are some, and none of them does.
        """
        there = {node.name: node for node in self._look()}
        self._forget(there)
        if due := [node for name, node in there.items() if self._is_due(name)]:
            self._proofs.ask(due)
            self._asked.update(node.name for node in due)
        if self._asked:
            self._judge(there)
        sharing = tuple(node for name, node in there.items() if name in self._sharing)
        if not sharing and self._held:
            flaw = next(iter(self._held.values()))[0]
            raise MachineTroubleError(f"{flaw}. Mend that, and give the same command again")
        return sharing

    def _is_due(self, name: str) -> bool:
        """Whether a node is to be asked: it is new, or its last answer was long ago and bad."""
        if name in self._sharing or name in self._asked:
            return False
        return name not in self._held or self._clock() >= self._held[name][1] + AGAIN

    def _judge(self, there: Mapping[str, Node]) -> None:
        for name, flaw in self._proofs.answers().items():
            self._asked.discard(name)
            if name not in there:
                continue
            known = self._held.get(name)
            if flaw is not None:
                self._held[name] = (flaw, self._clock())
                if known is None:
                    self._proofs.hold(there[name])
                    self._tell(Step(f"{flaw}; it gets no work until it does"))
                continue
            self._sharing.add(name)
            if known is not None:
                del self._held[name]
                self._proofs.release(name)
                self._tell(Step(known[0].mended))

    def _forget(self, there: Mapping[str, Node]) -> None:
        """What is known of nodes that are gone; Ray never gives a name twice."""
        self._sharing &= there.keys()
        self._asked &= there.keys()
        for name in self._held.keys() - there.keys():
            del self._held[name]
            self._proofs.release(name)


@contextlib.contextmanager
def sharing(storage: Storage, look: Callable[[], Sequence[Node]], tell: OnEvent) -> Iterator[Sharing]:
    """A look around for the time of the block, whose first nodes are proved by now.

    Raises:
        InputError: One of them does not see the storage.
    """
    there = look()
    prove_shared(storage, there)
    proofs = RayProofs(storage)
    try:
        yield Sharing(look, proofs, there, tell)
    finally:
        proofs.close()


def prove_shared(storage: Storage, there: Sequence[Node]) -> None:
    """Proves that every node reads what the driver wrote and the driver what every node wrote.

    One node with a folder needs no proof.

    Raises:
        InputError: A node does not, or an object store takes nothing.
    """
    if len(there) < 2 and not is_url(storage.root):
        return
    try:
        asked = Round(storage_at(storage.root, patience=0.0))
    except OSError as error:
        raise InputError(f"storage {storage.root} cannot be written: {' '.join(str(error).split())[:300]}") from error
    try:
        for node in there:
            asked.ask(node)
        for node in there:
            if (flaw := asked.flaw(node.name)) is not None:
                raise InputError(f"{flaw}. Give --storage a folder that all nodes mount, or leave that node out.")
    finally:
        asked.close()
