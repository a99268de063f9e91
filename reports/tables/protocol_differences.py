"""Differences between a paper's protocol and a study's, as far as paper and ledger state both."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal

from reports.published import Printed, datasets, settings
from reports.published.protocols import PROTOCOLS
from reports.results import number_format
from reports.results.parameters import loss_values
from reports.results.results import ArmResult, Results
from reports.tables.table import Entry, Row, Table

Verdict = Literal["same", "differs", "not stated", "unknown"]

WARPING = frozenset({"rotate", "scale", "elastic", "elastic_filter"})
"""Augmentations that take an image's values between its voxels."""

Part = Literal["data", "images", "network", "training", "tuning", "scoring"]
"""Part of a protocol, the text of a badge."""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One item that protocols can differ in.

    Attributes:
        part: The part of the protocol it belongs to.
        label: Name in print.
        here: Function that returns the study's value; None if it is unknown.
    """

    part: Part
    label: str
    here: Callable[[Results], Any]


def _file(*path: str) -> Callable[[Results], Any]:
    def here(results: Results) -> Any:
        inside: Any = results.records.study.file
        for key in path:
            inside = inside.get(key) if isinstance(inside, Mapping) else None
        return inside

    return here


def _said(section: str, words: Callable[[Mapping[str, Any]], str]) -> Callable[[Results], str]:
    """Returns a function that says in words what a section of the study file sets."""
    return lambda results: words(results.records.study.file.get(section) or {})


def _warped(results: Results) -> str | None:
    """Returns how images are interpolated when they are rotated, scaled or deformed; None where none is."""
    named = {one if isinstance(one, str) else next(iter(one)) for one in _file("augment")(results) or ()}
    return "linear, edge values beyond the edges" if named & WARPING else None


def _augment(results: Results) -> list[str] | None:
    given = _file("augment")(results)
    return None if given is None else [number_format.augmentation(one) for one in given]


def _model(name: str) -> Callable[[Results], Any]:
    """Returns a function that returns a network's parameter if all arms that have it agree."""

    def here(results: Results) -> Any:
        spaces = (arm.row.space.get(f"model.{name}") for arm in results.arms)
        found = [space.get("fixed", "tuned") for space in spaces if space is not None]
        return found[0] if found and all(value == found[0] for value in found) else None

    return here


def _loss(name: str) -> Callable[[Results], Any]:
    """Returns a function that returns a loss parameter if all arms that have it agree."""

    def here(results: Results) -> Any:
        spaces = (arm.row.space.get(f"loss.{name}") for arm in results.arms)
        found = [space.get("fixed", "tuned") for space in spaces if space is not None]
        return found[0] if found and all(value == found[0] for value in found) else None

    return here


def _checkpoint(results: Results) -> str:
    chosen = results.records.study.file["training"].get("checkpoint")
    return "best by validation cases" if chosen == "best" else "last"


def _train_cases(results: Results) -> Any:
    return sum(case.splits[0] == "train" for case in results.records.cases)


def patches_drawn(results: Results) -> str:
    """Returns where training patches are drawn."""
    patch = results.records.study.file["patch"]
    sampling, share = patch.get("sampling", "foreground"), patch["foreground"]
    if sampling == "grid":
        return "windows of a grid"
    if sampling == "uniform" or share == 0:
        return "patches anywhere"
    part = f"{100 * share:g} %" if share is not None else "some"
    what = "of a lesion, every lesion alike" if sampling == "lesion" else "of the foreground"
    return f"{part} of the patches on a voxel {what}"


def _tuning(results: Results) -> Any:
    how = results.protocol
    if not any(arm.progress.search.planned for arm in results.arms):
        return "nothing tuned"
    times = f", {how.searches} times" if how.searches > 1 else ""
    return f"{how.trials_per_arm} trials an arm by {how.sampler}{times}, on validation cases"


def _scored(results: Results) -> Any:
    how, crop = results.protocol, results.records.study.file["preprocess"].get("crop") or {}
    cases = "each case in the fold that tests it" if how.folds > 1 and not how.test_apart else "test cases"
    return f"{cases}, cropped to the reference (oracle crop)" if crop.get("to") == "reference" else cases


def _cases(results: Results) -> Any:
    """Returns the names of the first and the last test case."""
    cases = [case.name for case in results.scores.cases]
    return f"{cases[0]} to {cases[-1]}" if cases else None


