"""A report before it is written: its sentences and tables, the same for every format."""

import dataclasses

from reports.prose import claims, summary
from reports.prose.methods import methods
from reports.results.results import Results
from reports.tables import cost_tables, result_tables
from reports.tables.best_of_n import best_of_table
from reports.tables.default_table import default_table
from reports.tables.importance_table import importance_table
from reports.tables.lesion_tables import lesion_tables
from reports.tables.protocol_differences import difference_tables
from reports.tables.requested_tables import asked_tables
from reports.tables.table import Table


@dataclasses.dataclass(frozen=True, kw_only=True)
class Document:
    """What a report says.

    Attributes:
        name: The study's name.
        headline: The study in one line.
        complete: Whether nothing is owed any more.
        claims: What may be claimed, in sentences.
        missing: What the study still owes, or will never have.
        remarks: What a reader must know.
        asked: The tables that the study file asks for.
        protocols: What differs from the papers whose numbers stand there, a table a data set.
        regions: Test results at the last mark, a table a region, the objective's first.
        differences: Each arm against the baseline; None where nothing is compared.
        defaults: Each tuned arm beside its default parameters; None unless the file asks for it.
        marks: The objective by iteration, a table a region; none where there is one mark only.
        lesions: Lesions found and falsely found by arm and size, a table a region; none unless the file wants them.
        search: What the searches found on validation cases; None where nothing was tuned.
        best_of: What smaller searches would have found, on validation cases; None where nothing was tuned.
        importance: How much each tuned parameter matters, likewise; None where there were too few trials.
        budget: Trials, failures, hours.
        failures: Why trials failed; None where none did.
        methods: Paragraphs for the manuscript.
        facts: The study in a few facts.
    """

    name: str
    headline: str
    complete: bool
    claims: tuple[str, ...]
    missing: tuple[str, ...]
    remarks: tuple[str, ...]
    asked: tuple[Table, ...]
    protocols: tuple[Table, ...]
    regions: tuple[Table, ...]
    differences: Table | None
    defaults: Table | None
    marks: tuple[Table, ...]
    lesions: tuple[Table, ...]
    search: Table | None
    best_of: Table | None
    importance: Table | None
    budget: Table
    failures: Table | None
    methods: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables in reading order."""
        results = (
            *self.asked,
            *self.protocols,
            *self.regions,
            self.differences,
            self.defaults,
            *self.marks,
            *self.lesions,
        )
        found = (*results, self.search, self.best_of, self.importance, self.budget, self.failures)
        return tuple(table for table in found if table is not None)


def document(results: Results) -> Document:
    """Puts the report together."""
    return Document(
        name=results.records.study.name,
        headline=summary.headline(results),
        complete=results.complete,
        claims=claims.claims(results),
        missing=claims.missing(results),
        remarks=claims.remarks(results),
        asked=asked_tables(results),
        protocols=difference_tables(results),
        regions=result_tables.region_tables(results),
        differences=result_tables.comparison_table(results),
        defaults=default_table(results),
        marks=result_tables.mark_tables(results),
        lesions=lesion_tables(results),
        search=cost_tables.search_table(results),
        best_of=best_of_table(results),
        importance=importance_table(results),
        budget=cost_tables.budget_table(results),
        failures=cost_tables.failure_table(results),
        methods=methods(results),
        facts=summary.facts(results),
    )
