"""TrialSpec: everything a trial needs, and Outcome: everything it reports. Plain data, JSON in and out."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Literal, Self

from trainables.pictures.kept import Preview, pack
from trainables.scores import Counts, LesionScores, PooledScore, Score

__all__ = ["Counts", "LesionScores", "Outcome", "Point", "PooledScore", "Scalar", "Score", "TrialSpec"]

Scalar = bool | int | float | str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrialSpec:
    """One configuration, seed and split of an arm, ready to be trained.

    Attributes:
        key: The trial's name in the ledger, unique in its study: `search-a00-r0-f0-n003`.
        seed: Seed of all its random streams.
        data: Path of the preprocessed dataset's index (`trainables.data.cache.cache.Dataset.open`).
        scales: Result of `trainables.data.cache.scaling.training_scales` for its training cases; () without it.
        train: Names of the cases that it learns from.
        evaluate: Names of the cases that it is scored on at each mark.
        previews: Names among `evaluate` of which a slice with the prediction is kept at the last mark.
        stacks: Names among `previews` of which more slices are kept, to be scrolled.
        model: Key of `trainables.models.MODELS`, or the name of the user's own.
        model_parameters: Keyword arguments of its builder, such as `{"width": 16}`; `code` is the import path of the
            user's own.
        loss: Key of `trainables.losses.LOSSES`, or any name whose meaning `loss_parameters` says.
        loss_parameters: Keyword arguments of the loss (`trainables.losses.written`).
        weighting: `none`, or `inverse`: every lesion of a patch has the same mass in the loss.
        optimizer: `adam`, `adamw` or `sgd`.
        learning_rate: Initial step size.
        weight_decay: As PyTorch's optimisers take it.
        momentum: For `sgd` (Nesterov).
        eps: For `adam` and `adamw`: added to the root of the second moment.
        clip: Norm of the whole gradient above which it is scaled down to it; None: never.
        schedule: Schedule of the learning rate: `constant`, `polynomial` (power 0.9), `step` or `plateau`, spanning
            `iterations`.
        step: Keyword arguments of `schedules.step`, for that schedule.
        plateau: Keyword arguments of `patience.Plateau`, for that schedule, and `monitor`: what it looks at, `loss`
            (mean of an epoch) or `validation` (objective).
        early_stopping: Keyword arguments of `patience.EarlyStopping` and `monitor`; empty: none. A training that has
            stopped holds its weights, and later marks are scored with them.
        epoch: Iterations of an epoch, where something looks at its loss.
        checkpoint: Which weights are scored: the `last` ones, or the `best` so far by the validation cases.
        evaluate_every: Iterations between validations, where something looks at them; each mark has one too.
        log_every: Iterations of a window over which the training patches' soft Dice by class is recorded; 0: never.
        validate: Names of the cases that something during the training is chosen by, if anything is.
        objective: The score at a mark: `metric`, `regions`, whether to `maximize` it, and `empty`: how cases without a
            region count (`evaluation.objective.EMPTY`; `report` where it is not given).
        iterations: Length of the whole training, the last mark.
        batch_size: Patches in an iteration.
        patch_size: Voxels of a patch, `(z, y, x)` or `(y, x)`.
        context: For slices of volumes: neighbouring slices on each side that a network sees as channels.
        patch_overlap: Voxels by which neighbouring inference windows overlap.
        sampling: How patches are chosen: key of `trainables.data.patches.samplings.SAMPLINGS`.
        foreground: Share of patches that are centred on foreground, or on a lesion, in `[0, 1]`.
        augment: Names of the augmentations, in order, some with options (`trainables.data.augmentation.recipes`).
        classes: Names by class index; `classes[0]` is `background`.
        train_on: Meaning of the network's channels: `labels`, a softmax over `classes`, or `regions`, a sigmoid for
            each of `regions`, which may overlap.
        regions: Region → class indices whose union it is.
        metrics: Names that `trainables.metrics.metric_named` knows.
        empty: Value of a case without a region: `missing`, or `one` where the prediction lacks it too, else 0.
        lesions: Whether lesion records are kept, beside what metrics of a case make of them.
        marks: Iterations at which it is evaluated; the last equals `iterations`.
        independent: Whether each mark is a training by itself, whose schedule spans that mark, instead of one training
            that is looked at on its way.
        blend: `constant` or `gaussian` weights of overlapping windows.
        average: The quantity that overlapping windows average: `logits` or `probabilities`.
        mirror: Whether predictions are averaged over mirrored inputs.
        threads: CPU threads, fixed, since sums depend on their number.
        gpu: Share of a GPU; 0 trains on the CPU.
        precision: `float32` or `bfloat16` (autocast).
        portable: Whether CPU kernels are held to a common instruction set (`trainables.training.portable`).
        deterministic: Whether operations without a deterministic kernel are refused (`determinism`).
        compile: Whether the training's network is compiled: `never`, `always`, or `auto`, where a GPU trains for long
            between marks (`compiling`).
        micro_batches: Parts in which a batch goes through the network; 1: whole.
    """

    key: str
    seed: int
    data: str
    train: tuple[str, ...]
    evaluate: tuple[str, ...]
    model: str
    loss: str
    iterations: int
    patch_size: tuple[int, ...]
    patch_overlap: tuple[int, ...]
    classes: tuple[str, ...]
    regions: Mapping[str, tuple[int, ...]]
    marks: tuple[int, ...]
    independent: bool = False
    previews: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    scales: tuple[tuple[float | None, float | None, float, float] | None, ...] = ()
    model_parameters: Mapping[str, Scalar] = dataclasses.field(default_factory=dict)
    loss_parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    train_on: str = "labels"
    weighting: str = "none"
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    momentum: float = 0.9
    eps: float = 1e-8
    clip: float | None = None
    schedule: str = "constant"
    step: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    plateau: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    early_stopping: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    epoch: int = 0
    checkpoint: str = "last"
    evaluate_every: int = 0
    log_every: int = 0
    validate: tuple[str, ...] = ()
    objective: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    batch_size: int = 2
    context: int = 0
    sampling: str = "foreground"
    foreground: float = 0.33
    augment: tuple[str | Mapping[str, Any], ...] = ()
    metrics: tuple[str, ...] = ("dice",)
    empty: Literal["missing", "one"] = "missing"
    lesions: bool = False
    blend: str = "gaussian"
    average: str = "logits"
    mirror: bool = False
    threads: int = 1
    gpu: float = 0.0
    precision: str = "float32"
    portable: bool = False
    deterministic: bool = False
    compile: str = "never"
    micro_batches: int = 1

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's channels."""
        return tuple(self.regions) if self.train_on == "regions" else self.classes

    @property
    def slices(self) -> int:
        """Slices that a network sees of each channel."""
        return 2 * self.context + 1

    def to_json(self) -> str:
        """As JSON text; floats come back as the same binary doubles."""
        return json.dumps(dataclasses.asdict(self), allow_nan=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`."""
        raw = json.loads(text)
        for field in dataclasses.fields(cls):
            if isinstance(raw.get(field.name), list):
                raw[field.name] = tuple(raw[field.name])
        raw["scales"] = tuple(None if scale is None else tuple(scale) for scale in raw.get("scales", ()))
        raw["regions"] = {name: tuple(classes) for name, classes in raw["regions"].items()}
        return cls(**raw)


@dataclasses.dataclass(frozen=True)
class Point:
    """One point of a training curve: the mean of `name` over the iterations since the point before it."""

    iteration: int
    name: str
    value: float


def soft_dice_curve(output: str) -> str:
    """Return the name of the curve of an output's soft Dice on training patches."""
    return f"soft_dice {output}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a segment that ended or failed. The driver writes it to the ledger.

    Attributes:
        iteration: Where the training stands.
        scores: Case scores at this mark; empty where it failed.
        counts: Voxels by case and region, likewise.
        pooled: Scores over all cases together that cannot be had from `counts`.
        lesions: Lesions by case and region, where the study asks for them.
        curve: Points since the segment's start.
        previews: Slices, at the last mark of a final-stage trial.
        checkpoint: Folder of the complete checkpoint, relative to the storage root; None where it failed.
        failed: Why the trial failed, so that a person can act on it (`non-finite loss at iteration 9`); else None.
        weights: Digest of network weights and optimiser state: equal digests, equal trainings.
        seconds: Wall time of training in this attempt.
        evaluate_seconds: Wall time of evaluation in this attempt.
        trained: Iterations trained in this attempt, which `seconds` belong to; not those after an early stop.
        host: Where it ran.
        device: `cpu` or the GPU's name.
        peak_bytes: Greatest device memory in use; 0 on CPU.
        machine: Processor, GPU, library versions and digests of the user's code (`trainables.training.machine`).
    """

    iteration: int
    scores: tuple[Score, ...] = ()
    counts: tuple[Counts, ...] = ()
    pooled: tuple[PooledScore, ...] = ()
    lesions: tuple[LesionScores, ...] = ()
    curve: tuple[Point, ...] = ()
    previews: tuple[Preview, ...] = ()
    checkpoint: str | None = None
    failed: str | None = None
    weights: str = ""
    seconds: float = 0.0
    evaluate_seconds: float = 0.0
    trained: int = 0
    host: str = ""
    device: str = "cpu"
    peak_bytes: int = 0
    machine: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        """As JSON text; bytes deflated and base64-coded."""
        return json.dumps(dataclasses.asdict(self), allow_nan=False, sort_keys=True, default=pack)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`."""
        raw = json.loads(text)
        raw["scores"] = tuple(Score(**score) for score in raw["scores"])
        raw["counts"] = tuple(Counts(**counts) for counts in raw["counts"])
        raw["pooled"] = tuple(PooledScore(**score) for score in raw["pooled"])
        raw["lesions"] = tuple(LesionScores.from_plain(one) for one in raw["lesions"])
        raw["curve"] = tuple(Point(**point) for point in raw["curve"])
        raw["previews"] = tuple(Preview.from_plain(preview) for preview in raw["previews"])
        return cls(**raw)
