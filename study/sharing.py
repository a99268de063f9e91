"""Shared storage, proved: a task on every node reads what the driver wrote, and the driver what the task wrote.

A study starts when all nodes do. One that joins later counts when it does; one that does not is held with all that it
has, so that Ray gives it no segment to fail, and is asked again every minute.
"""

import contextlib
import dataclasses
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.admission import Node
from study.bookkeeping import MachineTroubleError
from study.events import OnEvent, Step
from trainables.errors import InputError
from trainables.object_storage import is_url, storage_at
from trainables.storage import Storage

PROOF = "storage-proof"
AGAIN = 60.0  # seconds until a node that did not see the storage is asked again
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
