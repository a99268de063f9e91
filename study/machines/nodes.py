"""The machines: what Ray has, and what this one has."""

import contextlib
import os
from collections.abc import Iterator

import ray

from study.errors import MachineTroubleError
from study.machines.admission import Node
from trainables.errors import InputError


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
    from study.machines.ray_session import quiet, session, settings

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
