"""The sections of a study file apart from `dataset`, `preprocess` and `training`: keys, limits and defaults."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from study.study_file.errors import Problem, shown
from study.study_file.report_section import (
    LesionCounting,
    Published,
    Tables,
    fraction,
    published_problems,
    table_problems,
)
from study.study_file.sections_base import Count, Section, Whole, listed, whole


class Patch(Section):
    """The part of an image that a network sees at a time.

    Attributes:
        size: Voxels, `[z, y, x]`, or `[y, x]`: then the study is 2D.
        overlap: Voxels by which neighbouring windows overlap at inference. None: half of `size`.
        sampling: How training patches are chosen: centred on `foreground` or anywhere, `uniform`, the windows of a
            `grid` in random order, or by `lesion`.
        foreground: Share of them that are centred on a foreground voxel (None: 0.33), or with `sampling: lesion` on a
            voxel of a lesion (None: 0.5).
        context: For 2D patches of volumes: neighbouring slices on each side that a network sees as channels. It is the
            same for all arms, so that they see the same.
    """

    size: Annotated[tuple[Count, ...], BeforeValidator(listed), Field(min_length=2, max_length=3)]
    overlap: Annotated[tuple[Annotated[Whole, Field(ge=0)], ...], BeforeValidator(listed)] | None = None
    sampling: Literal["foreground", "uniform", "grid", "lesion"] = "foreground"
    foreground: Annotated[float, Field(ge=0, le=1)] | None = None
    context: Annotated[Whole, Field(ge=0, le=32)] = 0

    @property
    def overlapped(self) -> tuple[int, ...]:
        """`overlap`, or its default."""
        return tuple(side // 2 for side in self.size) if self.overlap is None else self.overlap

    @property
    def centred(self) -> float:
        """`foreground`, or its default."""
        usual = {"foreground": 0.33, "lesion": 0.5}.get(self.sampling, 0.0)
        return usual if self.foreground is None else self.foreground

    def problems(self) -> Iterator[Problem]:
        """Yield an overlap that does not fit into the size, and neighbouring slices in 3D."""
        if self.foreground and self.sampling in ("uniform", "grid"):
            text = f"sampling {self.sampling} centres no patch on anything: leave it out."
            yield Problem(("foreground",), text)
        if self.context and len(self.size) == 3:
            yield Problem(("context",), "goes with 2D patches of volumes: give size as [y, x], or leave it out.")
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
    marks: Annotated[tuple[Count, ...], BeforeValidator(listed), Field(min_length=1, max_length=100)]

    def problems(self) -> Iterator[Problem]:
        """Yield marks that are not increasing."""
        if any(left >= right for left, right in zip(self.marks, self.marks[1:], strict=False)):
            yield Problem(("marks",), f"expected increasing iterations, found {list(self.marks)}.")


class Budget(Section):
    """The number of trials and trainings of each arm; every arm gets the same.

    Attributes:
        trials_per_arm: Search-stage trials of each arm, failures counted; a multiple of `cohort`.
        cohort: Trials that are sampled together. In a file that does not say, fewer than 6 trials are one cohort, or
            with `tpe` several equal ones, as large as can be.
        sampler: How configurations are drawn. `tpe` draws its first cohort without a model.
        halving: None: every trial trains to the end.
        searches: Independent searches of each arm.
        final_seeds: Trainings of each winner in each fold.
        search_in: With folds: whether the search runs in every fold or in the first only.
        marks: In the final stage: one training is looked at on its way to the last mark (`shared`), or each mark is a
            training by itself whose schedule spans that mark (`independent`). A search always shares.
        final_on: Cases that the final stage trains on; `train+validation` allows no choice by validation cases there.
        defaults: Whether each tuned arm's default parameters go through the final stage too, as an arm beside it that
            is shown and not tested: what tuning was worth on test cases.
    """

    trials_per_arm: Count = 18
    cohort: Count = 6
    sampler: Literal["tpe", "random", "grid", "qmc"] = "tpe"
    halving: Halving | None = None
    searches: Count = 1
    final_seeds: Count = 3
    search_in: Literal["first_fold", "each_fold"] = "first_fold"
    marks: Literal["shared", "independent"] = "shared"
    final_on: Literal["train", "train+validation"] = "train"
    defaults: bool = False

    @model_validator(mode="before")
    @classmethod
    def _small_cohort(cls, given: object) -> object:
        """Fill in a cohort that divides fewer trials than the default cohort has; TPE needs a second one to model."""
        if not isinstance(given, Mapping) or "cohort" in given:
            return given
        trials = whole(given.get("trials_per_arm"))
        if type(trials) is not int or not 1 <= trials < cls.model_fields["cohort"].default:
            return given
        several = given.get("sampler", "tpe") == "tpe"
        return {**given, "cohort": max((n for n in range(1, trials) if several and trials % n == 0), default=trials)}

    def problems(self) -> Iterator[Problem]:
        """Yield cohorts that do not divide the trials, and halving that leaves no trial."""
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
    """The value that a search improves: a metric's mean over validation cases in a region (`mean`: all regions).

    Attributes:
        metric: A metric of a case.
        region: A region, or `mean`.
        empty: How a validation case counts that lacks a region. `missing`: not at all, so that false positives there
            never count. `one`: 1 where the prediction lacks it too and 0 where not. `report`: as `report.empty`.
            `auto`: `one` where at least a tenth of the validation cases lack a region of the objective, else `report`.
    """

    metric: str = "dice"
    region: str = "mean"
    empty: Literal["auto", "report", "missing", "one"] = "auto"


class Inference(Section):
    """The application of a network to a whole image.

    Attributes:
        mirror: Whether predictions are averaged over mirrored inputs.
        blend: Weights of overlapping windows.
        average: The quantity that overlapping windows average.
    """

    mirror: bool = False
    blend: Literal["constant", "gaussian"] = "gaussian"
    average: Literal["logits", "probabilities"] = "logits"


class Report(Section):
    """The content of the report's tables.

    Attributes:
        baseline: Arm that the others are compared with; None: the first.
        metrics: Names of metrics, of cases or of the whole split; they are computed at every mark.
        empty: Value of a case that lacks a region: `missing` leaves it out of means; `one` is 1 where the prediction
            lacks it too and 0 where not, as KiTS19 and the inverse-weighting paper score.
        means: Name → regions: shown like a region, it is the mean over them by case, such as KiTS19's composite
            `[kidney+tumor, tumor]`.
        lesions: A table of lesions by size; None: none. Their records are kept too where a metric needs them.
        tables: Tables in a paper's layout, before the report's own.
        published: Papers whose printed numbers stand beside ours: `kits19`, `matthews/promise12`.
        equivalence: A difference from the baseline up to this size is of no practical interest, in the objective's
            unit: cases are counted as wins, ties and losses by it. To be declared before the study begins.
    """

    baseline: str | None = None
    metrics: Annotated[tuple[str, ...], BeforeValidator(listed), Field(min_length=1)] = (
        "dice",
        "precision",
        "recall",
        "hd95",
    )
    empty: Literal["missing", "one"] = "missing"
    means: Mapping[
        Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_+ -]*$", max_length=100)],
        Annotated[tuple[str, ...], BeforeValidator(listed), Field(min_length=2)],
    ] = Field(default_factory=dict)
    lesions: LesionCounting | None = None
    tables: Tables = ()
    published: Published = ()
    equivalence: Annotated[float, BeforeValidator(fraction), Field(gt=0)] | None = None

    def problems(self) -> Iterator[Problem]:
        """Yield tables with too many or too few keys, papers without printed numbers, sizes that are not increasing."""
        if self.lesions is not None:
            for problem in self.lesions.problems():
                yield Problem(("lesions", *problem.path), problem.text)
        yield from table_problems(self.tables)
        yield from published_problems(self.published)


class Resources(Section):
    """The resources of a trial.

    Attributes:
        cpu: Cores, and CPU threads.
        gpu: A number, fractions allowed, or `auto`: where there is any, the share that the network needs.
        same_kind: Whether all trials of the study are held to one kind of processor or GPU: the one that trained it
            before, else the one that runs most trials at once. Nodes of other kinds get no work.
        price_per_gpu_hour: Price by which `check --gpus` estimates a study's cost, in any currency; None: hours alone.
    """

    cpu: Count = 1
    gpu: Annotated[Any, BeforeValidator(lambda value: _gpu(value))] = "auto"
    same_kind: bool = False
    price_per_gpu_hour: Annotated[float, Field(gt=0)] | None = None


def _gpu(value: object) -> object:
    if value == "auto":
        return value
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (0 <= value <= 1 or whole(value) in range(64))
    ):
        return float(value)
    raise ValueError(f"expected auto, a share of one GPU (0.5) or a number of GPUs, found {shown(value)}.")
