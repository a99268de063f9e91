"""Probes on Ray: a task with what a trial of a whole GPU gets, in a process that does nothing else and then ends."""

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

PATIENCE = 0.5  # seconds between looks whether the run is to stop


def sizing(
    study: Study,
    ledger: Ledger,
    data: Data,
    nodes: Sequence[Node],
    *,
    tell: OnEvent,
    stopping: Callable[[], None],
) -> Sizing:
    """A study's sizing on the Ray that this process is connected to.

    Args:
        study: The study.
        ledger: Keeps what is measured.
        data: What its trials learn from, where all nodes see it.
        nodes: What Ray has.
        tell: Hears what is found.
        stopping: Called now and then; raises to stop.
    """
    shape = Shape(float(study.resources.cpu), 1.0)
    names: list[str] = []

    def device() -> str:
        if not names:
            names.append(answer(_gpu_name, shape, (), stopping))
        return names[0]

    return Sizing(ledger=ledger, data=data, nodes=nodes, measure=on_ray(shape, stopping), device=device, tell=tell)


def on_ray(shape: Shape, stopping: Callable[[], None]) -> Measure:
    """Measures on whatever node has room for the shape.

    Args:
        shape: What the probe gets.
        stopping: Called now and then; raises to stop.
    """

    def measure(specs: Sequence[TrialSpec], largest: Sequence[int]) -> Footprint | None:
        found: Footprint | None = answer(carried_out, shape, (specs, largest), stopping)
        return found

    return measure


def answer(work: Callable[..., Any], shape: Shape, given: tuple[Any, ...], stopping: Callable[[], None]) -> Any:
    """What a function gives, carried out by a worker that ends with it.

    On a stop it is left to itself and ends with the driver: to cancel a task that ends at that moment kills the driver
    (seen with Ray 2.60: "Check failed: it != submissible_tasks_.end()").

    Raises:
        InputError: It raised that; or its worker was lost again and again.
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
