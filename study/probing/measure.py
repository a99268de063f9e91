"""Probing: each network of a study measured once at the trials' size, where trials run, and kept in the ledger."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from search_spaces.grammar import Choice, Fixed, Parameter, Scalar
from study.design import Arm, PlannedTrial, TrialKey
from study.ledger import Ledger
from study.study_file import Study
from study.trial_specs import Data, trial_spec
from trainables.training.footprint import Footprint
from trainables.trial import TrialSpec

Measure = Callable[[Sequence[TrialSpec], Sequence[int]], Footprint | None]
"""`probe.probe` of a network's trials and the largest case's shape, somewhere; None: it does not fit."""

DECIDES = (
    "model", "model_parameters", "optimizer", "batch_size", "micro_batches", "patch_size", "context", "precision",
    "compile", "deterministic", "augment", "sampling", "patch_overlap", "mirror", "average", "blend", "train_on",
    "classes", "regions", "metrics", "threads",
)  # fmt: skip
"""What of a trial its memory and speed depend on, beside its loss."""


def specs_of(study: Study, model: str, data: Data, *, gpu: float) -> list[TrialSpec]:
    """A network's trials that a probe tries: the largest configuration, with each loss; on a CPU with the first alone.

    Args:
        study: The study.
        model: Name of one of its networks.
        data: What it learns from.
        gpu: 1 on a GPU, else 0.
    """
    arms = [arm for arm in study.arms if arm.model == model]
    return [
        trial_spec(study, arm, PlannedTrial(_key(arm), 0, study.seed, largest(arm)), data, gpu=gpu)
        for arm in (arms if gpu else arms[:1])
    ]


def largest(arm: Arm) -> dict[str, Scalar]:
    """An arm's default configuration with whatever takes the most memory: the greatest network, batch and optimiser."""
    chosen = {
        name: _greatest(parameter, arm.default[name])
        for name, parameter in arm.space.items()
        if name.startswith("model.") or name == "training.batch_size"
    }
    optimizer = arm.space["training.optimizer"]
    if isinstance(optimizer, Choice) and "adam" in optimizer.values:  # two numbers for each weight, sgd has one
        chosen["training.optimizer"] = "adam"
    return {**arm.default, **chosen}


def subject(specs: Sequence[TrialSpec], data: Data) -> str:
    """Digest of all that a footprint depends on but the device.

    Args:
        specs: A network's trials.
        data: What they learn from.
    """
    first = dataclasses.asdict(specs[0])
    losses = [[spec.loss, spec.loss_parameters, spec.weighting] for spec in specs]
    facts = [data.cases[0].facts.get("channels"), largest_shape(data) if specs[0].gpu else None]
    text = json.dumps([{name: first[name] for name in DECIDES}, losses, facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def largest_shape(data: Data) -> tuple[int, ...]:
    """Voxels of the largest case on the training grid."""
    return max(
        (tuple(case.facts["prepared_shape"]) for case in data.cases), key=lambda shape: (math.prod(shape), shape)
    )


def bytes_of_cases(study: Study, data: Data) -> int:
    """What the training cases of the first fold take on a GPU (`trainables.data.patches.residence.bytes_of`)."""
    train = set(data.named(0, "train"))
    each = [case.facts for case in data.cases if case.name in train]
    return sum(
        math.prod(facts["prepared_shape"]) * (4 * facts["channels"] + 1 + 4 * study.needs_components) for facts in each
    )


def footprint(
    ledger: Ledger, study: Study, model: str, data: Data, *, device: str, gpu: float, measure: Measure
) -> Footprint | None:
    """What a network takes on a kind of device: from the ledger, or measured now and kept there.

    Args:
        ledger: Where footprints are kept.
        study: The study.
        model: Name of one of its networks.
        data: What it learns from.
        device: The kind of device where its trials are to run.
        gpu: 1 on a GPU, else 0.
        measure: Carries the probe out there.

    Returns:
        None where it does not fit, though it is alone.
    """
    specs = specs_of(study, model, data, gpu=gpu)
    known = subject(specs, data)
    for found in ledger.footprints(known):
        if found.device == device:
            return found
    made = measure(specs, largest_shape(data))
    if made is not None:
        ledger.add_footprint(known, model, made)
    return made


def known_footprints(ledger: Ledger, study: Study, data: Data, *, gpu: float) -> Mapping[str, list[Footprint]]:
    """What the ledger has of each network of a study, the newest first.

    Args:
        ledger: Where footprints are kept.
        study: The study.
        data: What it learns from.
        gpu: 1 on GPUs, else 0.
    """
    return {model: ledger.footprints(subject(specs_of(study, model, data, gpu=gpu), data)) for model in study.models}


def carried_out(specs: Sequence[TrialSpec], largest: Sequence[int]) -> Footprint | None:
    """The probe itself, in a process of its own; None where the memory does not suffice."""
    from trainables.failures import out_of
    from trainables.training.probe import probe

    try:
        return probe(specs, largest)
    except Exception as error:
        if out_of(error) is not None:
            return None
        raise


def _key(arm: Arm) -> TrialKey:
    return TrialKey("search", arm.index, 0, 0, 0)


def _greatest(parameter: Parameter, default: Scalar) -> Scalar:
    """The value that makes the largest network: the greatest number, true rather than false, else the default."""
    if isinstance(parameter, Fixed):
        return parameter.value
    if not isinstance(parameter, Choice):
        return parameter.high
    numbers: list[Any] = [value for value in parameter.values if isinstance(value, bool | int | float)]
    return max(numbers) if len(numbers) == len(parameter.values) else default
