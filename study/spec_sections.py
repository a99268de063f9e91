"""The sections of a study file, one class each: their keys, what is allowed, what holds when they are silent."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from study.spec_errors import Problem, unknown
from trainables.data.labels import MOST_CLASSES, OPERATORS
from trainables.data.labels import parse as parse_label

LONGEST_PATTERN = 200
"""Letters of a `group` pattern. A short pattern can still be slow on long names: names are cut off at 300 letters."""


class Section(BaseModel):
    """Keys that belong together. Nothing is converted silently, nothing unknown is let through."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def problems(self) -> Iterator[Problem]:
        """What is wrong between keys that are each right; paths are relative to the section."""
        yield from ()


def _whole(value: object) -> object:
    """3e4 is how people write 30000."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def listed(value: object) -> object:
    """A YAML list as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _named(value: object) -> object:
    """A case may be called 12."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _folder(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"expected small letters, digits, '.', '_' or '-' (it names folders), found {name!r}.")
    return name


NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
Name = Annotated[str, AfterValidator(_folder)]
Whole = Annotated[int, BeforeValidator(_whole)]
Count = Annotated[Whole, Field(ge=1)]
Seed = Annotated[Whole, Field(ge=0, le=2**63 - 1)]
Positive = Annotated[float, Field(gt=0)]
Case = Annotated[str, BeforeValidator(_named), Field(min_length=1, max_length=300)]
Cases = Annotated[tuple[Case, ...], BeforeValidator(listed)]


def _part(value: object) -> object:
    """Which cases: a share of the groups, one range or name, or a list of them."""
    value = _named(value) if isinstance(value, int) else value
    if value is None or isinstance(value, str):
        return (value,) if value else None
    if isinstance(value, float):
        if not 0 < value < 1:
            raise ValueError(f"expected a share between 0 and 1, found {value:g}.")
        return value
    if isinstance(value, list | tuple) and value:
        names = tuple(_named(name) for name in value)
        if all(isinstance(name, str) and name for name in names):
            return names
    raise ValueError(f"expected a share (0.2), a range (a..b) or a list of cases, found {value!r}.")


Part = Annotated[Any, BeforeValidator(_part)]
"""`float` share of the groups, `tuple[str, ...]` of names and ranges `a..b`, or None."""


class Split(Section):
    """Which cases train, choose and test. What no part names trains.

    Attributes:
        validation: Cases that a search is judged on.
        test: Cases that the final stage is scored on.
        folds: Number of folds. Without `test`, fold k tests part k and validates on the next one; with it, fold k
            validates on part k.
        seed: Of shares and folds; None: the study's seed.
    """

    validation: Part = None
    test: Part = None
    folds: Annotated[Whole, Field(ge=2)] | None = None
    seed: Seed | None = None

    def problems(self) -> Iterator[Problem]:
        """Parts that do not go together, or do not leave anything to train on."""
        if self.folds is None:
            for part in ("validation", "test"):
                if getattr(self, part) is None:
                    yield Problem((part,), "missing: give a share (0.2), a range (a..b) or a list of cases.")
            shares = [part for part in (self.validation, self.test) if isinstance(part, float)]
            if sum(shares) >= 1:
                yield Problem((), f"shares add up to {sum(shares):g} and leave nothing to train on.")
        elif self.validation is not None:
            yield Problem(("validation",), "folds bring their own validation cases: leave this out.")
        elif self.test is None and self.folds == 2:
            yield Problem(("folds",), "2 folds leave nothing to train on (one tests, one validates): give 3 or `test`.")


LABEL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
REGION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+ -]{0,99}")


def _label(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected a value of the mask (1) or a rule ('>127'), found {value!r}.")
    label = parse_label("it", _whole(value))  # type: ignore[arg-type]
    if not label.splits and label.value == 0:
        raise ValueError("0 is the background; write the rule '<1' if 0 is the object.")
    return re.sub(r"\s", "", value) if isinstance(value, str) and label.splits else _whole(label.value)


class Dataset(Section):
    """Where the cases are and what their masks mean.

    Attributes:
        path: Folder of the data; given by `--data` where the file is silent.
        images: Where the images are, relative to `path`: a folder or a template with `{case}`, or channel → template.
            None: a known layout is looked for.
        masks: The same for the masks.
        labels: Name → value in the mask, or a rule such as `>127`. Class indices are 1, 2, … in this order.
        other_labels: What becomes of values that no label names.
        regions: What is scored: name → labels whose union it is. None: each label by itself.
        exclude: Names of cases to leave out.
        group: `case`, or a regular expression whose one group is the patient.
        split: Which cases train, choose and test.
    """

    path: str | None = None
    images: Annotated[Any, BeforeValidator(lambda value: _places(value))] = None
    masks: str | None = None
    labels: dict[str, Annotated[Any, BeforeValidator(_label)]]
    other_labels: Literal["refuse", "background"] = "refuse"
    regions: dict[str, Annotated[tuple[str, ...], BeforeValidator(listed)]] | None = None
    exclude: Cases = ()
    group: Annotated[str, Field(max_length=LONGEST_PATTERN)] = "case"
    split: Split = Split(validation=0.2, test=0.2)

    @property
    def scored(self) -> Mapping[str, tuple[str, ...]]:
        """Region → labels, also where the file is silent."""
        return {label: (label,) for label in self.labels} if self.regions is None else self.regions

    def problems(self) -> Iterator[Problem]:
        """Names, labels, regions and patterns that cannot be used."""
        yield from self._label_problems()
        yield from self._region_problems()
        yield from self._file_problems()
        for problem in self.split.problems():
            yield Problem(("split", *problem.path), problem.text)

    def _label_problems(self) -> Iterator[Problem]:
        if not 1 <= len(self.labels) <= MOST_CLASSES:
            yield Problem(("labels",), f"expected 1 to {MOST_CLASSES} labels, found {len(self.labels)}.")
        for name in self.labels:
            if name == "background":
                yield Problem(("labels", name), "background is what no label covers: leave it out.")
            elif name == "mean" or not LABEL_NAME.fullmatch(name):
                yield Problem(
                    ("labels", name),
                    "expected a name first (`kidney: 1`): a letter, then letters, digits, - or _; not `mean`.",
                )
        parsed = [parse_label(name, rule) for name, rule in self.labels.items()]
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

    def _file_problems(self) -> Iterator[Problem]:
        if (self.images is None) != (self.masks is None):
            yield Problem(("masks" if self.masks is None else "images",), "images and masks go together: give both.")
        if self.group != "case" and (flaw := _pattern_flaw(self.group)):
            yield Problem(("group",), flaw)


def _places(value: object) -> object:
    if value is None or (isinstance(value, str) and value):
        return value
    if isinstance(value, dict) and value and all(isinstance(place, str) and place for place in value.values()):
        return value
    raise ValueError(f"expected a folder, a path with {{case}} in it, or a path for each channel, found {value!r}.")


def _meet(left: Any, right: Any) -> bool:
    """Whether some whole number near the labels' values belongs to both."""
    values = {label.value + shift for label in (left, right) for shift in (-1, 0, 1)} | {
        float(math.floor(label.value) + shift) for label in (left, right) for shift in (-1, 0, 1, 2)
    }
    return any(all(OPERATORS[label.operator](value, label.value) for label in (left, right)) for value in values)


