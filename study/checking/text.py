"""Text of `check` for the terminal: the data, the plan, the warnings."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from search_spaces.grammar import Choice, Fixed, Parameter, Scalar
from study.checking.check import Check
from study.checking.detectable_difference import detectable
from study.checking.tables import FAR_FROM_THE_REST, Sheet, facts_of, outlier_lines, sheets
from study.design import Arm
from study.in_words import counted


def text(check: Check) -> RenderableType:
    """Return the whole text."""
    study = check.study
    parts: list[RenderableType] = [
        Text(f"{study.name}: {len(study.arms)} arms on {len(check.facts)} cases, {study.dim}D", style="bold"),
        _data(check),
        *map(_rows, sheets(check)),
        _plan(check),
        _parameters(study.arms),
    ]
    shown: list[RenderableType] = [parts[0]]
    for part in parts[1:]:
        shown += [Text(), part]
    if check.overview.outliers:
        lines = (Text(f"  {line}") for line in outlier_lines(check.overview))
        shown += [Text(), Text(FAR_FROM_THE_REST, style="dim"), *lines]
    if check.warnings:
        shown += [Text(), *(Text(f"Note: {warning}", style="yellow") for warning in check.warnings)]
    return Group(*shown)


def _pairs() -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    return table


def _data(check: Check) -> Table:
    table = _pairs()
    for what, how in facts_of(check):
        table.add_row(what, how)
    return table


def _rows(sheet: Sheet) -> Table:
    table = _table(*sheet.columns)
    for row in sheet.rows:
        table.add_row(*row)
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
    found = detectable(check.study, check.facts, check.splits)
    lines = [how] if found is None else [how, found.text]
    return Group(table, *(Text(line, style="dim") for line in lines))


TOTALS = ("search_trials", "reach_last", "final_trials", "segments", "iterations")


def _parameters(arms: Sequence[Arm]) -> Table:
    """Return varied and fixed parameters, once for each network and loss and once for the training."""
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
    """Yield (title, prefix of parameter names, an arm that has them)."""
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
    """Return a range as `0.5 to 5, first 2`: the first trial of an arm uses the default."""
    if isinstance(parameter, Fixed):
        return _scalar(parameter.value)
    if isinstance(parameter, Choice):
        return f"{' | '.join(map(_scalar, parameter.values))}, first {_scalar(default)}"
    how = (", log" if parameter.log else "") + ("" if parameter.step is None else f", step {parameter.step:g}")
    return f"{parameter.low:g} to {parameter.high:g}{how}, first {_scalar(default)}"


def _scalar(value: Scalar) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
