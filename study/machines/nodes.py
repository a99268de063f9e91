"""Nodes: the machines of a Ray cluster, and this machine."""

import contextlib
import os
from collections.abc import Iterator

import ray

from study.addresses import shown
from study.errors import MachineTroubleError
from study.machines.admission import Node
from trainables.errors import InputError


def this_machine() -> Node:
    """Return the resources that an embedded Ray has on this machine, without starting one."""
    from ray._private.utils import get_num_cpus

    cores = int(get_num_cpus(override_docker_cpu_warning=True))
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    return Node("this machine", max(1, cores), _gpus())


def _gpus() -> int:
    """Return the number of GPUs that the installed PyTorch can use."""
    import torch

    return torch.cuda.device_count()


def nodes() -> tuple[Node, ...]:
    """Return Ray's current nodes, sorted by id."""
    found = [
        Node(node["NodeID"], node["Resources"].get("CPU", 0.0), int(node["Resources"].get("GPU", 0)))
        for node in ray.nodes()
        if node["Alive"]
    ]
    return tuple(sorted(found))


@contextlib.contextmanager
def machines(address: str | None) -> Iterator[tuple[Node, ...]]:
    """Yield the machines for a study: this one, or the nodes of a cluster that is joined while the block runs.

    Raises:
        InputError: There is no cluster at the address, or it has no node.
    """
    if address is None:
        yield (this_machine(),)
        return
    from study.machines.ray_session import quiet, session, settings

    with settings(), quiet(), session(address, this_machine()):
        if not (there := nodes()):
            raise InputError(
                f"--ray {shown(address)}: the cluster has no node. Start Ray on one: ray start --address=…"
            )
        yield there


DIED = (
    "Ray's own processes on this machine were killed or died; its memory may have run out. Nothing is lost: give the "
    "same command again"
)


def own_nodes() -> tuple[Node, ...]:
    """Return `nodes` of a Ray that this run started.

    Raises:
        MachineTroubleError: Ray died: no node is left, and none will come.
    """
    refuse_dead_ray()
    if there := nodes():
        return there
    raise MachineTroubleError(DIED)


def refuse_dead_ray() -> None:
    """Raise if a process of the Ray that this process started has ended; cheap, and asks no server.

    Without its GCS server every question to Ray blocks for a minute, after which Ray ends the whole process.

    Raises:
        MachineTroubleError: One has ended.
    """
    from ray._private.worker import _global_node

    if _global_node is not None and _global_node.dead_processes():
        raise MachineTroubleError(DIED)
