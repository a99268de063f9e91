"""Checks between the sections of a study file. Each looks at sections that are right by themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

from search_spaces.grammar import Fixed, Parameter
from search_spaces.metrics import KNOWN, better, of_split
from search_spaces.network_sizes import DIMS, DIVISORS
from search_spaces.values import grid_points
from study.design import arm_name
from study.in_words import counted
from study.study_file.errors import Problem, suggestion, unknown
from study.study_file.learning import schedules_of
from study.study_file.limits import batch_bytes, iteration_count, trial_count
from study.study_file.losses import class_problems
from study.study_file.preprocess import with_dataset
from study.study_file.report_section import shown_problems

LARGEST_GRID = 1_000_000
Values = Mapping[str, Any]


def across(values: Values, models: list[str], losses: list[str]) -> Iterator[Problem]:
    """Yield the problems between sections.

    Args:
        values: Sections by name, as `study.study_file.read.read` gives them; one that is missing is not looked at.
        models: Names of the models, right or wrong.
        losses: Names of the losses, right or wrong.
    """
    for needs, check in CHECKS:
        if all(name in values for name in needs):
            yield from check(values)
    if "report" in values:
        weightings = values["top_level"].weighting if "top_level" in values else ("none",)
        yield from _baseline(
            values, [arm_name(model, loss, how) for model in models for loss in losses for how in weightings]
        )


def _dimensions(values: Values) -> Iterator[Problem]:
    size, spacing = values["patch"].size, values["preprocess"].spacing
    if isinstance(spacing, tuple) and len(spacing) != len(size):
        text = f"has {len(spacing)} numbers, patch.size has {len(size)}: both are [z, y, x], or [y, x] in 2D."
        yield Problem(("preprocess", "spacing"), text)


def _networks(values: Values) -> Iterator[Problem]:
    size = values["patch"].size
    for name in values["models"]:
        if name not in DIMS:  # the user's own takes what it takes
            continue
        if len(size) not in DIMS[name]:
            fitting = [other for other, dims in DIMS.items() if len(size) in dims]
            takes = " or ".join(f"{dim}D" for dim in DIMS[name])
            text = f"takes {takes} patches, patch.size {list(size)} is {len(size)}D. There are: {', '.join(fitting)}."
            yield Problem(("models", name), text)
        elif max(size) <= DIVISORS[name]:
            text = f"{list(size)} is too small for {name}: one side at least must be above {DIVISORS[name]}."
            yield Problem(("patch", "size"), text)


def _metric(values: Values) -> Iterator[Problem]:
    objective = values["objective"]
    direction = better(objective.metric)
    if direction is None:
        yield Problem(("objective", "metric"), unknown("metric", objective.metric, KNOWN))
    elif of_split(objective.metric):
        text = f"{objective.metric} has no value for a case: choose by a metric of cases, such as dice, and report it."
        yield Problem(("objective", "metric"), text)
    elif direction == "zero":
        text = f"{objective.metric} has a sign and is best at 0: choose by volume_error, or by another metric."
        yield Problem(("objective", "metric"), text)


def _region(values: Values) -> Iterator[Problem]:
    objective, regions = values["objective"], values["dataset"].scored
    if objective.region != "mean" and objective.region not in regions:
        yield Problem(("objective", "region"), unknown("region", objective.region, ("mean", *regions)))


def _means(values: Values) -> Iterator[Problem]:
    """Refuse means of unknown regions, and means with the name of a region."""
    regions = values["dataset"].scored
    for name, parts in values["report"].means.items():
        if name in ("mean", *regions):
            yield Problem(("report", "means", name), "there is a region of that name: give the mean another one.")
        for index, part in enumerate(parts):
            if part not in regions:
                yield Problem(("report", "means", name, index), unknown("region", part, regions))


def _marks(values: Values) -> Iterator[Problem]:
    halving, iterations = values["budget"].halving, values["length"].iterations
    if halving is not None and halving.marks[-1] != iterations:
        text = f"the last is {halving.marks[-1]} and training.iterations is {iterations}: they must be equal."
        yield Problem(("budget", "halving", "marks"), text)


def _independent(values: Values) -> Iterator[Problem]:
    budget = values["budget"]
    if budget.marks == "independent" and (budget.halving is None or len(budget.halving.marks) == 1):
        text = "there is one mark only: give several as `halving: {eta: 1, marks: [5000, 10000]}`, or leave this out."
        yield Problem(("budget", "marks"), text)


def _course(values: Values) -> Iterator[Problem]:
    for problem in values["length"].against(schedules_of(values["training"])):
        yield Problem(("training", *problem.path), problem.text)


def _final_on(values: Values) -> Iterator[Problem]:
    watched = values["length"].monitors(schedules_of(values["training"]))
    if values["budget"].final_on == "train+validation" and "validation" in watched:
        text = "the final stage would choose by validation cases that it trains on: look at loss and keep the last."
        yield Problem(("budget", "final_on"), text)


def _defaults(values: Values) -> Iterator[Problem]:
    spaces = (*values["models"].values(), *values["losses"].values(), values["training"])
    if values["budget"].defaults and not any(map(_varies, spaces)):
        text = "nothing is tuned, so every arm is trained with the parameters given: leave this out."
        yield Problem(("budget", "defaults"), text)


def _weighting(values: Values) -> Iterator[Problem]:
    if values["dataset"].train_on == "regions" and "inverse" in values["top_level"].weighting:
        text = "inverse goes by the lesions of each label, and dataset.train_on is regions: take one of them."
        yield Problem(("weighting",), text)


def _sampler(values: Values) -> Iterator[Problem]:
    budget = values["budget"]
    spaces = {name: values[kind][name] for kind in ("models", "losses") for name in values[kind]}
    tuned = any(_varies(space) for space in (*spaces.values(), values["training"]))
    if budget.sampler == "tpe" and budget.trials_per_arm <= budget.cohort and tuned:
        text = (
            f"{counted(budget.trials_per_arm, 'trial')} in all: one cohort, and tpe draws its first cohort without a "
            f"model, so it would never model: give {2 * budget.cohort} or more, a smaller cohort, or sampler: random."
        )
        yield Problem(("budget", "trials_per_arm"), text)
    if budget.sampler == "grid":
        yield from _grid(values)


def _grid(values: Values) -> Iterator[Problem]:
    parts: dict[tuple[str, ...], Any] = {("training",): values["training"]}
    parts |= {(kind, name): values[kind][name] for kind in ("models", "losses") for name in values[kind]}
    continuous = False
    for path, space in parts.items():
        for name, parameter in space.items():
            if grid_points({name: parameter}) is None:
                continuous = True
                yield Problem((*path, name), "a grid needs single values: give a list, a step, or another sampler.")
    if continuous:
        return
    for model, model_space in values["models"].items():
        for loss, loss_space in values["losses"].items():
            sizes = [grid_points(space) or 1 for space in (model_space, loss_space, values["training"])]
            if (points := sizes[0] * sizes[1] * sizes[2]) > LARGEST_GRID:
                text = (
                    f"the grid of {model}+{loss} has {points:,} points, more than {LARGEST_GRID:,}: give fewer values."
                )
                yield Problem(("budget", "sampler"), text)


def _varies(space: Mapping[str, Parameter]) -> bool:
    return any(not isinstance(parameter, Fixed) for parameter in space.values())


def _baseline(values: Values, arms: list[str]) -> Iterator[Problem]:
    report = values["report"]
    if report.baseline is not None and report.baseline not in arms:
        text = f"expected an arm, model+loss, found {report.baseline!r}.{suggestion(report.baseline, arms)}"
        yield Problem(("report", "baseline"), text)
    for index, metric in enumerate(report.metrics):
        if better(metric) is None:
            yield Problem(("report", "metrics", index), unknown("metric", metric, KNOWN))
    if len(set(report.metrics)) < len(report.metrics):
        yield Problem(("report", "metrics"), f"names one twice: {list(report.metrics)}.")


def _portable(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Portable numbers on GPUs, whose kernels depend on their model."""
    if values["length"].portable and values["resources"].gpu != 0:
        text = f"`training.portable` holds kernels of processors, so say 0; found {values['resources'].gpu}."
        yield Problem(("resources", "gpu"), text)


CHECKS = (
    (("budget", "dataset", "models", "losses", "top_level"), trial_count),
    (("length",), iteration_count),
    (("patch", "training"), batch_bytes),
    (("patch", "preprocess"), _dimensions),
    (("preprocess", "dataset"), with_dataset),
    (("patch", "models"), _networks),
    (("objective",), _metric),
    (("objective", "dataset"), _region),
    (("report", "dataset"), _means),
    (("dataset", "losses"), class_problems),
    (("budget", "length"), _marks),
    (("report", "objective", "dataset", "budget", "length"), shown_problems),
    (("budget",), _independent),
    (("length", "training"), _course),
    (("length", "resources"), _portable),
    (("top_level", "dataset"), _weighting),
    (("budget", "length", "training"), _final_on),
    (("budget", "models", "losses", "training"), _sampler),
    (("budget", "models", "losses", "training"), _defaults),
)
"""(sections that a check needs, the check)."""
