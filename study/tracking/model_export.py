"""Export of trained networks as MLflow model folders, in a separate process: `python -m study.tracking.model_export`.

Tracing a network takes 0.5 to 10 s of pure Python and hundreds of MB, too much for the driver. Reads one `Export` a
line as JSON, writes one answer a line: `{"folder": …, "seconds": …}` or `{"failed": …}`.

The format is `torch.export`'s (`pt2`): a graph and weights, no pickled code. It loads with PyTorch and MLflow alone.
"""

import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Order:
    """One model to export.

    Attributes:
        storage: Root of the storage of checkpoints.
        checkpoint: Folder of the trial's last checkpoint there; the trial's `spec.json` lies beside it.
        trial: The trial's key.
        into: Folder to create, which must not exist.
        model_id: MLflow's id for it; None for a folder that is not logged.
        run_id: Its run.
        study: The study file, kept beside the model.
        facts: JSON-able facts about its origin, kept in its metadata.
    """

    storage: str
    checkpoint: str
    trial: str
    into: str
    model_id: str | None = None
    run_id: str | None = None
    study: dict[str, Any] = dataclasses.field(default_factory=dict)
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)


def export(order: Order) -> None:
    """Create the folder of one model, with the trial's spec and the study file in it.

    Raises:
        FileNotFoundError: The trial's spec or the index of the prepared data is missing.
        UnreadableCheckpointError: The checkpoint is damaged.
        InputError: The trial's network does not exist in this version.
    """
    from trainables.data.cache.cache import Dataset
    from trainables.models import build, divisor_of, takes_one_size
    from trainables.storage.object_store import storage_at
    from trainables.training import checkpoint
    from trainables.trial import TrialSpec

    storage = storage_at(order.storage)
    spec = TrialSpec.from_json(storage.read(f"{PurePosixPath(order.checkpoint).parent}/spec.json").decode())
    channels, classes = Dataset.open(spec.data).channels * spec.slices, len(spec.outputs)
    divisor = divisor_of(spec.model, spec.model_parameters)
    one_size = takes_one_size(spec.model, spec.model_parameters)
    network = build(
        spec.model,
        in_channels=channels,
        out_channels=classes,
        dim=len(spec.patch_size),
        parameters=spec.model_parameters,
        seed=spec.seed,
        patch_size=spec.patch_size,
    )
    learned = checkpoint.read(storage, order.checkpoint, trial=order.trial).learner
    network.load_state_dict(learned["best"] or learned["network"])  # the weights that were scored
    sides = list(spec.patch_size)
    facts = {"trial": order.trial, "classes": list(spec.outputs), "patch_size": sides}
    save(
        network.eval(),
        Path(order.into),
        channels=channels,
        classes=classes,
        size=sides if one_size else [side if side % divisor else 2 * divisor for side in sides],
        one_size=one_size,
        model_id=order.model_id,
        run_id=order.run_id,
        metadata={"segstudy": {**order.facts, **facts, "multiple_of": None if one_size else divisor}},
    )
    beside = Path(order.into, "segstudy")
    beside.mkdir()
    (beside / "trial.json").write_text(spec.to_json(), encoding="utf-8")
    (beside / "study.json").write_text(json.dumps(order.study, indent=1), encoding="utf-8")


def save(
    network: Any,
    into: Path,
    *,
    channels: int,
    classes: int,
    size: Sequence[int],
    one_size: bool = False,
    model_id: str | None = None,
    run_id: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Save a network in evaluation mode, on the CPU, as an MLflow model (flavours `pytorch`, `python_function`).

    It maps float32 images `(N, channels, *spatial)` to logits `(N, classes, *spatial)`, for any N and for sizes
    that halve as `size` does: if its sides are multiples of the network's divisor, all such multiples.

    Args:
        network: The network.
        into: Folder to create.
        channels: Number of image channels.
        classes: Number of channels of the logits.
        size: Spatial size to trace it with.
        one_size: Whether it accepts that size alone; the signature then refuses others.
        model_id: MLflow's id for it.
        run_id: Its run.
        metadata: Facts kept with the model.
    """
    import mlflow.pytorch
    import numpy as np
    import torch
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    kind, sides = np.dtype("float32"), tuple(size) if one_size else (-1,) * len(size)
    model = Model(model_id=model_id, run_id=run_id)
    mlflow.pytorch.save_model(
        network,
        str(into),
        mlflow_model=model,
        serialization_format="pt2",
        input_example=np.zeros((2, channels, *size), np.float32),  # two: a batch of one would be traced as a constant
        signature=ModelSignature(
            Schema([TensorSpec(kind, (-1, channels, *sides))]),
            Schema([TensorSpec(kind, (-1, classes, *sides))]),
        ),
        # given, so that MLflow does not infer them in another process
        pip_requirements=[f"mlflow=={mlflow.__version__}", f"torch=={torch.__version__.partition('+')[0]}"],
        metadata=metadata,
    )
    # On a machine with a GPU MLflow would choose it, but a traced network stays on the device where it was traced.
    model.flavors["python_function"]["config"] = {"device": "cpu"}
    for name in ("artifact_path", "serving_input_path"):  # zeros in two JSON files of a MB are of no use
        (into / model.saved_input_example_info[name]).unlink()
    model.saved_input_example_info = None
    model.save(str(into / "MLmodel"))


def main() -> None:
    """Export models until the input ends."""
    import os
    import warnings

    import torch

    os.nice(10)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    answers = sys.stdout
    sys.stdout = sys.stderr  # output of libraries must not mix with answers
    for line in sys.stdin:
        started = time.monotonic()
        order = Order(**json.loads(line))
        try:
            export(order)
            answer = {"folder": order.into, "seconds": time.monotonic() - started}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
