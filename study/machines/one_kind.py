"""Nodes of one kind: with `resources.same_kind` a study runs on one kind of processor or GPU only.

Equal seeds give equal numbers where `trainables.training.machine.kind` is equal. Each node is asked for its kind by a
task that runs there; nodes of other kinds get no segment. Other studies may use them, so they are not reserved: the
dispatcher names the nodes that a segment may start on (`tune/loop.py`).
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.events import OnEvent, Step
from study.in_words import counted
from study.machines.admission import Node, Shape, impossible, slots
from trainables.errors import InputError
from trainables.training.machine import hardware, here, kind

Machine = Mapping[str, Any]
"""What a node computes with, as `trainables.training.machine.here` gives it."""


class KindProbe:
    """Asks nodes what they compute with; a node that fails to answer is asked again at the next look."""

    def __init__(self, *, gpu: bool, portable: bool) -> None:
        self._gpu, self._portable = gpu, portable
        self._asked: dict[ray.ObjectRef[Any], str] = {}

    def ask(self, nodes: Sequence[Node]) -> None:
        """Start a task on each node, unless it is being asked."""
        for node in nodes:
            if node.name not in self._asked.values():
                where = NodeAffinitySchedulingStrategy(node_id=node.name, soft=False)
                task = _ask.options(scheduling_strategy=where).remote(gpu=self._gpu, portable=self._portable)
                self._asked[task] = node.name

    def answers(self, seconds: float | None) -> dict[str, Machine]:
        """Return what nodes answered since the last call, by node.

        Args:
            seconds: Maximum waiting time; None waits for all.
        """
        tasks = list(self._asked)
        found: dict[str, Machine] = {}
        for task in ray.wait(tasks, num_returns=len(tasks), timeout=seconds)[0] if tasks else []:
            name = self._asked.pop(task)
            try:
                found[name] = ray.get(task)
            except (RayError, subprocess.SubprocessError):
                continue
        return found


class NodesOfOneKind:
    """Callable that returns the nodes of the study's kind.

    Args:
        look: Returns the current nodes; may raise.
        probe: Asks nodes.
        recorded: Machines that trained segments of the study before (`Ledger.machines`).
        shape: Resources of a trial: where nothing is recorded, the kind that runs most trials at once is taken.
        tell: Receives what was chosen, and nodes that get no work.

    Raises:
        InputError: No node is of the kind that trained the study before.
    """

    def __init__(
        self,
        look: Callable[[], Sequence[Node]],
        probe: KindProbe,
        recorded: Sequence[Machine],
        shape: Shape,
        tell: OnEvent,
    ) -> None:
        self._look, self._probe, self._tell = look, probe, tell
        there = look()
        probe.ask(there)
        self._machines = probe.answers(None)
        self.kind = chosen(there, self._machines, recorded, shape)
        """The line of the kind."""
        others = {kind(machine) for machine in self._machines.values()} - {self.kind}
        without = f"; nodes of {counted(len(others), 'other kind')} get no work" if others else ""
        tell(Step(f"trials are held to one kind of machine: {self.kind}{without}"))

    def __call__(self) -> tuple[Node, ...]:
        """Return the current nodes of the kind; new ones are asked and count once they have answered."""
        there = self._look()
        self._probe.ask([node for node in there if node.name not in self._machines])
        for name, machine in self._probe.answers(0).items():
            self._machines[name] = machine
            if kind(machine) != self.kind:
                self._tell(Step(f"node {name[:8]} is of another kind ({kind(machine)}) and gets no work"))
        return tuple(node for node in there if kind(self._machines.get(node.name, {})) == self.kind)


def chosen(nodes: Sequence[Node], machines: Mapping[str, Machine], recorded: Sequence[Machine], shape: Shape) -> str:
    """Return the kind that trials are held to.

    Args:
        nodes: The current nodes.
        machines: What each of them computes with, by name; a node that is missing did not answer.
        recorded: Machines that trained the study before: only their hardware counts, since versions may be accepted.
        shape: Resources of a trial.

    Returns:
        Of the kinds that trained the study before, or of all where none did, the one that runs most trials at once;
        of equal ones the first by name.

    Raises:
        InputError: There is none.
    """
    by_kind: dict[str, list[Node]] = {}
    before = {hardware(machine) for machine in recorded} - {""}
    able = [node for node in nodes if impossible([node], shape) is None]
    for node in able or nodes:
        machine = machines.get(node.name, {})
        if hardware(machine) and (not before or hardware(machine) in before):
            by_kind.setdefault(kind(machine), []).append(node)
    if by_kind:
        return min(by_kind, key=lambda line: (-slots(by_kind[line], [shape]), line))
    found = sorted({hardware(machine) for machine in machines.values()} - {""})
    if not found:
        raise InputError("resources.same_kind: no node says what it computes with; see Ray's logs, or leave it out")
    raise InputError(
        f"resources.same_kind: {' and '.join(sorted(before))} trained this study before, and here is "
        f"{' and '.join(found)}. Run it where it began, or set resources.same_kind=false: the report then says so"
    )


@ray.remote(num_cpus=0, max_retries=0)
def _ask(*, gpu: bool, portable: bool) -> Machine:
    """Return what this node computes with; Ray hides GPUs from a task without any, so a process of its own looks."""
    if not gpu:
        return here(gpu=False, portable=portable)
    environment = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    code = "import json, trainables.training.machine as m; print(json.dumps(m.here(gpu=True, portable=False)))"
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True, timeout=120)
    found: Machine = json.loads(said.stdout.splitlines()[-1])
    return found