LINES: Mapping[str, Line] = {
    "data": Line("data", "data", _cases),
    "train_cases": Line("data", "training cases", _train_cases),
    "test_cases": Line("data", "test cases", lambda results: len(results.scores.cases)),
    "folds": Line("data", "folds", lambda results: results.protocol.folds),
    "spacing": Line("images", "spacing", _file("preprocess", "spacing")),
    "clip": Line("images", "intensities cut at", _file("preprocess", "clip")),
    "normalize": Line("images", "normalisation", _file("preprocess", "normalize")),
    "crop": Line("images", "cropped to", _said("preprocess", settings.crop)),
    "resize": Line("images", "resized before all else to", lambda results: "not resized"),
    "patch": Line("images", "patch", _file("patch", "size")),
    "overlap": Line("images", "overlap of windows", _file("patch", "overlap")),
    "width": Line("network", "width of the network", _model("width")),
    "norm": Line("network", "normalisation layers", _model("norm")),
    "iterations": Line("training", "iterations", lambda results: results.protocol.last),
    "optimizer": Line("training", "optimiser", _said("training", settings.optimizer)),
    "weight_decay": Line("training", "weight decay", _said("training", settings.decay)),
    "learning_rate": Line("training", "learning rate", _file("training", "learning_rate")),
    "schedule": Line("training", "schedule", _said("training", settings.schedule)),
    "stopping": Line("training", "early stopping", _said("training", settings.stopping)),
    "precision": Line("training", "precision", _file("training", "precision")),
    "batch_size": Line("training", "batch", _file("training", "batch_size")),
    "checkpoint": Line("training", "checkpoint", _checkpoint),
    "reduction": Line("training", "focal Tversky over classes", _loss("reduction")),
    "cycles": Line("training", "augmented copies of an image in an epoch", lambda results: 1),
    "augment": Line("training", "augmentation", _augment),
    "warped": Line("training", "augmented images interpolated by", _warped),
    "foreground": Line("training", "patches drawn", patches_drawn),
    "tuning": Line("tuning", "tuning", _tuning),
    "seeds": Line("tuning", "final seeds", lambda results: results.protocol.seeds),
    "window": Line("scoring", "windows of a prediction", _file("patch", "size")),
    "windows": Line("scoring", "overlapping windows", _said("inference", settings.windows)),
    "scored": Line("scoring", "scored on", _scored),
}
"""Key of `PROTOCOLS` → the study's counterpart."""


def difference_tables(results: Results) -> tuple[Table, ...]:
    """Returns the differences from each published study, one table per data set; equal items are in its notes."""
    return tuple(_table(results, name) for name in datasets(results.protocol.published))


def badges(results: Results, row: Printed, arm: ArmResult | None) -> tuple[str, ...]:
    """Returns the parts in which a printed row's protocol differs, and the number of items the paper does not state.

    Args:
        results: The study's.
        row: One of the row's numbers.
        arm: The study's arm of the same network, loss and weighting, if it has one.
    """
    verdicts = _verdicts(results, f"{row.study}/{row.dataset}")
    words: list[str] = list(dict.fromkeys(LINES[key].part for key, verdict in verdicts.items() if verdict == "differs"))
    words += ["parameters"] * (arm is not None and _other_parameters(row, arm))
    words += [row.origin] * (row.origin != "printed")
    silent = sum(verdict in ("not stated", "unknown") for verdict in verdicts.values())
    return (*words, *([f"{silent} not stated"] if silent else []))


def _other_parameters(row: Printed, arm: ArmResult) -> bool:
    values = ((loss_values(arm, name), value) for name, value in row.parameters)
    return any(here and value not in here for here, value in values)


def _verdicts(results: Results, name: str) -> dict[str, Verdict]:
    protocol = PROTOCOLS[name]
    return {key: _verdict(results, key, protocol[key]) for key in LINES if key in protocol}


def _verdict(results: Results, key: str, printed: Any) -> Verdict:
    if printed is None:
        return "not stated"
    here = LINES[key].here(results)
    if key == "data":  # case names are the only evidence, and they vary between copies of a data set
        return "same" if here is not None and printed.endswith(f", {here}") else "unknown"
    return "same" if _plain(here, key) == _plain(printed, key) else "differs"


def _plain(value: Any, key: str) -> Any:
    if isinstance(value, list | tuple):
        return sorted(value) if key == "augment" else list(value)
    return value


def _table(results: Results, name: str) -> Table:
    protocol, verdicts = PROTOCOLS[name], _verdicts(results, name)
    rows = tuple(
        Row(
            (
                Entry(LINES[key].label),
                Entry(_shown(key, protocol[key])),
                Entry(_shown(key, LINES[key].here(results))),
                Entry(verdict),
            )
        )
        for key, verdict in verdicts.items()
        if verdict != "same"
    )
    same = [LINES[key].label for key, verdict in verdicts.items() if verdict == "same"]
    return Table(
        key=f"protocol-{name.replace('/', '-')}",
        title=f"Printed and here: {protocol['title']}, {protocol['data'].split(',')[0]}",
        columns=("What", "Printed", "Here", "Verdict"),
        rows=rows,
        notes=(*([f"The same: {', '.join(same)}."] if same else []), *protocol["remarks"]),
        words=frozenset({0, 1, 2, 3}),
    )


def _shown(key: str, value: Any) -> str:
    if key == "clip" and isinstance(value, list | tuple):
        return f"{value[0]:g} to {value[1]:g}"
    return number_format.setting(value)
