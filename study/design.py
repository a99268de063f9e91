"""The data that planner, ledger, searcher and recorder share: arms, trials, segments."""

import dataclasses
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Literal, Self

from search_spaces.grammar import Scalar, Space

Stage = Literal["search", "final"]
Status = Literal["open", "finished", "halved", "failed", "lost"]


def arm_name(model: str, loss: str, weighting: str) -> str:
    """Return an arm's name: `unet3d+dice`, or `unet3d+dice+inverse`."""
    return "+".join((model, loss, *(() if weighting == "none" else (weighting,))))


DEFAULTS = "+defaults"
"""How the name of an arm ends that stands beside a tuned one, of the same name, with its default parameters."""


@dataclasses.dataclass(frozen=True)
class Arm:
    """One model × one loss (× one lesion weighting): a row of the paper's table, with a parameter space of its own.

    Attributes:
        index: Position in the study file's order, from 0.
        name: `unet3d+dice`, or `unet3d+dice+inverse` with a weighting.
        model: Name of the network.
        loss: Name of the loss.
        weighting: `none` or `inverse`.
        space: Every parameter of a trial by dotted name: `model.width`, `loss.gamma`, `training.learning_rate`.
        default: The configuration of the arm's first trial, one value for each name in `space`.
    """

    index: int
    name: str
    model: str
    loss: str
    weighting: str
    space: Space
    default: Mapping[str, Scalar]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Design:
    """All that the plan depends on, and nothing else.

    Attributes:
        seed: The study's seed.
        arms: In the study file's order; `arms[i].index == i`.
        marks: Iterations at which trials are evaluated, increasing; the last is the training's length.
        eta: One in `eta` of a cohort goes on at each mark but the last; 1 sends all on.
        trials_per_arm: Search-stage trials of each arm in each of its searches.
        cohort: Trials that are sampled together; divides `trials_per_arm`.
        sampler: How configurations are drawn.
        searches: Independent searches of each arm.
        final_seeds: Trainings of each search's winner in each fold.
        folds: Number of folds; 1 where the split has none.
        search_in: Whether a search runs in every fold or in the first one only.
        maximize: Whether a greater objective is better.
        independent: Whether each mark of the final stage is a training by itself. The plan is the same; a final
            segment then costs the iterations of its whole mark.
    """

    seed: int
    arms: tuple[Arm, ...]
    marks: tuple[int, ...]
    eta: int = 2
    trials_per_arm: int = 18
    cohort: int = 6
    sampler: Literal["tpe", "random", "grid", "qmc"] = "tpe"
    searches: int = 1
    final_seeds: int = 3
    folds: int = 1
    search_in: Literal["first_fold", "each_fold"] = "first_fold"
    maximize: bool = True
    independent: bool = False

    @property
    def steps(self) -> tuple[int, ...]:
        """Iterations that a search trial trains on its way to each mark."""
        return tuple(stop - start for start, stop in pairwise((0, *self.marks)))

    @property
    def final_steps(self) -> tuple[int, ...]:
        """Iterations that a final trial trains on its way to each mark."""
        return self.marks if self.independent else self.steps


KEY = re.compile(r"(search|final)-a(\d{1,6})-r(\d{1,6})-f(\d{1,6})-n(\d{1,9})", re.ASCII)
"""A trial's key as text."""


@dataclasses.dataclass(frozen=True, order=True, slots=True)
class TrialKey:
    """The key of a trial in its study. `number` counts a search's trials, or a winner's final seeds, from 0."""

    stage: Stage
    arm: int
    search: int
    fold: int
    number: int

    def __str__(self) -> str:
        return f"{self.stage}-a{self.arm:02d}-r{self.search}-f{self.fold}-n{self.number:03d}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a key from its text.

        Raises:
            ValueError: The text is no key.
        """
        found = KEY.fullmatch(text)
        if found is None:
            raise ValueError(f"expected a trial's key such as search-a00-r0-f0-n000, found {text[:60]!r}")
        arm, search, fold, number = map(int, found.groups()[1:])
        return cls("search" if found[1] == "search" else "final", arm, search, fold, number)


@dataclasses.dataclass(frozen=True, slots=True)
class PlannedTrial:
    """A trial as the planner makes it; the ledger inserts it once and it never changes.

    Attributes:
        key: Which trial.
        cohort: Which cohort of its search, from 0; 0 in the final stage.
        seed: Seed of its random streams, 63 bits.
        parameters: One value for each name in the arm's space.
        source: In the final stage, the search trial whose configuration it is; None where the arm had nothing to tune.
    """

    key: TrialKey
    cohort: int
    seed: int
    parameters: Mapping[str, Scalar]
    source: TrialKey | None = None


@dataclasses.dataclass(slots=True)
class KnownTrial:
    """A trial with what the ledger knows of it.

    Attributes:
        plan: As inserted.
        status: `open` until it ends; then never again `open`.
        values: Objective by mark, for the marks that are done; None where all cases' values are missing.
    """

    plan: PlannedTrial
    status: Status = "open"
    values: dict[int, float | None] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, order=True, slots=True)
class Segment:
    """One trial's training from one mark (or 0) to the next: the unit of work. Repeating it changes nothing."""

    trial: TrialKey
    start: int
    stop: int
