"""What `check` says, as a person reads it: the data, the plan, the warnings."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from search_spaces.grammar import Choice, Fixed, Parameter, Scalar
from study.checks import Check, ceilings
from study.design import Arm
from study.splits import Role
from study.words import counted
from trainables.data.inspect import CaseFacts

ROLES: tuple[Role, ...] = ("train", "validation", "test")


def text(check: Check) -> RenderableType:
    """The whole."""
    study = check.study
    parts: list[RenderableType] = [
        Text(f"{study.name}: {len(study.arms)} arms on {len(check.facts)} cases, {study.dim}D", style="bold"),
        Text(),
        _data(check),
        Text(),
        _ceilings(check),
        Text(),
        _plan(check),
        Text(),
        _parameters(study.arms),
    ]
    if check.warnings:
        parts += [Text(), *(Text(f"Note: {warning}", style="yellow") for warning in check.warnings)]
    return Group(*parts)


def _pairs() -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    return table


def _data(check: Check) -> Table:
    facts, study = check.facts, check.study
    table = _pairs()
    table.add_row("data", str(study.dataset.path))
    groups = "unknown groups" if study.dataset.group == "unknown" else counted(len({f.group for f in facts}), "group")
    table.add_row("cases", f"{len(facts)} of {groups}, {counted(facts[0].channels, 'channel')}")
    axes = "z, y, x" if study.dim == 3 else "y, x"
    table.add_row("voxels", f"{_spread([fact.shape for fact in facts])} ({axes})")
    spacings = [fact.spacing for fact in facts if fact.spacing is not None]
    unknown = "" if len(spacings) == len(facts) else f", unknown in {len(facts) - len(spacings)}"
    table.add_row("spacing", f"{_spread(spacings)} mm{unknown}" if spacings else "unknown: distances are in pixels")
    for label in study.dataset.labels:
        counts = [fact.voxels[label] for fact in facts]
        present = sum(count > 0 for count in counts)
        table.add_row(label, f"in {present} of {len(facts)} cases, {int(median(counts)):,} voxels in the middle one")
    for fold, roles in enumerate(check.splits):
        table.add_row("split" if len(check.splits) == 1 else f"fold {fold + 1}", _split(facts, roles))
    return table


def _split(facts: Sequence[CaseFacts], roles: Mapping[str, Role]) -> str:
    parts = []
    for role in ROLES:
        inside = [fact for fact in facts if roles[fact.name] == role]
        groups = len({fact.group for fact in inside})
        parts.append(f"{role} {len(inside)}" + (f" of {counted(groups, 'group')}" if groups < len(inside) else ""))
    return ", ".join(parts)


def _ceilings(check: Check) -> Table:
    table = _table("region", "ceiling (Dice): mean", "lowest")
    for region, found in ceilings(check.facts).items():
        table.add_row(region, f"{found['mean']:.3f}", f"{found['lowest']:.3f}")
    return table


def _plan(check: Check) -> Group:
    study = check.study
    table = _table("arm", "trials", f"to {study.marks[-1]}", "final", "segments", "iterations")
    for work in check.work:
        table.add_row(
            work.arm, str(work.search_trials), str(work.reach_last), str(work.final_trials), str(work.segments),
            f"{work.iterations:,}",
        )  # fmt: skip
    totals = [sum(getattr(work, name) for work in check.work) for name in TOTALS]
    table.add_row("all", *(f"{total:,}" for total in totals), style="bold")
    budget = study.budget
    how = (
        f"{budget.sampler}, cohorts of {budget.cohort}, evaluated at {', '.join(map(str, study.marks))} iterations; "
        f"{counted(check.slots, 'segment')} at once here"
    )
    return Group(table, Text(how, style="dim"))


TOTALS = ("search_trials", "reach_last", "final_trials", "segments", "iterations")


def _parameters(arms: Sequence[Arm]) -> Table:
    """What varies and what does not, once for each network and loss and once for the training."""
    table = _table("part", "searched", "fixed")
    for heading, prefix, having in _parts(arms):
        own = [name for name in having.space if name.startswith(f"{prefix}.")]
        searched = [name for name in own if not isinstance(having.space[name], Fixed)]
        fixed = [name for name in own if name not in searched]
        table.add_row(
            heading,
            "\n".join(f"{_short(name)} {_written(having.space[name], having.default[name])}" for name in searched)
            or "–",
            ", ".join(f"{_short(name)} {_scalar(having.default[name])}" for name in fixed) or "–",
        )
    for column in table.columns[1:]:
        column.justify = "left"
    return table


def _parts(arms: Sequence[Arm]) -> Iterable[tuple[str, str, Arm]]:
    """(what it is called, the names' prefix, an arm that has it)."""
    models = {arm.model: arm for arm in reversed(arms)}
    losses = {arm.loss: arm for arm in reversed(arms)}
    yield from ((name, "model", models[name]) for name in dict.fromkeys(arm.model for arm in arms))
    yield from ((name, "loss", losses[name]) for name in dict.fromkeys(arm.loss for arm in arms))
    yield "training", "training", arms[0]


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", no_wrap=index == 0)
    return table


def _short(name: str) -> str:
    return name.partition(".")[2]


def _written(parameter: Parameter, default: Scalar) -> str:
    """`0.5 to 5, first 2`: the first trial of an arm has the default."""
    if isinstance(parameter, Fixed):
        return _scalar(parameter.value)
    if isinstance(parameter, Choice):
        return f"{' | '.join(map(_scalar, parameter.values))}, first {_scalar(default)}"
    how = (", log" if parameter.log else "") + ("" if parameter.step is None else f", step {parameter.step:g}")
    return f"{parameter.low:g} to {parameter.high:g}{how}, first {_scalar(default)}"


def _scalar(value: Scalar) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _spread(sizes: Sequence[Sequence[float]]) -> str:
    """`48×64×64`, or `40..50 × 60 × 64..70` where they differ."""
    sides = []
    for side in zip(*sizes, strict=False):
        low, high = min(side), max(side)
        sides.append(f"{low:.4g}" if low == high else f"{low:.4g}..{high:.4g}")
    return " × ".join(sides)
