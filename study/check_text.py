"""What `check` says, as a person reads it: the data, the plan, the warnings."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from search_spaces.grammar import Choice, Fixed, Parameter, Scalar
from study.checks import Check, ceilings
from study.design import Arm
from study.outliers import Outlier
from study.overview import STRATA, Amount, Five, Overview, Part
from study.splits import Role
from study.words import counted


def text(check: Check) -> RenderableType:
    """The whole."""
    study, seen = check.study, check.overview
    parts: list[RenderableType] = [
        Text(f"{study.name}: {len(study.arms)} arms on {len(check.facts)} cases, {study.dim}D", style="bold"),
        _data(check),
        _labels(seen),
        _lesions(seen),
        _balance(check),
        _ceilings(check),
        _plan(check),
        _parameters(study.arms),
    ]
    shown: list[RenderableType] = [parts[0]]
    for part in parts[1:]:
        shown += [Text(), part]
    if seen.outliers:
        shown += [Text(), Text("far from the rest (robust z above 3.5)", style="dim"), *map(Text, _outliers(seen))]
    if check.warnings:
        shown += [Text(), *(Text(f"Note: {warning}", style="yellow") for warning in check.warnings)]
    return Group(*shown)


def _pairs() -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    return table


def _data(check: Check) -> Table:
    facts, study, seen = check.facts, check.study, check.overview
    table = _pairs()
    table.add_row("data", str(study.dataset.path))
    groups = "unknown groups" if study.dataset.group == "unknown" else counted(seen.groups, "group")
    table.add_row("cases", f"{len(facts)} of {groups}, {counted(facts[0].channels, 'channel')}")
    axes = "z, y, x" if study.dim == 3 else "y, x"
    table.add_row("voxels", f"{_spread(seen.shape)} ({axes})")
    unknown = sum(fact.spacing is None for fact in facts)
    also = f", unknown in {unknown}" if unknown else ""
    table.add_row(
        "spacing", f"{_spread(seen.spacing)} mm{also}" if seen.spacing else "unknown: distances are in pixels"
    )
    for channel, (low, near_low, middle, near_high, high) in enumerate(seen.intensities):
        said = f"{low:.4g} to {high:.4g}; in the middle case {near_low:.4g} to {near_high:.4g}, median {middle:.4g}"
        table.add_row("intensity" if len(seen.intensities) == 1 else f"channel {channel}", said)
    for fold, parts in enumerate(seen.parts):
        table.add_row("split" if len(seen.parts) == 1 else f"fold {fold + 1}", _split(parts))
    return table


def _split(parts: Mapping[Role, Part]) -> str:
    return ", ".join(
        f"{role} {part.cases}" + (f" of {counted(part.groups, 'group')}" if part.groups < part.cases else "")
        for role, part in parts.items()
    )


def _labels(seen: Overview) -> Table:
    table = _table("label", "cases", *(f"{name} {_unit(seen)}" if name == "lowest" else name for name in FIVE))
    for label, amount in seen.labels.items():
        volumes = ("–",) * 5 if amount.volume is None else [_volume(value, seen) for value in amount.volume]
        table.add_row(label, f"{amount.cases} of {seen.cases}", *volumes)
    return table


FIVE = ("lowest", "quarter", "median", "quarter", "highest")


def _lesions(seen: Overview) -> Table:
    """Connected components of the regions by diameter."""
    cuts = [f"{name} {seen.length}" if index == 0 else name for index, name in enumerate(STRATA)]
    table = _table("components", "number", "in one case", *cuts, f"median {seen.length}")
    for region, found in seen.lesions.items():
        middle = "–" if found.diameter is None else f"{found.diameter[2]:.3g}"
        most = f"≤ {found.most:,}" if found.count else "–"
        table.add_row(region, f"{found.count:,}", most, *(f"{count:,}" for count in found.strata.values()), middle)
    return table


def _balance(check: Check) -> Table:
    """What each part has of each label; of folds the part that takes turns."""
    seen = check.overview
    if len(seen.parts) == 1:
        shown: list[tuple[str, Part]] = [(role, part) for role, part in seen.parts[0].items()]
    else:
        turning: Role = "test" if check.study.dataset.split.test is None else "validation"
        shown = [(f"fold {fold}", parts[turning]) for fold, parts in enumerate(seen.parts[:FOLDS_SHOWN], start=1)]
    table = _table(f"cases, median {_unit(seen)}", *(name for name, _ in shown))
    for label in seen.labels:
        cells = [part.labels[label] for _, part in shown]
        table.add_row(label, *(_share(cell, part, seen) for cell, (_, part) in zip(cells, shown, strict=True)))
    return table


def _share(amount: Amount, part: Part, seen: Overview) -> str:
    """`7 of 10, 3.2`: cases and median volume."""
    middle = "" if amount.volume is None else f", {_volume(amount.volume[2], seen)}"
    return f"{amount.cases} of {part.cases}{middle}"


def _outliers(seen: Overview) -> list[str]:
    """One line for each thing in which cases differ."""
    by_what: dict[str, list[Outlier]] = {}
    for each in seen.outliers:
        by_what.setdefault(each.what, []).append(each)
    return [f"  {_outlier(what, found)}" for what, found in by_what.items()]


def _outlier(what: str, found: Sequence[Outlier]) -> str:
    if found[0].usual is None:
        return f"{what}: in {found[0].case} alone"
    worst = sorted(found, key=lambda each: -abs(each.z or 0.0))
    named = ", ".join(f"{each.case} {each.value:.4g} (z {each.z:g})" for each in worst[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"{what}: {named}{more}; usually {found[0].usual:.4g}"


def _unit(seen: Overview) -> str:
    return "mL" if seen.volume == "mm³" else seen.volume


def _volume(value: float, seen: Overview) -> str:
    """In the unit of `_unit`, three figures."""
    value = value / MM3_PER_ML if seen.volume == "mm³" else value
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


SHOWN = 3
"""Outliers of one kind that are named."""
FOLDS_SHOWN = 6
MM3_PER_ML = 1000.0


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


def _spread(sides: Sequence[Five]) -> str:
    """`48 × 64 × 64`, or `40..50 × 60 × 64..70` where they differ."""
    return " × ".join(f"{low:.4g}" if low == high else f"{low:.4g}..{high:.4g}" for low, *_, high in sides)
