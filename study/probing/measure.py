"""Probing: measures each network once at the trials' size, where trials run, and keeps the result in the ledger."""

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
"""Runs `probe.probe` for a network's trials and the shape of the largest case; None if they do not fit."""

DECIDES = (
    "model", "model_parameters", "optimizer", "batch_size", "micro_batches", "patch_size", "context", "precision",
    "compile", "deterministic", "augment", "sampling", "patch_overlap", "mirror", "average", "blend", "train_on",
    "classes", "regions", "metrics", "threads",
)  # fmt: skip
"""Fields of a trial on which memory and speed depend, besides its loss."""


def specs_of(study: Study, model: str, data: Data, *, gpu: float) -> list[TrialSpec]:
    """Return the trials that a probe tries: the largest configuration with each loss; on a CPU with the first alone.

    Args:
        study: The study.
        model: Name of one of its networks.
        data: The prepared cases.
        gpu: 1 on a GPU, else 0.
    """
    arms = [arm for arm in study.arms if arm.model == model]
    return [
        trial_spec(study, arm, PlannedTrial(_key(arm), 0, study.seed, largest(arm)), data, gpu=gpu)
        for arm in (arms if gpu else arms[:1])
    ]


def largest(arm: Arm) -> dict[str, Scalar]:
    """Return an arm's default configuration with the choices that need most memory in network, batch and optimiser."""
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
    """Return a digest of everything but the device that a footprint depends on.

    Args:
        specs: A network's trials.
        data: The prepared cases.
    """
    first = dataclasses.asdict(specs[0])
    losses = [[spec.loss, spec.loss_parameters, spec.weighting] for spec in specs]
    facts = [data.cases[0].facts.get("channels"), largest_shape(data) if specs[0].gpu else None]
    text = json.dumps([{name: first[name] for name in DECIDES}, losses, facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def largest_shape(data: Data) -> tuple[int, ...]:
    """Return the shape of the largest case on the training grid, in voxels."""
    return max(
        (tuple(case.facts["prepared_shape"]) for case in data.cases), key=lambda shape: (math.prod(shape), shape)
    )


def bytes_of_cases(study: Study, data: Data) -> int:
    """Return the bytes that the first fold's training cases take on a GPU (`data.patches.residence.bytes_of`)."""
    train = set(data.named(0, "train"))
    each = [case.facts for case in data.cases if case.name in train]
    return sum(
        math.prod(facts["prepared_shape"]) * (4 * facts["channels"] + 1 + 4 * study.needs_components) for facts in each
    )


def footprint(
    ledger: Ledger, study: Study, model: str, data: Data, *, device: str, gpu: float, measure: Measure
) -> Footprint | None:
    """Return a network's footprint on a kind of device: from the ledger, or measured now and kept there.

    Args:
        ledger: Keeps footprints.
        study: The study.
        model: Name of one of its networks.
        data: The prepared cases.
        device: Kind of device on which its trials run.
        gpu: 1 on a GPU, else 0.
        measure: Runs the probe there.

    Returns:
        The footprint; None if the network does not fit even alone.
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
    """Return the footprints in the ledger of each network of a study, the newest first.

    Args:
        ledger: Keeps footprints.
        study: The study.
        data: The prepared cases.
        gpu: 1 on GPUs, else 0.
    """
    return {model: ledger.footprints(subject(specs_of(study, model, data, gpu=gpu), data)) for model in study.models}


def carried_out(specs: Sequence[TrialSpec], largest: Sequence[int]) -> Footprint | None:
    """Run the probe in a process of its own; return None if memory is insufficient."""
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
    """Return the value that makes the largest network: the greatest number, True over False, otherwise the default."""
    if isinstance(parameter, Fixed):
        return parameter.value
    if not isinstance(parameter, Choice):
        return parameter.high
    numbers: list[Any] = [value for value in parameter.values if isinstance(value, bool | int | float)]
    return max(numbers) if len(numbers) == len(parameter.values) else default
