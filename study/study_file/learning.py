"""The keys of `training` that are the same for all trials: length, precision, schedules, early stopping."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from search_spaces.grammar import Choice, Fixed, Parameter
from study.study_file.errors import Problem, shown
from study.study_file.sections_base import Count, Section, Whole, whole

Share = Annotated[float, Field(gt=0, lt=1)]
NotNegative = Annotated[float, Field(ge=0)]
Monitor = Literal["loss", "validation"]


def _places(value: object) -> object:
    """Return shares of the training below 1, or iterations, as a tuple."""
    given = value if isinstance(value, list | tuple) else [value]
    places = tuple(whole(place) for place in given)
    if not all(_is_place(place) for place in places):
        raise ValueError(f"expected shares of the training (0.8) or iterations (8000), found {shown(value)}.")
    return places


def _is_place(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value < 1 or (isinstance(value, int) and value >= 1)


def schedules_of(parameters: Mapping[str, Parameter]) -> tuple[str, ...]:
    """Return the schedules that trials may have.

    Args:
        parameters: Parameters of `training` that may vary.
    """
    given = parameters["schedule"]
    values = given.values if isinstance(given, Choice) else (given.value,) if isinstance(given, Fixed) else ()
    return tuple(str(value) for value in values)


class Steps(Section):
    """The iterations at which `schedule: step` multiplies the learning rate.

    Attributes:
        at: Shares of the training (0.8) or iterations (8000).
        every: Or a number of iterations: each multiple of it.
        factor: Factor of each step.
    """

    at: Annotated[Any, BeforeValidator(_places)] = ()
    every: Count | None = None
    factor: Share = 0.1

    def problems(self) -> Iterator[Problem]:
        """Yield a missing place of the steps, or two of them."""
        if bool(self.at) == (self.every is not None):
            found = "both" if self.at else "neither"
            yield Problem((), f"expected `at` (shares or iterations) or `every` (iterations), found {found}.")
        if len(set(self.at)) < len(self.at):
            yield Problem(("at",), f"names one twice: {list(self.at)}.")


class Plateau(Section):
    """The rule by which `schedule: plateau` lowers the learning rate; the defaults are those of MIScnn's example.

    Attributes:
        factor: Factor of each reduction.
        patience: Looks without an improvement before a fall.
        min_rate: The rate does not fall below this.
        min_delta: By how much, absolutely, a value must be better to count.
        cooldown: Looks after a fall during which nothing is counted.
        monitor: The observed value: the mean training `loss` of each epoch, or the objective at each `validation`.
    """

    factor: Share = 0.1
    patience: Count = 5
    min_rate: NotNegative = 1e-5
    min_delta: NotNegative = 1e-4
    cooldown: Annotated[Whole, Field(ge=0)] = 1
    monitor: Monitor = "loss"


class EarlyStopping(Section):
    """The rule that ends a training before its last iteration; later marks are scored with its last weights.

    Attributes:
        patience: Looks without an improvement.
        min_delta: By how much, absolutely, a value must be better to count.
        monitor: As the plateau's.
    """

    patience: Count = 20
    min_delta: NotNegative = 0.0
    monitor: Monitor = "loss"


class Length(Section):
    """The keys of `training` that are the same for all trials.

    Attributes:
        iterations: Length of a whole training.
        precision: Number type of the forward pass.
        step: For `schedule: step`.
        plateau: For `schedule: plateau`.
        early_stopping: None: every training goes on to its last iteration.
        epoch: Iterations of an epoch, where something looks at the training loss.
        checkpoint: Which weights are scored: the `last`, or the `best` by validation cases.
        evaluate_every: Iterations between validations, where something looks at them.
        log_every: Iterations over which the soft Dice of each class on training patches is recorded; None: never.
        clip: Norm of the whole gradient above which it is scaled down to it; None: never. 12 is nnU-Net's.
        portable: Whether processors of one family give the same numbers, at the cost of speed: CPU kernels are held to
            the instructions that all of them have.
        deterministic: Whether operations without a deterministic kernel are refused. CPUs have none such; on GPUs a
            silent file takes cuDNN's deterministic kernels, and what else PyTorch has.
        compile: Whether `torch.compile` is used: `auto` where a GPU trains for long from mark to mark.
        micro_batches: Parts in which a batch goes through the network, for what one GPU cannot hold; 1: whole.
    """

    iterations: Count
    precision: Literal["float32", "bfloat16"] = "float32"
    step: Steps | None = None
    plateau: Plateau | None = None
    early_stopping: EarlyStopping | None = None
    epoch: Count | None = None
    checkpoint: Literal["last", "best"] = "last"
    evaluate_every: Count | None = None
    log_every: Count | None = None
    clip: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = 12.0
    portable: bool = False
    deterministic: bool = False
    compile: Literal["never", "auto", "always"] = "never"
    micro_batches: Count = 1

    def monitors(self, schedules: tuple[str, ...]) -> set[str]:
        """Return the values that a training monitors, if its schedule is one of these."""
        watchers = [self.early_stopping, (self.plateau or Plateau()) if "plateau" in schedules else None]
        chosen = {"validation"} if self.checkpoint == "best" else set()
        return chosen | {watcher.monitor for watcher in watchers if watcher is not None}

    def problems(self) -> Iterator[Problem]:
        """Yield impossible steps, and lengths beyond the training."""
        if self.step is not None:
            for problem in self.step.problems():
                yield Problem(("step", *problem.path), problem.text)
        for key in ("epoch", "evaluate_every", "log_every"):
            if (value := getattr(self, key)) is not None and value > self.iterations:
                yield Problem((key,), f"expected at most the {self.iterations} iterations, found {value}.")
        if self.portable:
            yield from self._not_portable()

    def _not_portable(self) -> Iterator[Problem]:
        """Yield keys with which numbers depend on the processor all the same."""
        if self.precision != "float32":
            yield Problem(("precision",), f"`portable` holds float32 kernels alone, found {self.precision}.")
        if self.compile != "never":
            yield Problem(
                ("compile",), f"compiled code is the processor's own, so `portable` needs never, found {self.compile}."
            )

    def against(self, schedules: tuple[str, ...]) -> Iterator[Problem]:
        """Yield keys that the schedules need or do not use.

        Args:
            schedules: Those that trials may have.
        """
        if "step" in schedules and self.step is None:
            yield Problem(("step",), "missing: schedule step needs `at: [0.8]` or `every: 25000`.")
        for name in ("step", "plateau"):
            if name not in schedules and getattr(self, name) is not None:
                yield Problem((name,), f"`schedule` is {' or '.join(schedules)} and does not use this: leave it out.")
        watched = self.monitors(schedules)
        for key, monitor, what in (
            ("epoch", "loss", "the training loss is looked at by epochs"),
            ("evaluate_every", "validation", "validation cases are looked at now and then"),
        ):
            if monitor in watched and getattr(self, key) is None:
                yield Problem((key,), f"missing: {what}, so say after how many iterations.")
            elif monitor not in watched and getattr(self, key) is not None:
                yield Problem((key,), f"nothing looks at {monitor}: leave it out.")
