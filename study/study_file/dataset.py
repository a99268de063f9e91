"""The `dataset` section: where the cases are, what their masks mean, and what is scored."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from study.study_file.errors import Problem, shown, unknown
from study.study_file.sections_base import Cases, Count, Section, listed
from study.study_file.split import LONGEST_PATTERN, Split, pattern_flaw
from trainables.data.cases.label_values import MOST_CLASSES, OPERATORS, Label
from trainables.data.cases.label_values import parse as parse_label
from trainables.errors import InputError

LABEL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
REGION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+ -]{0,99}")


def rule_of(value: object) -> int | float | str:
    """Return a label's value, or its rule without blanks.

    Raises:
        ValueError: It is neither, or names the background.
    """
    try:
        label = parse_label("", value)  # type: ignore[arg-type]
    except InputError:
        raise ValueError(f"expected a value of the mask (1) or a rule ('>127'), found {shown(value)}.") from None
    if not math.isfinite(label.value):
        raise ValueError(f"expected a finite number, found {shown(value)}.")
    number = int(label.value) if label.value.is_integer() else label.value
    if not label.splits and number == 0:
        raise ValueError("0 is the background: leave it out, or write the rule '<1' if 0 is the object.")
    return f"{label.operator}{number}" if label.splits else number


def _rule(value: object) -> object:
    """Return a rule; a wrong one stays as it is, so that the other keys are checked too, and `problems` reports it."""
    try:
        return rule_of(value)
    except ValueError:
        return value


def _without_background(value: object) -> object:
    """Leave out `background: 0`, which nnU-Net's files list among the labels."""
    if isinstance(value, Mapping) and value.get("background") == 0 and not isinstance(value["background"], bool):
        return {name: rule for name, rule in value.items() if name != "background"}
    return value


class Dataset(Section):
    """The data set: where the cases are and what their masks mean.

    Attributes:
        path: Folder of the data, or an object store's URL (`s3://bucket/kits19`); given by `--data` where the file is
            silent.
        images: Where the images are, relative to `path`: a folder or a template with `{case}`, or channel → template.
            None: a known layout is looked for.
        masks: The same for the masks.
        labels: Name → value in the mask, or a rule such as `>127`. Class indices are 1, 2, … in this order.
        other_labels: Treatment of values that no label names.
        ignore: Values or rules of the mask whose voxels are neither trained on nor scored.
        colour: Treatment of the colours of pictures: one `grey` channel, or `channels` red, green and blue.
        roi: The region of interest, outside of which nothing is scored: a folder or template of masks (everything but 0
            is inside), `{label: one of the labels, or a rule}`, or a box `[[z0, z1], [y0, y1], [x0, x1]]`. None: all.
        regions: The scored regions: name → labels whose union it is. None: each label by itself.
        train_on: Targets of the networks: `labels`, exclusive, or `regions`, which may overlap and have an output each.
        exclude: Names of cases to leave out.
        limit: Largest number of cases, the first in natural order: to try a study out. None: all.
        group: `case`: each is another patient; `folder`: cases in one folder are of one patient; `unknown`: some may
            share one, so nothing is tested; or a regular expression whose one group is the patient.
        split: Which cases train, choose and test.
    """

    separate: ClassVar[bool] = True
    path: str | None = None
    images: Annotated[Any, BeforeValidator(lambda value: _places(value))] = None
    masks: Annotated[str, Field(min_length=1)] | None = None
    labels: Annotated[dict[str, Annotated[Any, BeforeValidator(_rule)]], BeforeValidator(_without_background)]
    other_labels: Literal["refuse", "background", "ignore"] = "refuse"
    ignore: Annotated[tuple[Any, ...], BeforeValidator(lambda value: _ignored(value))] = ()
    colour: Literal["grey", "channels"] = "grey"
    roi: Annotated[Any, BeforeValidator(lambda value: _region(value))] = None
    regions: dict[str, Annotated[tuple[str, ...], BeforeValidator(listed)]] | None = None
    train_on: Literal["labels", "regions"] = "labels"
    exclude: Cases = ()
    limit: Count | None = None
    group: Annotated[str, Field(max_length=LONGEST_PATTERN)] = "case"
    split: Split = Split(validation=0.2, test=0.2)

    @property
    def scored(self) -> Mapping[str, tuple[str, ...]]:
        """Region → labels, also where the file gives no regions."""
        return {label: (label,) for label in self.labels} if self.regions is None else self.regions

    def problems(self) -> Iterator[Problem]:
        """Yield names, labels, regions and patterns that cannot be used."""
        yield from self._label_problems()
        yield from self._rule_problems()
        yield from self._region_problems()
        yield from self._area_problems()
        yield from self._file_problems()
        for problem in self.split.problems():
            yield Problem(("split", *problem.path), problem.text)

    def _label_problems(self) -> Iterator[Problem]:
        if not 1 <= len(self.labels) <= MOST_CLASSES:
            yield Problem(("labels",), f"expected 1 to {MOST_CLASSES} labels, found {len(self.labels)}.")
            return
        for name in self.labels:
            if name == "background":
                yield Problem(("labels", name), "background is what no label covers, 0: leave it out.")
            elif name == "mean" or not LABEL_NAME.fullmatch(name):
                yield Problem(
                    ("labels", name),
                    "expected a name first (`kidney: 1`): a letter, then letters, digits, - or _; not `mean`.",
                )

    def _rule_problems(self) -> Iterator[Problem]:
        if len(self.labels) > MOST_CLASSES:
            return  # said already; each would be compared with all before it
        parsed: list[Label] = []
        for name, rule in self.labels.items():
            try:
                parsed.append(parse_label(name, rule_of(rule)))
            except ValueError as error:
                yield Problem(("labels", name), str(error))
        for index, label in enumerate(parsed):
            for other in parsed[:index]:
                if _meet(other, label):
                    yield Problem(
                        ("labels", label.name),
                        f"{label} and {other} name the same values: make them exclude each other.",
                    )

    def _region_problems(self) -> Iterator[Problem]:
        for name, labels in (self.regions or {}).items():
            if name == "mean" or not REGION_NAME.fullmatch(name):
                yield Problem(
                    ("regions", name), "expected a name: a letter, then letters, digits, blank, +, - or _; not `mean`."
                )
            if not labels:
                yield Problem(("regions", name), "names no label: give at least one.")
            for label in labels:
                if label not in self.labels:
                    yield Problem(("regions", name), unknown("label", label, self.labels))
            if len(set(labels)) < len(labels):
                yield Problem(("regions", name), "names a label twice.")
        if self.regions is not None and not self.regions:
            yield Problem(("regions",), "names nothing to score: leave it out to score each label.")

    def _area_problems(self) -> Iterator[Problem]:
        """Yield ignored values that are labels, and an unknown label of the region of interest."""
        equal = {str(rule): name for name, rule in self.labels.items() if isinstance(rule, int | float)}
        for rule in self.ignore:
            if str(rule) in equal:
                yield Problem(("ignore",), f"{rule} is the value of {equal[str(rule)]}: keep it in one of them.")
        if isinstance(self.roi, dict):
            try:
                label_rule(self.roi["label"], self.labels)
            except ValueError as error:
                yield Problem(("roi", "label"), str(error))

    def _file_problems(self) -> Iterator[Problem]:
        if (self.images is None) != (self.masks is None):
            yield Problem(("masks" if self.masks is None else "images",), "images and masks go together: give both.")
        if self.group not in ("case", "folder", "unknown") and (flaw := pattern_flaw(self.group, "case")):
            yield Problem(("group",), flaw)


