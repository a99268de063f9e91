"""The machines: what Ray has, what this one has, and whether all of them see the storage."""

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.admission import Node
from study.bookkeeping import MachineTroubleError
from trainables.errors import InputError
from trainables.object_storage import is_url, storage_at
from trainables.storage import Storage

PROOF = "storage-proof"


def this_machine() -> Node:
    """What an embedded Ray on this machine has; asked without starting one."""
    from ray._private.utils import get_num_cpus

    cores = int(get_num_cpus(override_docker_cpu_warning=True))
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    return Node("this machine", max(1, cores), _gpus())


def _gpus() -> int:
    """What PyTorch can use: a GPU that it has no build for does not count."""
    import torch

    return torch.cuda.device_count()


def nodes() -> tuple[Node, ...]:
    """The nodes that Ray has now, by name."""
    found = [
        Node(node["NodeID"], node["Resources"].get("CPU", 0.0), int(node["Resources"].get("GPU", 0)))
        for node in ray.nodes()
        if node["Alive"]
    ]
    return tuple(sorted(found))


@contextlib.contextmanager
def machines(address: str | None) -> Iterator[tuple[Node, ...]]:
    """Where a study is going to run: this machine, or the nodes of a cluster, which is joined while the block runs.

    Raises:
        InputError: There is no cluster at the address, or it has no node.
    """
    if address is None:
        yield (this_machine(),)
        return
    from study.ray_session import quiet, session, settings

    with settings(), quiet(), session(address, this_machine()):
        if not (there := nodes()):
            raise InputError(f"--ray {address}: the cluster has no node. Start Ray on one: ray start --address=…")
        yield there


def own_nodes() -> tuple[Node, ...]:
    """`nodes` of a Ray that this run started: where none is left, nothing brings one back.

    Raises:
        MachineTroubleError: Ray died.
    """
    if there := nodes():
        return there
    raise MachineTroubleError(
        "Ray's own processes on this machine were killed or died; its memory may have run out. Nothing is lost: give "
        "the same command again"
    )


def prove_shared(storage: Storage, there: Sequence[Node]) -> None:
    """Proves that every node reads what the driver wrote and the driver what every node wrote.

    One node with a folder needs no proof.

    Raises:
        InputError: A node does not, or an object store takes nothing.
    """
    if len(there) < 2 and not is_url(storage.root):
        return
    word = secrets.token_hex(8)
    try:
        storage.write(f"{PROOF}/{word}/driver", word.encode())
    except OSError as error:
        raise InputError(f"storage {storage.root} cannot be written: {' '.join(str(error).split())[:300]}") from error
    proofs = {
        node.name: _prove.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node_id=node.name, soft=False)
        ).remote(storage.root, word, node.name)
        for node in there
    }
    try:
        for name, proof in proofs.items():
            host, seen = ray.get(proof)
            if not seen or not storage.has(f"{PROOF}/{word}/{name}"):
                flaw = "what it writes there is not seen here" if seen else "it does not see what is written here"
                raise InputError(
                    f"storage {storage.root} is not shared with {host}: {flaw}. "
                    "Give --storage a folder that all nodes mount, or leave that node out."
                )
    finally:
        storage.remove(f"{PROOF}/{word}")


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
