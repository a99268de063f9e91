"""Sentences of the Methods section on networks, losses and trainings, from the study file and the arms as recorded."""

from collections.abc import Mapping
from typing import Any

from reports.prose.listing import listed
from reports.prose.provenance import hardware
from reports.published import settings
from reports.results import number_format
from reports.results.number_format import count
from reports.results.results import Results
from search_spaces.defaults import SGD_LEARNING_RATE
from search_spaces.grammar import Range

CENTRED = {
    "foreground": "centred on a voxel of one of the case's classes, every class alike",
    "lesion": "centred on a voxel of a lesion, every lesion alike",
}


def trainings(results: Results) -> list[str]:
    """Returns the sentences in order; empty ones for what does not apply."""
    file, rows = results.records.study.file, [arm.row for arm in results.arms]
    models, losses = (list(dict.fromkeys(getattr(row, kind) for row in rows)) for kind in ("model", "loss"))
    weighted = " with and without inverse lesion weighting" if len({row.weighting for row in rows}) > 1 else ""
    augment = file["augment"]
    return [
        f"We compared {count(len(rows), 'arm')}: {'network' if len(models) == 1 else 'networks'} {listed(models)}, "
        f"{'loss' if len(losses) == 1 else 'losses'} {listed(losses)}{weighted}.",
        _parameters(results, models, losses),
        _optimisation(file["training"], file["patch"]),
        _drawn(file["patch"]),
        _kept(file["training"]),
        f"Patches were augmented by {listed([number_format.augmentation(one) for one in augment])}."
        if augment
        else "Patches were not augmented.",
        "The default parameters of each tuned arm were trained and tested beside it." if results.defaults else "",
        _shared(results, models),
        f"Whole images were predicted in windows of {number_format.setting(file['patch']['size'])} voxels that overlap "
        f"by {number_format.setting(file['patch']['overlap'])}: {settings.windows(file.get('inference') or {})}.",
        hardware(results),
    ]


def _parameters(results: Results, models: list[str], losses: list[str]) -> str:
    """Returns every parameter of networks and losses with its value or its range; empty where none has any."""
    found: dict[str, dict[str, Any]] = {}
    for arm in results.arms:
        for key, space in arm.row.space.items():
            kind, _, name = key.partition(".")
            if kind in ("model", "loss"):
                found.setdefault(getattr(arm.row, kind), {}).setdefault(name, space)
    named = [
        f"{name} ({', '.join(f'{key} {_values(space)}' for key, space in found[name].items())})"
        for name in (*models, *losses)
        if name in found
    ]
    return f"Parameters: {'; '.join(named)}." if named else ""


def _values(space: Mapping[str, Any]) -> str:
    if "fixed" in space:
        value = space["fixed"]
        return "none" if value is None else number_format.setting(value)
    if "choice" in space:
        return f"one of {', '.join('none' if one is None else number_format.setting(one) for one in space['choice'])}"
    return f"from {number_format.scalar(space['low'])} to {number_format.scalar(space['high'])}"


def _optimisation(training: Mapping[str, Any], patch: Mapping[str, Any]) -> str:
    optimizer, batch = training["optimizer"], number_format.setting(training["batch_size"])
    known = isinstance(optimizer, str)
    clip = training.get("clip")
    return (
        f"Each training ran {training['iterations']:,} iterations on batches of {batch} patches of "
        f"{number_format.setting(patch['size'])} voxels with "
        f"{settings.optimizer(training) if known else f'{listed(optimizer)} (tuned)'}, in {training['precision']}; "
        f"learning rate: {_learning_rate(training['learning_rate'])}; its schedule: {settings.schedule(training)}; "
        f"weight decay: {number_format.setting(training.get('weight_decay', 0.0))}"
        + (f"; gradients clipped at a norm of {number_format.setting(clip)}." if clip else ".")
    )


def _learning_rate(given: Any) -> str:
    """Returns the learning rate in print; `auto` is a range for each loss."""
    usual = SGD_LEARNING_RATE.search
    if given != "auto" or not isinstance(usual, Range):
        return number_format.setting(given)
    return (
        f"for each loss from {usual.low:g} to {usual.high:g} over the scale of its gradient (that of an untrained "
        "network's first gradient over cross-entropy's)"
    )


def _drawn(patch: Mapping[str, Any]) -> str:
    """Returns how patches were drawn, which is how rare classes were made up for."""
    sampling, share = patch.get("sampling", "foreground"), patch["foreground"]
    if sampling == "grid":
        return "Patches were the windows of a grid over all training images, in an order drawn anew each time."
    if sampling == "uniform" or share == 0:
        return "Patches were drawn anywhere in the training images."
    part = f"{100 * share:g} %" if isinstance(share, int | float) else "a tuned share"
    return f"Of the patches {part} were {CENTRED[sampling]}, the others anywhere."


def _kept(training: Mapping[str, Any]) -> str:
    """Returns which weights were scored, and what ended a training early."""
    epoch = f" (epochs of {training['epoch']:,} iterations)" if training.get("epoch") else ""
    ended = settings.stopping(training)
    early = "" if ended == "none" else f"A training ended early {ended}{epoch}. "
    if training.get("checkpoint") != "best":
        return early + "The last state of each training was kept."
    every = f", looked at every {training['evaluate_every']:,} iterations," if training.get("evaluate_every") else ""
    return f"{early}Of each training the checkpoint that was best on validation cases{every} was kept."


def _shared(results: Results, models: list[str]) -> str:
    """Returns what arms had in common for a given seed; networks whose size is tuned share no weights."""
    tuned = {name for arm in results.arms for name in arm.progress.tuned}
    drawn = "patches and augmentations" if "training.batch_size" not in tuned else "random numbers for patches"
    if any(name.startswith("model.") for name in tuned):
        return f"Weights started from random values. For a given seed all arms met the same {drawn}."
    same = "and arms of one network the same initial weights" if len(models) > 1 else "and the same initial weights"
    return f"Weights started from random values. For a given seed all arms met the same {drawn}, {same}."