def label_rule(given: object, labels: Mapping[str, Any]) -> Label:
    """Return the label that a name among the study's, or a value or rule of the mask, means.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(given, str) and given in labels:
        return parse_label(given, rule_of(labels[given]))
    try:
        return parse_label("", rule_of(given))
    except ValueError:
        text = f"expected one of the labels ({', '.join(labels)}), a value of the mask or a rule, found {shown(given)}."
        raise ValueError(text) from None


def _ignored(value: object) -> object:
    if isinstance(value, list | tuple):
        return tuple(rule_of(rule) for rule in value)
    return (rule_of(value),)


def _region(value: object) -> object:
    if value is None or (isinstance(value, str) and value):
        return value
    if isinstance(value, dict) and list(value) == ["label"] and isinstance(value["label"], str | int):
        return value
    if isinstance(value, list | tuple) and len(value) in (2, 3) and all(_side(side) for side in value):
        return tuple((side[0], side[1]) for side in value)
    raise ValueError(
        "expected a folder or path with {case} in it, {label: NAME}, or a box [[z0, z1], [y0, y1], [x0, x1]] with each "
        f"first number below its second, found {shown(value)}."
    )


def _side(side: object) -> bool:
    whole = isinstance(side, list | tuple) and len(side) == 2 and all(type(number) is int for number in side)
    return whole and 0 <= side[0] < side[1]  # type: ignore[index]


def _places(value: object) -> object:
    if value is None or (isinstance(value, str) and value):
        return value
    if isinstance(value, dict) and value and all(isinstance(place, str) and place for place in value.values()):
        return value
    raise ValueError(
        f"expected a folder, a path with {{case}} in it, or a path for each channel, found {shown(value)}."
    )


def _meet(left: Label, right: Label) -> bool:
    """Return whether some whole number near the labels' values belongs to both."""
    values = {label.value + shift for label in (left, right) for shift in (-1, 0, 1)} | {
        float(math.floor(label.value) + shift) for label in (left, right) for shift in (-1, 0, 1, 2)
    }
    return any(all(OPERATORS[label.operator](value, label.value) for label in (left, right)) for value in values)
