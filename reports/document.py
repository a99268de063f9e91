"""A report before it is written: its sentences and tables, the same for every format."""

import dataclasses

from reports.prose import claims, remarks, summary
from reports.prose.methods import methods
from reports.results.results import Results
from reports.tables import cost_tables, result_tables
from reports.tables.best_of_n import best_of_table
from reports.tables.checklist import checklist
from reports.tables.comparison_table import best_table, comparison_table
from reports.tables.default_table import default_table
from reports.tables.importance_table import importance_table
from reports.tables.lesion_tables import lesion_tables
from reports.tables.mark_tables import mark_tables
from reports.tables.protocol_differences import difference_tables
from reports.tables.requested_tables import requested_tables
from reports.tables.spread_tables import quartile_table, spread_table
from reports.tables.table import Table


@dataclasses.dataclass(frozen=True, kw_only=True)
class Document:
    """The content of a report.

    Attributes:
        name: The study's name.
        headline: The study in one line.
        complete: Whether the study is finished.
        claims: Sentences that the results support.
        missing: Results that are still to come, or were lost.
        remarks: Warnings to be read with the tables.
        requested: Tables of the study file (`report.tables`).
        protocols: Differences from the protocols of the papers shown, one table per data set.
        regions: Test results at the last mark, one table per region, the objective's first.
        differences: Each arm against the baseline; None without comparisons.
        to_best: Each arm against the best; None without a declared margin.
        defaults: Each tuned arm beside its default parameters; None unless `budget.defaults` is set.
        marks: The objective by iteration, one table per region; empty with a single mark.
        lesions: Detected and false lesions by arm and size, one table per region; empty unless `report.lesions` is
            set.
        spread: Spread between patients, seeds and searches; None without scores.
        quartiles: Median and quartiles of distances and volumes; None without such metrics.
        checklist: Items of reporting guidelines with what the ledger answers; None for several studies.
        search: Chosen configurations with their validation values; None without tuning.
        best_of: Validation values that smaller searches would have reached; None without tuning.
        importance: Importance of each tuned parameter on validation cases; None with too few trials.
        budget: Trials, failures, hours.
        failures: Reasons of failed trials; None without failures.
        methods: Paragraphs for the manuscript.
        facts: (name, value) pairs that describe the study.
    """

    name: str
    headline: str
    complete: bool
    claims: tuple[str, ...]
    missing: tuple[str, ...]
    remarks: tuple[str, ...]
    requested: tuple[Table, ...]
    protocols: tuple[Table, ...]
    regions: tuple[Table, ...]
    differences: Table | None
    to_best: Table | None
    defaults: Table | None
    marks: tuple[Table, ...]
    lesions: tuple[Table, ...]
    spread: Table | None
    quartiles: Table | None
    search: Table | None
    best_of: Table | None
    importance: Table | None
    budget: Table
    failures: Table | None
    checklist: Table | None
    methods: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, in reading order."""
        results = (
            *self.requested,
            *self.protocols,
            *self.regions,
            self.differences,
            self.to_best,
            self.defaults,
            *self.marks,
            *self.lesions,
        )
        spread = (self.spread, self.quartiles)
        cost = (self.search, self.best_of, self.importance, self.budget, self.failures)
        found = (*results, *spread, *cost, self.checklist)
        return tuple(table for table in found if table is not None)


def document(results: Results) -> Document:
    """Builds the report of one study."""
    return Document(
        name=results.records.study.name,
        headline=summary.headline(results),
        complete=results.complete,
        claims=claims.claims(results),
        missing=remarks.missing(results),
        remarks=remarks.remarks(results),
        requested=requested_tables(results),
        protocols=difference_tables(results),
        regions=result_tables.region_tables(results),
        differences=comparison_table(results),
        to_best=best_table(results),
        defaults=default_table(results),
        marks=mark_tables(results),
        lesions=lesion_tables(results),
        spread=spread_table(results),
        quartiles=quartile_table(results),
        search=cost_tables.search_table(results),
        best_of=best_of_table(results),
        importance=importance_table(results),
        budget=cost_tables.budget_table(results),
        failures=cost_tables.failure_table(results),
        checklist=checklist(results),
        methods=methods(results),
        facts=summary.facts(results),
    )