def _pattern_flaw(pattern: str) -> str | None:
    try:
        groups = re.compile(pattern).groups
    except (re.error, OverflowError, RecursionError) as error:
        return f"not a regular expression: {error}."
    if groups == 1:
        return None
    hint = "put the patient's part in brackets: '^([a-z]+\\d+)_'" if groups == 0 else "write the others as (?:…)"
    return f"expected `case` or a regular expression with one group, found {groups} groups: {hint}."


class Preprocess(Section):
    """What is done to images once, before all trials.

    Attributes:
        spacing: Millimetres of a voxel `[z, y, x]` (`[y, x]` in 2D) that all cases are resampled to; `native` keeps
            each case's grid; `unknown` does so too and gives distances in voxels, whatever the header says.
        clip: Intensities are cut off at these two values, before normalisation; None: not.
        normalize: `zscore` and `minmax` by case, after clipping.
    """

    spacing: Annotated[Any, BeforeValidator(lambda value: _spacing(value))] = "native"
    clip: Annotated[tuple[float, float], BeforeValidator(listed)] | None = None
    normalize: Literal["zscore", "minmax", "none"] = "zscore"

    def problems(self) -> Iterator[Problem]:
        """A window upside down."""
        if self.clip is not None and self.clip[0] >= self.clip[1]:
            yield Problem(("clip",), f"expected [low, high], found {list(self.clip)}: low must be below high.")


def _spacing(value: object) -> object:
    if value in ("native", "unknown"):
        return value
    if isinstance(value, list | tuple) and len(value) in (2, 3) and all(_is_positive(number) for number in value):
        return tuple(float(number) for number in value)
    raise ValueError(f"expected native, unknown, or millimetres [z, y, x] ([y, x] in 2D) above 0, found {value!r}.")


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


