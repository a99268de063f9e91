"""Prediction of many images: one after the other on each device, what is done already left out."""

import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import torch

from study.predicting.ensemble import Ensemble
from study.predicting.outputs import Outputs
from study.predicting.suited import refuse_unsuited, remarks
from study.predicting.trained_arm import TrainedArm
from trainables import host_memory
from trainables.data.cases.unlabelled import ImageFiles, read_unlabelled
from trainables.data.preparing import memory
from trainables.data.preparing.new_image import prepare_new
from trainables.data.writing.writers import format_for
from trainables.errors import InputError


@dataclasses.dataclass(frozen=True)
class Order:
    """What is to be predicted with what. Plain data, which also goes to other machines.

    Attributes:
        arm: The networks.
        outputs: Where to and what.
        any_spacing: Whether voxels of sizes that no network was trained on are let through.
        threads: CPU threads of each image; the trial's own give its evaluation's numbers to the last bit.
    """

    arm: TrainedArm
    outputs: Outputs
    any_spacing: bool = False
    threads: int = 1


@dataclasses.dataclass(frozen=True)
class Predicted:
    """What became of one image.

    Attributes:
        name: The image.
        problem: Why it could not be predicted; None where it was.
        remarks: What a person should know, one line each.
        was_done: Whether its files were there already.
        seconds: Time that it took.
    """

    name: str
    problem: str | None = None
    remarks: tuple[str, ...] = ()
    was_done: bool = False
    seconds: float = 0.0


def predict_one(image: ImageFiles, order: Order, ensemble: Callable[[], Ensemble]) -> Predicted:
    """Predict one image and write its files, unless they are there.

    Wrong input is returned, not raised, so that one image does not stop the others.

    Args:
        image: Its files.
        order: What is wanted.
        ensemble: Gives the networks, loaded.
    """
    started, arm = time.monotonic(), order.arm
    try:
        key = order.outputs.key(image, arm)
        if order.outputs.is_done(image.name, key):
            return Predicted(image.name, was_done=True)
        networks = ensemble()
        read = read_unlabelled(image, arm.options)
        refuse_unsuited(read, arm, any_spacing=order.any_spacing)
        said = (*remarks(read, arm), *filter(None, [format_for(read.stored).note]))
        prepared = prepare_new(image.name, read, arm.options, classes=len(arm.spec.outputs))
        del read  # the voxels as stored: they can take gigabytes
        found = networks.average(prepared, entropies=order.outputs.uncertainty)
        order.outputs.write(prepared, found, arm, key)
    except InputError as error:
        return Predicted(image.name, problem=str(error))
    return Predicted(image.name, remarks=said, seconds=time.monotonic() - started)


def predict_here(images: Sequence[ImageFiles], order: Order, devices: Sequence[torch.device]) -> Iterator[Predicted]:
    """Predict images on this machine, several at once: one on each GPU, or `at_once` on the CPUs.

    Args:
        images: Which.
        order: What is wanted.
        devices: GPUs, or the CPU alone.

    Yields:
        What became of each, as they end.
    """
    torch.set_num_threads(order.threads)
    lanes = list(devices) if devices[0].type == "cuda" else [devices[0]] * at_once(order)
    loaded = {device: _Once(order.arm, device) for device in dict.fromkeys(lanes)}
    free = list(lanes[: max(1, len(images))])
    waiting = list(reversed(images))
    running: dict[Future[Predicted], torch.device] = {}
    with ThreadPoolExecutor(len(free)) as pool:
        try:
            while waiting or running:
                while waiting and free:
                    device = free.pop()
                    running[pool.submit(predict_one, waiting.pop(), order, loaded[device])] = device
                for ended in wait(running, return_when=FIRST_COMPLETED).done:
                    free.append(running.pop(ended))
                    yield ended.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)  # what is being written is finished


class _Once:
    """The networks on a device, loaded when they are first needed, by whichever thread needs them first."""

    def __init__(self, arm: TrainedArm, device: torch.device) -> None:
        self._arm, self._device, self._lock = arm, device, threading.Lock()
        self._ensemble: Ensemble | None = None

    def __call__(self) -> Ensemble:
        with self._lock:
            if self._ensemble is None:
                self._ensemble = Ensemble(self._arm, self._device)
            return self._ensemble


def at_once(order: Order) -> int:
    """Return how many images are predicted at once on the CPUs: as many as have threads, and memory for two each.

    New images are taken to be as large as the study's largest case.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    sizes = {"channels": order.arm.channels, "classes": 2 * len(order.arm.spec.outputs)}
    need = max(memory.needed(case.facts["shape"], case.facts["prepared_shape"], **sizes) for case in order.arm.cases)
    return max(1, min(processors // order.threads, int(host_memory.limit() // (2 * need))))
