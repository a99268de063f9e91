"""Results as a pandas data frame, for notebooks and further analyses; reports themselves do not load pandas."""

from typing import TYPE_CHECKING

from reports.results.results import Results
from reports.results.tidy import COLUMNS, final_lines, search_lines
from study.design import Stage

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("mean", "low", "high", "baseline_p")
COUNTS = ("iteration", "n")


def frame(*studies: Results, stage: Stage = "final") -> "pd.DataFrame":
    """Returns the tidy frame of one or more studies, with the columns of the tidy CSV.

    Args:
        studies: At least one.
        stage: `final` for test values and the papers' rows; `search` for validation values of search trials.

    Returns:
        One number per row. Means, ends of intervals and p are float64, NaN where there is none; iterations and
        numbers of cases are nullable integers; everything else is text, missing where it does not apply.
    """
    import pandas as pd

    lines = {"final": final_lines, "search": search_lines}[stage](studies)
    found = pd.DataFrame([{name: line.get(name) for name in COLUMNS} for line in lines], columns=list(COLUMNS))
    types = {name: "float64" if name in NUMBERS else "Int64" if name in COUNTS else "string" for name in COLUMNS}
    return found.astype(types)
