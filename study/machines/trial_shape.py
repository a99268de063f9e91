"""The shape of a trial: the CPUs and GPUs that it gets on given machines."""

from collections.abc import Sequence

from study.machines.admission import Node, Shape, impossible
from study.study_file import Study
from trainables.errors import InputError


def shape_of(study: Study, machine: Node) -> Shape:
    """Return a trial's resources on a machine; `gpu: auto` means one GPU if there is any."""
    gpu = study.resources.gpu
    return Shape(float(study.resources.cpu), min(1.0, machine.gpu) if gpu == "auto" else gpu)


def fitting_shape(study: Study, there: Sequence[Node]) -> Shape:
    """Return a trial's resources on several machines; the largest machine decides whether it gets a GPU.

    Raises:
        InputError: No machine can hold it.
    """
    shape = shape_of(study, max(there, key=lambda node: (node.gpu, node.cpu)))
    if (reason := impossible(there, shape)) is not None:
        raise InputError(lacking(reason, shape, there))
    return shape


def lacking(reason: str, shape: Shape, there: Sequence[Node]) -> str:
    """Return the error text for a shape that no node can hold.

    Args:
        reason: The text of `admission.impossible`.
        shape: The resources of a trial.
        there: The nodes.
    """
    none = shape.gpu > 0 and not any(node.gpu for node in there)
    how = " `gpu: auto` trains on the CPU where there is no GPU." if none else ""
    return f"resources: {reason}. Ask for less, or run it where there is more.{how}"
