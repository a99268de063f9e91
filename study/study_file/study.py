"""The study file as a whole: checked, and turned into the inputs of planner and trials.

All that is wrong is said at once, each with its key, what was found and what is allowed.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import SkipValidation

from search_spaces.defaults import MODELS, SGD_LEARNING_RATE, TRAINING
from search_spaces.gradient_scales import gradient_scale, sgd_learning_rate
from search_spaces.grammar import Fixed, Parameter, Scalar, nested, written
from search_spaces.metrics import better, scored
from search_spaces.values import first_of
from study.design import DEFAULTS, Arm, Design, arm_name
from study.study_file.across_sections import across
from study.study_file.dataset import Dataset
from study.study_file.errors import Lines, SpecError
from study.study_file.learning import Length, Plateau, schedules_of
from study.study_file.losses import BACKGROUND_AND_REGION, usual_value
from study.study_file.parameters import AUTO
from study.study_file.preprocess import Preprocess
from study.study_file.read import names_of, read
from study.study_file.sections import Budget, Inference, Objective, Patch, Report, Resources
from study.study_file.sections_base import Section
from trainables.data.augmentation import recipes

Parameters = Annotated[Mapping[str, Parameter], SkipValidation]


class Training(Length):
    """The training of all networks.

    Attributes:
        parameters: Parameters that may vary, by name: `optimizer`, `learning_rate`, …
    """

    parameters: Parameters


class Study(Section):
    """A study file that was checked. Made by `load` or `Study.from_plain`, never by hand.

    Attributes:
        name: Its name in the ledger, fit for a folder.
        seed: Seed of everything.
        dataset: Where the cases are and what their masks mean.
        preprocess: Steps applied to each image once.
        patch: Input of a network at a time.
        augment: Names of augmentations, in order, some with options.
        models: Name → parameters.
        losses: Name → parameters.
        weighting: Each loss is compared with each of these: `none`, `inverse`.
        training: How a network learns.
        budget: How much each arm may try.
        objective: The score that a search improves.
        inference: How a network is applied to a whole image.
        report: Contents of the tables.
        resources: Resources of a trial.
    """

    name: str
    seed: int
    dataset: Dataset
    preprocess: Preprocess
    patch: Patch
    augment: tuple[Any, ...]
    models: Annotated[Mapping[str, Mapping[str, Parameter]], SkipValidation]
    losses: Annotated[Mapping[str, Mapping[str, Parameter]], SkipValidation]
    weighting: tuple[Literal["none", "inverse"], ...]
    training: Training
    budget: Budget
    objective: Objective
    inference: Inference
    report: Report
    resources: Resources

    @property
    def dim(self) -> Literal[2, 3]:
        """Dimensions of images and patches."""
        return 2 if len(self.patch.size) == 2 else 3

    @property
    def classes(self) -> tuple[str, ...]:
        """Names by class index."""
        return ("background", *self.dataset.labels)

    @property
    def loss_classes(self) -> tuple[str, ...]:
        """Names of the classes that a loss sees; with overlapping regions each region is a two-class problem."""
        return BACKGROUND_AND_REGION if self.dataset.train_on == "regions" else self.classes

    @property
    def regions(self) -> dict[str, tuple[int, ...]]:
        """Region → class indices whose union it is."""
        index = {name: number for number, name in enumerate(self.classes)}
        return {name: tuple(index[label] for label in labels) for name, labels in (self.dataset.regions or {}).items()}

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of every trial: the report's metrics of a case, and the objective's."""
        return scored((*self.report.metrics, self.objective.metric))

    @property
    def maximize(self) -> bool:
        """Whether a greater objective is better."""
        return better(self.objective.metric) == "greater"

    @property
    def marks(self) -> tuple[int, ...]:
        """Iterations at which trials are evaluated; the last is the training's length."""
        return (self.training.iterations,) if self.budget.halving is None else self.budget.halving.marks

    @property
    def folds(self) -> int:
        """Number of folds; 1 where the split has none."""
        return self.dataset.split.folds or 1

    @property
    def needs_components(self) -> bool:
        """Whether a loss or a sampling uses lesions."""
        return "inverse" in self.weighting or self.patch.sampling == "lesion"

    @property
    def baseline(self) -> str:
        """The arm that others are compared with."""
        return self.report.baseline or self.arms[0].name

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """Every model with every loss and weighting, in the file's order; then those of the defaults."""
        named = [(model, loss, how) for model in self.models for loss in self.losses for how in self.weighting]
        arms = [self._arm(index, *names) for index, names in enumerate(named)]
        tuned = [arm for arm in arms if any(not isinstance(known, Fixed) for known in arm.space.values())]
        beside = enumerate(tuned if self.budget.defaults else (), len(arms))
        return (*arms, *(_at_defaults(arm, index) for index, arm in beside))

    def _arm(self, index: int, model: str, loss: str, weighting: str) -> Arm:
        training, usual = dict(self.training.parameters), dict(TRAINING)
        if training["optimizer"] == Fixed("sgd"):
            usual["learning_rate"] = SGD_LEARNING_RATE
        if training["learning_rate"] == Fixed(AUTO):
            usual["learning_rate"] = sgd_learning_rate(gradient_scale(loss, self.losses[loss], weighting))
            training["learning_rate"] = usual["learning_rate"].search or training["learning_rate"]
        space: dict[str, Parameter] = {}
        default: dict[str, Scalar] = {}
        for room, parameters, values in (
            ("model", self.models[model], {name: known.value for name, known in MODELS.get(model, {}).items()}),
            (
                "loss",
                self.losses[loss],
                {name: usual_value(loss, name, self.loss_classes) for name in self.losses[loss]},
            ),
            ("training", training, {name: known.value for name, known in usual.items()}),
        ):
            for name, parameter in parameters.items():
                space[f"{room}.{name}"] = parameter
                default[f"{room}.{name}"] = first_of(parameter, values.get(name))
        return Arm(index, arm_name(model, loss, weighting), model, loss, weighting, space, default)

    def design(self, known: Sequence[str] = ()) -> Design:
        """Return the planner's input.

        Args:
            known: Names of the arms that the ledger has, in its order: they keep their numbers, new arms follow.

        Raises:
            ValueError: An arm of the ledger is not in the file (`difference` says so before).
        """
        named = {arm.name: arm for arm in self.arms}
        if missing := [name for name in known if name not in named]:
            raise ValueError(f"the file lacks arms that the ledger has: {', '.join(missing)}")
        order = [*known, *(name for name in named if name not in known)]
        halving = self.budget.halving
        return Design(
            seed=self.seed,
            arms=tuple(dataclasses.replace(named[name], index=index) for index, name in enumerate(order)),
            marks=self.marks,
            eta=1 if halving is None else halving.eta,
            trials_per_arm=self.budget.trials_per_arm,
            cohort=self.budget.cohort,
            sampler=self.budget.sampler,
            searches=self.budget.searches,
            final_seeds=self.budget.final_seeds,
            folds=self.folds,
            search_in=self.budget.search_in,
            maximize=self.maximize,
            independent=self.budget.marks == "independent",
        )

    def plain(self) -> dict[str, Any]:
        """Return the whole file as JSON-able data with all defaults; reading it gives the same study.

        The order of `labels`, `models` and `losses` has a meaning: do not sort the keys.
        """
        plain = self.model_dump(mode="json", exclude={"models", "losses", "training"})
        for key, entries in (("models", self.models), ("losses", self.losses)):
            plain[key] = {name: _written(parameters) for name, parameters in entries.items()}
        plain["training"] = {
            **self.training.model_dump(mode="json", exclude={"parameters"}),
            **_written(self.training.parameters),
        }
        return {key: plain[key] for key in type(self).model_fields}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], *, source: str = "study", lines: Lines | None = None) -> Self:
        """Make a study from the tree of its file, complete or not.

        Args:
            plain: Mappings, lists and scalars.
            source: Name of the file in errors.
            lines: Where each key was written.

        Raises:
            SpecError: With all that is wrong.
        """
        values, problems = read(plain)
        problems += across(values, list(names_of(plain.get("models"))), list(names_of(plain.get("losses"))))
        if problems:
            raise SpecError(source, [problem.line(lines or {}) for problem in problems])
        top, length = values.pop("top_level"), values.pop("length")
        top = top.model_copy(update={"augment": recipes.written(top.augment)})
        if length.plateau is None and "plateau" in schedules_of(values["training"]):
            length = length.model_copy(update={"plateau": Plateau()})
        values["training"] = Training(**dict(length), parameters=values["training"])
        values["dataset"] = values["dataset"].model_copy(update={"regions": values["dataset"].scored})
        patch = values["patch"]
        values["patch"] = patch.model_copy(update={"overlap": patch.overlapped, "foreground": patch.centred})
        return cls(**dict(top), **values)


def _at_defaults(arm: Arm, index: int) -> Arm:
    """Return the arm with nothing to tune: the planner takes it to its final stage at once."""
    space: dict[str, Parameter] = {name: Fixed(value) for name, value in arm.default.items()}
    return dataclasses.replace(arm, index=index, name=arm.name + DEFAULTS, space=space)


def _written(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    return nested({name: written(parameter) for name, parameter in parameters.items()})
