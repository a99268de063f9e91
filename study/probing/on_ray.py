"""Probes on Ray: a task with the resources of a trial on a whole GPU, in a process that runs nothing else."""

from collections.abc import Callable, Sequence
from typing import Any

from study.events import OnEvent
from study.ledger import Ledger
from study.machines.admission import Node, Shape
from study.probing.measure import Measure, carried_out
from study.probing.sizing import Sizing
from study.study_file import Study
from study.trial_specs import Data
from trainables.errors import InputError
from trainables.training.footprint import Footprint
from trainables.trial import TrialSpec

PATIENCE = 0.5  # seconds between two checks for a stop


def sizing(
    study: Study,
    ledger: Ledger,
    data: Data,
    nodes: Sequence[Node],
    *,
    tell: OnEvent,
    stopping: Callable[[], None],
) -> Sizing:
    """Return the sizing of a study on the Ray to which this process is connected.

    Args:
        study: The study.
        ledger: Keeps what is measured.
        data: The prepared cases, which all nodes can access.
        nodes: The current nodes.
        tell: Receives events.
        stopping: Called repeatedly; raises to stop.
    """
    shape = Shape(float(study.resources.cpu), 1.0)
    names: list[str] = []

    def device() -> str:
        if not names:
            names.append(answer(_gpu_name, shape, (), stopping))
        return names[0]

    return Sizing(ledger=ledger, data=data, nodes=nodes, measure=on_ray(shape, stopping), device=device, tell=tell)


def on_ray(shape: Shape, stopping: Callable[[], None]) -> Measure:
    """Return a function that measures on any node with room for the shape.

    Args:
        shape: Resources of the probe.
        stopping: Called repeatedly; raises to stop.
    """

    def measure(specs: Sequence[TrialSpec], largest: Sequence[int]) -> Footprint | None:
        found: Footprint | None = answer(carried_out, shape, (specs, largest), stopping)
        return found

    return measure


def answer(work: Callable[..., Any], shape: Shape, given: tuple[Any, ...], stopping: Callable[[], None]) -> Any:
    """Run a function in a worker that ends with it, and return its result.

    On a stop the task is not cancelled and ends with the driver: cancelling a task that is just ending kills the driver
    (seen with Ray 2.60: "Check failed: it != submissible_tasks_.end()").

    Raises:
        InputError: The function raised it, or its worker was lost repeatedly.
    """
    import ray

    task = ray.remote(num_cpus=shape.cpu, num_gpus=shape.gpu, max_calls=1, max_retries=1)(work)
    running = task.remote(*given)
    try:
        while not ray.wait([running], timeout=PATIENCE)[0]:
            stopping()
        return ray.get(running)
    except ray.exceptions.RayTaskError as error:  # its text is a whole traceback
        raise error.cause if isinstance(error.cause, InputError) else error from None
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError, ray.exceptions.NodeDiedError) as error:
        raise InputError(
            f"a probe's worker was lost ({type(error).__name__}); with numbers for resources.gpu and "
            "training.batch_size nothing is probed"
        ) from error


def _gpu_name() -> str:
    import torch

    if not torch.cuda.is_available():
        raise InputError(
            "Ray has a GPU and PyTorch finds none there; install PyTorch with CUDA and a driver, or set resources.gpu "
            "to 0"
        )
    return str(torch.cuda.get_device_name())
