"""Prediction on a Ray cluster: a task an image; a worker keeps the networks that it has loaded."""

import functools
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from study.predicting.predict import Order, Predicted
from trainables.data.cases.unlabelled import ImageFiles

AHEAD = 2
"""Tasks given to Ray for each one that has room."""
POLL = 5.0


def predict_on_ray(images: Sequence[ImageFiles], order: Order, *, gpu: bool) -> Iterator[Predicted]:
    """Predict images as tasks of a Ray that is running; all machines see the images, the storage and the output.

    Args:
        images: Which; their paths and the output's are absolute.
        order: What is wanted.
        gpu: Whether each task takes a GPU.

    Yields:
        What became of each, as they end.
    """
    import ray

    share = {"num_gpus": 1} if gpu else {"num_cpus": order.threads}
    task = ray.remote(max_retries=3, **share)(_predict)
    shared = ray.put(order)
    each = ray.cluster_resources().get("GPU" if gpu else "CPU", 1) / (1 if gpu else order.threads)
    ahead = AHEAD * max(1, int(each))
    waiting, running = list(reversed(images)), set[Any]()
    while waiting or running:
        while waiting and len(running) < ahead:
            running.add(task.remote(waiting.pop(), shared, gpu))
        for ended in ray.wait(list(running), timeout=POLL)[0]:
            running.discard(ended)
            yield ray.get(ended)


def _predict(image: ImageFiles, order: Order, gpu: bool) -> Predicted:
    """Predict one image in a worker."""
    import torch

    from study.predicting.predict import predict_one

    torch.set_num_threads(order.threads)
    lacking = [str(path) for path in image.images if not pathlib.Path(path).exists()]
    if lacking:
        return Predicted(
            image.name, problem=f"{lacking[0]}: a worker of the cluster does not see it. Share the folder."
        )
    return predict_one(image, order, functools.partial(_loaded, order.arm, gpu))


_KEPT: dict[str, Any] = {}
"""Networks that this worker has loaded, by storage and checkpoints."""


def _loaded(arm: Any, gpu: bool) -> Any:
    import torch

    from study.predicting.ensemble import Ensemble

    name = repr((arm.storage, [network.checkpoint for network in arm.networks], gpu))
    if name not in _KEPT:
        _KEPT.clear()
        _KEPT[name] = Ensemble(arm, torch.device("cuda" if gpu else "cpu"))
    return _KEPT[name]
