"""Reports: from a ledger to files, or to text for a terminal. The same ledger gives the same bytes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports.document import Document, document
from reports.figures.files import figure_files
from reports.formats import html, latex, markdown, terminal, tidy_csv
from reports.formats.visible import visible
from reports.formats.xlsx import workbook
from reports.prose.bibliography import bibliography
from reports.results.records import Pictures, read
from reports.results.results import Results, results
from reports.side_by_side import together
from reports.tables.ranks_over_datasets import ranked
from study.design import Stage
from trainables.errors import InputError
from trainables.storage.requested_files import replace_files

if TYPE_CHECKING:
    import pandas as pd

Writer = Callable[[Document, Sequence[Results], Pictures], str]

FORMATS: Mapping[str, Mapping[str, Writer]] = {
    "md": {"report.md": lambda said, _, __: markdown.markdown(said)},
    "csv": {
        "results.csv": lambda _, found, __: tidy_csv.final_csv(*found),
        "cases.csv": lambda _, found, __: tidy_csv.cases_csv(*found),
        "search.csv": lambda _, found, __: tidy_csv.search_csv(*found),
    },
    "tex": {"report.tex": lambda said, _, __: latex.latex(said)},
    "html": {"report.html": lambda said, found, drawn: html.page(said, found, drawn)},
    "bib": {"references.bib": lambda _, found, __: bibliography(*found)},
}
"""Format → file name → its writer."""

Binary = Callable[[Document, Sequence[Results], Pictures], Mapping[str, bytes]]

ON_REQUEST: Mapping[str, Binary] = {
    "xlsx": lambda said, found, _: {"report.xlsx": workbook(said, found)},
    "figures": lambda _, found, drawn: {
        f"figures/{name}": content for name, content in figure_files(found, drawn).items()
    },
}
"""Formats that are written only on request: format → function that returns file name → bytes."""


def write(
    ledger: str | Path, study: str | Sequence[str], folder: str | Path, formats: Sequence[str] = tuple(FORMATS)
) -> dict[str, Path]:
    """Writes the report of a study, or of several together.

    Args:
        ledger: Path or URL of the ledger; it is only read.
        study: The study's name, or the names of several, each a column.
        folder: Where the files go; created if it is missing. All files are replaced, each atomically, or none.
        formats: Keys of `FORMATS` or `ON_REQUEST`.

    Returns:
        File name → path.

    Raises:
        InputError: No such ledger or study, a study named twice, an unknown format, or figures of several studies
            that cannot be ranked.
        OSError: A file, its `filename`, cannot be written; none was replaced.
    """
    if unknown := [name for name in formats if name not in FORMATS and name not in ON_REQUEST]:
        raise InputError(f"no report format '{unknown[0]}'; there are {', '.join((*FORMATS, *ON_REQUEST))}")
    said, found, pictures = _read(ledger, study, pictures=bool({"html", "figures"} & set(formats)))
    if "figures" in formats and len(found) > 1 and isinstance(why := ranked(found), str):
        raise InputError(f"figures of several studies are ranks over data sets: {why} Name one study for the others.")
    files: dict[str, bytes] = {}
    for key in formats:
        files |= {name: make(said, found, pictures).encode() for name, make in FORMATS.get(key, {}).items()}
        files |= ON_REQUEST[key](said, found, pictures) if key in ON_REQUEST else {}
    paths = {name: Path(folder) / name for name in files}
    for folder_of_files in {path.parent for path in paths.values()} | {Path(folder)}:
        folder_of_files.mkdir(parents=True, exist_ok=True)
    replace_files({path: files[name] for name, path in paths.items()})
    return paths


def text(ledger: str | Path, study: str | Sequence[str], width: int = 100) -> str:
    """Returns the report's main table, claims, missing results and remarks, for a terminal.

    Args:
        ledger: Path or URL of the ledger; it is only read.
        study: The study's name, or the names of several.
        width: Characters in a line of prose.

    Raises:
        InputError: No such ledger or study.
    """
    said, _, _ = _read(ledger, study, pictures=False)
    return terminal.text(said, width)


def cross_check(ledger: str | Path, study: str) -> str:
    """Returns the study's p-values beside those of SciPy and statsmodels, for a terminal.

    Args:
        ledger: Path or URL of the ledger; it is only read.
        study: The study's name.

    Raises:
        InputError: No such ledger or study, or it names no baseline.
    """
    from reports.tables.cross_check import cross_check as table  # SciPy's tests and statsmodels: a second of imports

    _, (found,), _ = _read(ledger, study, pictures=False)
    if not found.comparisons:
        raise InputError(f"{study} compares nothing: name a baseline by `report.baseline`.")
    shown = table(found)
    return visible("\n".join([terminal.table(shown), *(f"- {note}" for note in shown.notes)])) + "\n"


def frame(ledger: str | Path, study: str | Sequence[str], stage: Stage = "final") -> "pd.DataFrame":
    """Returns the numbers of a study, or of several, as a tidy pandas data frame.

    Args:
        ledger: Path or URL of the ledger; it is only read.
        study: The study's name, or the names of several.
        stage: `final` for test values, `search` for validation values.

    Raises:
        InputError: No such ledger or study.
    """
    from reports.results.frame import frame as tidy

    _, found, _ = _read(ledger, study, pictures=False)
    return tidy(*found, stage=stage)


def _read(
    ledger: str | Path, study: str | Sequence[str], *, pictures: bool
) -> tuple[Document, list[Results], Pictures]:
    names = [study] if isinstance(study, str) else list(study)
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"study '{twice[0]}' is named twice: name each once")
    alone = len(names) == 1  # a page of several studies has no pictures
    read_ones = [read(ledger, name, pictures=pictures and alone) for name in names]
    found = [results(records) for records, _ in read_ones]
    return document(found[0]) if alone else together(found), found, read_ones[0][1]
