"""Rules by which masks are scored: labels, regions and metrics, of a study or of the command line."""

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from study.cases.from_study_file import options_of
from study.ledger import Ledger
from study.study_file import Study
from trainables.data.cases import coding
from trainables.data.cases.label_values import parse_all
from trainables.data.cases.options import PreprocessOptions
from trainables.data.reading.volume import Volume
from trainables.errors import InputError
from trainables.metrics import METRICS, metric_named

MASK_METRICS = (
    *(name for name, metric in METRICS.items() if metric.reads != "histogram"),
    "surface_dice_1",
    "surface_dice_area_1",
)
"""Metrics that two masks suffice for; the others rank probabilities."""
DATASET = "dataset.json"


@dataclasses.dataclass(frozen=True)
class Rules:
    """How pairs of masks are scored.

    Attributes:
        how: Reading of masks: labels, ignored values, region of interest.
        regions: Region → class indices whose union it is.
        metrics: Names of metrics of a case.
        empty: Value of cases without a region.
        cases: Names of the cases that are to be scored; None for all that are there.
    """

    how: PreprocessOptions
    regions: Mapping[str, Sequence[int]]
    metrics: tuple[str, ...]
    empty: Literal["missing", "one"] = "missing"
    cases: frozenset[str] | None = None


def rules_of_study(ledger: Ledger, name: str, metrics: Sequence[str] = ()) -> Rules:
    """Return the rules of a study, and its test cases.

    Args:
        ledger: The ledger.
        name: The study's name.
        metrics: Instead of all that masks suffice for.

    Raises:
        InputError: There is no such study, or its regions may overlap.
    """
    row = ledger.study(name)
    file = Study.from_plain(row.file, source=name)
    if file.dataset.train_on == "regions":
        raise InputError(
            f"{name}: its regions may overlap (dataset.train_on), so that no mask of classes holds them. Score each "
            "region's folder without --study."
        )
    tested = frozenset(case.name for case in ledger.cases(row.id) if "test" in case.splits)
    return Rules(options_of(file), file.regions, _metrics(metrics), file.report.empty, tested)


def rules_of_labels(
    labels: Mapping[str, float | str],
    regions: Mapping[str, Sequence[str]] | None = None,
    metrics: Sequence[str] = (),
    *,
    ignore: Iterable[float] = (),
    others: bool = False,
    empty: Literal["missing", "one"] = "missing",
) -> Rules:
    """Return the rules that labels of the command line give.

    Args:
        labels: Name → value or rule.
        regions: Region → labels; None: each label by itself.
        metrics: Instead of all that masks suffice for.
        ignore: Values of the references whose voxels are not scored.
        others: Whether values that no label names are background; else they are refused.
        empty: Value of cases without a region.

    Raises:
        InputError: A rule is none, or a region names no label.
    """
    parsed = parse_all(labels)
    index = {label.name: number for number, label in enumerate(parsed, 1)}
    chosen: dict[str, tuple[int, ...]] = {}
    for region, members in (regions or {name: (name,) for name in labels}).items():
        if unknown := [name for name in members if name not in index]:
            raise InputError(f"--regions {region}: no label {unknown[0]!r}. There are {', '.join(index)}.")
        chosen[region] = tuple(index[name] for name in members)
    how = PreprocessOptions(
        dim=2,
        labels=parsed,
        other_labels="background" if others else "refuse",
        ignore=parse_all({f"ignored {value:g}": value for value in ignore}) if (ignore := tuple(ignore)) else (),
        regions=chosen,
    )
    return Rules(how, chosen, _metrics(metrics), empty)


def labels_of_text(text: str) -> dict[str, float | str]:
    """Parse `liver=1,lesion=2` or `vessel=>127`.

    Raises:
        InputError: A part is no `NAME=VALUE`.
    """
    found: dict[str, float | str] = {}
    for part in text.split(","):
        name, equals, rule = part.partition("=")
        if not equals or not name.strip() or not rule.strip():
            raise InputError(f"--labels: {part!r} is no NAME=VALUE, as in liver=1,lesion=2.")
        if name.strip() in found:
            raise InputError(f"--labels: {name.strip()!r} is named twice.")
        found[name.strip()] = rule.strip()
    return found


def regions_of_text(text: str) -> dict[str, tuple[str, ...]]:
    """Parse `whole=liver+lesion,lesion=lesion`.

    Raises:
        InputError: A part is no `NAME=LABEL+LABEL`.
    """
    found: dict[str, tuple[str, ...]] = {}
    for part in text.split(","):
        name, equals, members = part.partition("=")
        named = tuple(label.strip() for label in members.split("+") if label.strip())
        if not equals or not name.strip() or not named:
            raise InputError(f"--regions: {part!r} is no NAME=LABEL+LABEL, as in whole=liver+lesion.")
        found[name.strip()] = named
    return found


@dataclasses.dataclass(frozen=True)
class Described:
    """Labels as a data set's description gives them.

    Attributes:
        labels: Name → value.
        regions: Region → labels; None where each label is one.
        ignore: Values that are not scored.
    """

    labels: Mapping[str, float | str]
    regions: Mapping[str, Sequence[str]] | None = None
    ignore: tuple[float, ...] = ()


def described(folder: pathlib.Path) -> Described | None:
    """Return the labels of `dataset.json` in a folder or above it, as nnU-Net and Decathlon write it; None without one.

    Raises:
        InputError: The file has no labels that can be read.
    """
    file = next((place / DATASET for place in (folder, folder.parent) if (place / DATASET).is_file()), None)
    if file is None:
        return None
    try:
        labels: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["labels"]
        if all(name.isdecimal() for name in labels):  # Decathlon: value → name
            labels = {str(name): int(value) for value, name in labels.items()}
        values = {name: _values(value) for name, value in labels.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{file}: no labels in it that can be read. Give --labels.") from error
    ignored = tuple(value[0] for name, value in values.items() if name == "ignore")
    scored = {name: value for name, value in values.items() if name not in ("background", "ignore")}
    if all(len(value) == 1 for value in scored.values()):
        return Described({name: value[0] for name, value in scored.items()}, None, ignored)
    single = sorted({value for members in scored.values() for value in members})
    names = {value: f"value {value:g}" for value in single}
    regions = {name: [names[value] for value in members] for name, members in scored.items()}
    return Described({names[value]: value for value in single}, regions, ignored)


def _values(value: Any) -> tuple[float, ...]:
    return tuple(float(one) for one in value) if isinstance(value, list | tuple) else (float(value),)


def labels_found(references: Iterable[pathlib.Path]) -> dict[str, float | str]:
    """Return a label for each value that references have: `label 1` for 1.

    Raises:
        InputError: There are none, too many, or some are no whole numbers.
    """
    values: set[float] = set()
    for path in references:
        volume = Volume.of(path, "refuse", may_be_sheared=True)
        if volume.raw.segments:
            raise InputError(
                f"{path}: its structures have names. Give --labels, such as {volume.raw.segments[0].name}=1."
            )
        values.update(coding.values_of(volume.array))
    if not values:
        raise InputError("the references hold nothing but 0. Give --labels.")
    if len(values) >= coding.MOST_VALUES or any(not value.is_integer() for value in values):
        raise InputError(f"the references hold {len(values)} different values or more. Give --labels.")
    return {f"label {value:g}": value for value in sorted(values)}


def _metrics(names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if metric_named(name).reads == "histogram":
            raise InputError(f"--metric {name}: needs probabilities, which masks do not hold.")
    return tuple(dict.fromkeys(names)) or MASK_METRICS
