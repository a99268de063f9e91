"""Tables of cost: search results on validation cases, budget used, failures."""

from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.results.names import region as region_name
from reports.results.number_format import NONE
from reports.results.results import ArmResult, Results
from reports.tables.result_tables import row_state
from reports.tables.table import Entry, Row, State, Table


def search_table(results: Results) -> Table | None:
    """Returns the chosen configurations with validation values; None if nothing is tuned."""
    metric, rows = METRICS[results.protocol.metric], []
    many = results.protocol.searches > 1 or (results.protocol.search_in == "each_fold" and results.protocol.folds > 1)
    for arm in results.arms:
        search = arm.progress.search
        for winner in arm.progress.winners if search.planned else ():
            which = f" (search {winner.search + 1}, fold {winner.fold + 1})" if many else ""
            entries = (
                Entry(arm.row.name + which),
                Entry(number_format.parameters(winner.parameters)),
                *_linked(
                    arm,
                    number_format.fixed(winner.values.get(results.protocol.last), metric.decimals),
                    number_format.fixed(winner.default, metric.decimals),
                    f"{search.reached} of {search.planned}",
                ),
            )
            rows.append(Row(entries))
        if search.planned and not arm.progress.winners:
            word = "failed" if arm.standing == "failed" else "searching"
            state: State = "failed" if word == "failed" else "unfinished"
            reached = _linked(arm, f"{search.reached} of {search.planned}")
            rows.append(Row((Entry(arm.row.name), Entry(word), Entry(NONE), Entry(NONE), *reached), state))
    if not rows:
        return None
    return Table(
        key="search",
        title=f"Search, validation cases only: {metric.label}, {region_name(results, results.protocol.region)}",
        columns=("Arm", "Chosen parameters", f"Chosen {metric.arrow}", "Default", "At the last mark"),
        rows=tuple(rows),
        notes=(
            "The chosen value is too good, since it was chosen for it: not to be set beside test values. "
            "Default: the arm's own defaults, where they reached the last mark.",
        ),
        words=frozenset({0, 1}),
    )


def _linked(arm: ArmResult, *words: str) -> list[Entry]:
    """Returns entries that link to the arm's trials."""
    return [Entry(word, arm=arm.row.number) for word in words]


def budget_table(results: Results) -> Table:
    """Returns trials, failures and hours of each arm."""
    rows = []
    gpu = any(arm.progress.gpu_hours for arm in results.every_arm)
    for arm in results.every_arm:
        search, trainings, hours = arm.progress.search, arm.trainings, arm.progress.hours
        counts = [str(search.counts.get(status, 0)) for status in ("finished", "halved", "failed", "lost")]
        words = [
            f"{search.ended} of {search.planned}" if search.planned else "nothing to tune",
            *(counts if search.planned else [NONE] * 4),
            f"{trainings.ended} of {trainings.planned}",
            str(trainings.diverged + trainings.missing),
            number_format.hours(hours["search"]),
            number_format.hours(hours["final"]),
            *([number_format.hours(arm.progress.gpu_hours)] if gpu else []),
        ]
        rows.append(Row((Entry(arm.row.name), *_linked(arm, *words)), row_state(results, arm)))
    return Table(
        key="budget",
        title="Budget used",
        columns=(
            "Arm",
            "search trials",
            "finished",
            "halved",
            "failed",
            "lost",
            "final trainings",
            "failed or lost",
            "search h",
            "final h",
            *(["GPU h"] if gpu else []),
        ),
        rows=tuple(rows),
        notes=(
            "Hours: wall time of all attempts, failed and repeated ones included.",
            *([_gpu_note(results)] if gpu else []),
        ),
    )


def _gpu_note(results: Results) -> str:
    share = results.records.study.file["resources"].get("gpu")
    if isinstance(share, int | float):
        return f"GPU h: of trials that ran on a GPU, times the share of {share:g} that each had."
    return "GPU h: of trials that ran on a GPU, whatever share of it they had."


def failure_table(results: Results, longest: int = 8) -> Table | None:
    """Returns the most frequent reasons of failed trials by arm; None without failures."""
    rows: list[Row] = []
    for arm in results.every_arm:
        reasons = sorted(arm.progress.failures.items(), key=lambda item: -item[1])
        for (stage, status, reason), number in reasons[:longest]:
            rows.append(
                Row((Entry(arm.row.name), Entry(stage), Entry(status), Entry(str(number)), Entry(_short(reason))))
            )
        if len(reasons) > longest:
            rest = sum(number for _, number in reasons[longest:])
            rows.append(Row((Entry(arm.row.name), Entry(""), Entry(""), Entry(str(rest)), Entry("other reasons"))))
    if not rows:
        return None
    return Table(
        key="failures",
        title="Failures",
        columns=("Arm", "stage", "status", "trials", "reason"),
        rows=tuple(rows),
        words=frozenset({0, 1, 2, 4}),
    )


def _short(reason: str, letters: int = 200) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= letters else line[: letters - 1] + "…"