class Patch(Section):
    """What a network sees at a time.

    Attributes:
        size: Voxels, `[z, y, x]`, or `[y, x]`: then the study is 2D.
        overlap: Voxels by which neighbouring windows overlap at inference. None: half of `size`.
        foreground: Share of training patches centred on a foreground voxel.
    """

    size: Annotated[tuple[Count, ...], BeforeValidator(listed), Field(min_length=2, max_length=3)]
    overlap: Annotated[tuple[Annotated[Whole, Field(ge=0)], ...], BeforeValidator(listed)] | None = None
    foreground: Annotated[float, Field(ge=0, le=1)] = 0.33

    @property
    def overlapped(self) -> tuple[int, ...]:
        """`overlap`, also where the file is silent."""
        return tuple(side // 2 for side in self.size) if self.overlap is None else self.overlap

    def problems(self) -> Iterator[Problem]:
        """An overlap that does not fit into the size."""
        if self.overlap is None:
            return
        if len(self.overlap) != len(self.size):
            yield Problem(("overlap",), f"has {len(self.overlap)} numbers, size has {len(self.size)}.")
        elif any(overlap >= side for overlap, side in zip(self.overlap, self.size, strict=True)):
            yield Problem(
                ("overlap",), f"expected less than size {list(self.size)} on every axis, found {list(self.overlap)}."
            )


class Halving(Section):
    """Successive halving inside each cohort.

    Attributes:
        eta: One in `eta` of a cohort goes on at each mark but the last; 1 sends all on.
        marks: Iterations at which trials are evaluated; the last is `training.iterations`.
    """

    eta: Count = 2
    marks: Annotated[tuple[Count, ...], BeforeValidator(listed), Field(min_length=1)]

    def problems(self) -> Iterator[Problem]:
        """Marks out of order."""
        if any(left >= right for left, right in zip(self.marks, self.marks[1:], strict=False)):
            yield Problem(("marks",), f"expected increasing iterations, found {list(self.marks)}.")


class Budget(Section):
    """How much each arm may try; every arm gets the same.

    Attributes:
        trials_per_arm: Search-stage trials of each arm, failures counted; a multiple of `cohort`.
        cohort: Trials that are sampled together.
        sampler: How configurations are drawn. `tpe` draws its first cohort without a model.
        halving: None: every trial trains to the end.
        searches: Independent searches of each arm.
        final_seeds: Trainings of each winner in each fold.
        search_in: With folds: whether the search runs in every fold or in the first only.
    """

    trials_per_arm: Count = 18
    cohort: Count = 6
    sampler: Literal["tpe", "random", "grid", "qmc"] = "tpe"
    halving: Halving | None = None
    searches: Count = 1
    final_seeds: Count = 3
    search_in: Literal["first_fold", "each_fold"] = "first_fold"

    def problems(self) -> Iterator[Problem]:
        """Cohorts that do not divide the trials, halving that leaves nothing."""
        if self.trials_per_arm % self.cohort:
            below = self.trials_per_arm // self.cohort * self.cohort
            near = f"{below} or {below + self.cohort}" if below else f"{self.cohort}"
            yield Problem(
                ("trials_per_arm",),
                f"{self.trials_per_arm} is no multiple of cohort ({self.cohort}): give {near}, or another cohort.",
            )
        if self.halving is None:
            return
        for problem in self.halving.problems():
            yield Problem(("halving", *problem.path), problem.text)
        smallest = self.halving.eta ** (len(self.halving.marks) - 1)
        if self.cohort < smallest:
            yield Problem(
                ("cohort",),
                f"{self.cohort} is too small for halving: eta {self.halving.eta} at {len(self.halving.marks)} marks "
                f"leaves one trial of {smallest}. Give a greater cohort or fewer marks.",
            )


class Objective(Section):
    """What a search improves: the mean over validation cases of a metric in a region (`mean`: over all regions)."""

    metric: str = "dice"
    region: str = "mean"


class Inference(Section):
    """How a network is applied to a whole image.

    Attributes:
        mirror: Whether predictions are averaged over mirrored inputs.
        blend: Weights of overlapping windows.
        average: What overlapping windows average.
    """

    mirror: bool = False
    blend: Literal["constant", "gaussian"] = "gaussian"
    average: Literal["logits", "probabilities"] = "logits"


class Report(Section):
    """What the tables show.

    Attributes:
        baseline: Arm that the others are compared with; None: the first.
        metrics: Names of metrics; they are computed at every mark.
    """

    baseline: str | None = None
    metrics: Annotated[tuple[str, ...], BeforeValidator(listed), Field(min_length=1)] = (
        "dice",
        "precision",
        "recall",
        "hd95",
    )


class Resources(Section):
    """What a trial gets.

    Attributes:
        cpu: Cores, and CPU threads.
        gpu: A number, fractions allowed, or `auto`: one where there is any.
    """

    cpu: Count = 1
    gpu: Annotated[Any, BeforeValidator(lambda value: _gpu(value))] = "auto"


def _gpu(value: object) -> object:
    if value == "auto":
        return value
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (0 <= value <= 1 or _whole(value) in range(64))
    ):
        return float(value)
    raise ValueError(f"expected auto, a share of one GPU (0.5) or a number of GPUs, found {value!r}.")
