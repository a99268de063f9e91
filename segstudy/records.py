"""The records of a study, read from its ledger as tidy frames: results, comparisons, trials, curves, case scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

    from study.design import TrialKey

Stage = Literal["search", "final"]
Names = str | Sequence[str]
Folder = str | Path

HOME = "runs"
OBJECTIVE = "objective"
"""Name of the objective among the curves."""


def results(name: Names, *, stage: Stage = "final", home: Folder = HOME, ledger: str | None = None) -> "pd.DataFrame":
    """Returns the numbers of the report of a study, or of several studies together.

    Args:
        name: The study's name, or several.
        stage: `final` for test values, beside the papers' own rows; `search` for validation values of search trials.
        home: Folder of the ledger.
        ledger: File or URL of the ledger, instead of the home's.

    Returns:
        One number per row: `study`, `arm`, `model`, `loss`, `weighting`, `parameters`, `stage`, `region`, `metric`,
        `iteration`, `mean`, `low` and `high` (95 % interval), `n` (cases), `baseline_p` (Holm), `published`.

    Raises:
        InputError: No such ledger or study.
    """
    from reports.build import frame

    return frame(ledger_of(home, ledger), name, stage)


def comparisons(name: str, *, home: Folder = HOME, ledger: str | None = None) -> "pd.DataFrame":
    """Returns each arm minus the baseline, in the objective at the last mark.

    Args:
        name: The study's name.
        home: Folder of the ledger.
        ledger: File or URL of the ledger, instead of the home's.

    Returns:
        One row per arm but the baseline: `arm`, `baseline`, `region`, `metric`, `iteration`, `difference`, `low` and
        `high` (95 % interval, unadjusted), `p_unadjusted`, `p` (adjusted by Holm), `cases`, `groups`, and `refused`,
        the reason why there is no p. Without a baseline the frame is empty.

    Raises:
        InputError: No such ledger or study.
    """
    import pandas as pd

    from reports.results.records import read
    from reports.results.results import results as computed

    found = computed(read(ledger_of(home, ledger), name, pictures=False)[0])
    region, metric, iteration = found.objective
    rows = []
    for comparison in found.comparisons:
        estimate = comparison.cell.estimate
        rows.append(
            {
                "arm": comparison.arm,
                "baseline": found.protocol.baseline,
                "region": region,
                "metric": metric,
                "iteration": iteration,
                "difference": estimate and estimate.mean,
                "low": estimate and estimate.low,
                "high": estimate and estimate.high,
                "p_unadjusted": estimate and estimate.p,
                "p": comparison.p,
                "cases": comparison.cell.cases,
                "groups": estimate.groups if estimate else 0,
                "refused": comparison.refused,
            }
        )
    numbers = dict.fromkeys(("difference", "low", "high", "p_unadjusted", "p"), "float64")
    columns = ["arm", "baseline", "region", "metric", "iteration", *numbers, "cases", "groups", "refused"]
    return pd.DataFrame(rows, columns=columns).astype(numbers)


def trials(name: str, *, stage: Stage | None = None, home: Folder = HOME, ledger: str | None = None) -> "pd.DataFrame":
    """Returns the trials of a study with their configurations.

    Args:
        name: The study's name.
        stage: `search`, `final`, or None for both.
        home: Folder of the ledger.
        ledger: File or URL of the ledger, instead of the home's.

    Returns:
        One row per trial: `trial`, `stage`, `arm`, `search`, `fold`, `number`, `cohort`, `seed`, `status`, `reason`,
        `created`, `ended` (UTC), `iteration` (the last mark reached), `objective` (there), and one column per
        parameter of any arm, by its dotted name.

    Raises:
        InputError: No such ledger or study.
    """
    import pandas as pd

    from study.ledger import Ledger

    with Ledger.open(ledger_of(home, ledger), read_only=True) as opened:
        study = opened.study(name).id
        segments = {segment.trial: segment for segment in opened.segments(study, stage)}  # the last mark of each
        known = opened.trials(study, stage)
    rows = []
    for trial in known:
        reached = segments.get(trial.key)
        rows.append(
            {
                **_key(trial.key, trial.arm),
                "cohort": trial.cohort,
                "seed": trial.seed,
                "status": trial.status,
                "reason": trial.reason,
                "created": trial.created,
                "ended": trial.ended,
                "iteration": reached and reached.iteration,
                "objective": reached and reached.objective,
                **trial.parameters,
            }
        )
    columns = [*KEY_COLUMNS, "cohort", "seed", "status", "reason", "created", "ended", "iteration", "objective"]
    found = pd.DataFrame(rows, columns=None if rows else columns)
    for column in ("created", "ended"):
        found[column] = pd.to_datetime(found[column].astype("float64"), unit="s", utc=True)
    return found.astype({"iteration": "Int64", "objective": "float64"})


def curves(name: str, *, stage: Stage | None = None, home: Folder = HOME, ledger: str | None = None) -> "pd.DataFrame":
    """Returns the learning curves of a study's trials.

    Args:
        name: The study's name.
        stage: `search`, `final`, or None for both.
        home: Folder of the ledger.
        ledger: File or URL of the ledger, instead of the home's.

    Returns:
        One value per row: `trial`, `stage`, `arm`, `search`, `fold`, `number`, `curve`, `iteration`, `value`. The curve
        `objective` has the objective at each mark (on validation cases in the search stage, on test cases in the final
        one); the others, such as `loss`, were recorded during training.

    Raises:
        InputError: No such ledger or study.
    """
    import pandas as pd

    from study.ledger import Ledger

    with Ledger.open(ledger_of(home, ledger), read_only=True) as opened:
        study = opened.study(name).id
        segments, drawn = opened.segments(study, stage), opened.curves(study, stage)
        arms = {trial.key: trial.arm for trial in opened.trials(study, stage)}
    rows = [
        {
            **_key(curve.trial, arms[curve.trial]),
            "curve": curve.name,
            "iteration": int(iteration),
            "value": float(value),
        }
        for curve in drawn
        for iteration, value in zip(curve.iterations, curve.values, strict=True)
    ]
    rows += [
        {
            **_key(segment.trial, arms[segment.trial]),
            "curve": OBJECTIVE,
            "iteration": segment.iteration,
            "value": segment.objective,
        }
        for segment in segments
    ]
    found = pd.DataFrame(rows, columns=[*KEY_COLUMNS, "curve", "iteration", "value"]).astype({"value": "float64"})
    return found.sort_values(["trial", "curve", "iteration"], ignore_index=True)


def cases(name: str, *, stage: Stage = "final", home: Folder = HOME, ledger: str | None = None) -> "pd.DataFrame":
    """Returns the score of every case in every training.

    Args:
        name: The study's name.
        stage: `final` for test cases, `search` for validation cases.
        home: Folder of the ledger.
        ledger: File or URL of the ledger, instead of the home's.

    Returns:
        One score per row: `trial`, `stage`, `arm`, `search`, `fold`, `number` (the seed of a final training, from 0),
        `case`, `group` (patient), `region`, `metric`, `iteration`, `value` (NaN where it is not defined) and `note`
        (such as `miss`). Columns of text are categorical.

    Raises:
        InputError: No such ledger or study.
    """
    import numpy as np
    import pandas as pd

    from study.ledger import Ledger

    with Ledger.open(ledger_of(home, ledger), read_only=True) as opened:
        study = opened.study(name).id
        scores = opened.scores(study, stage)
        arms = {trial.key: trial.arm for trial in opened.trials(study, stage)}

    def coded(codes: Any, words: Sequence[str]) -> Any:
        names = list(dict.fromkeys(words))
        place = np.array([names.index(word) for word in words] or [0])
        return pd.Categorical.from_codes(np.where(codes < 0, -1, place[codes]).tolist(), pd.Index(names))

    keys = scores.trials
    columns: dict[str, Any] = {
        "trial": coded(scores.trial, [str(key) for key in keys]),
        "stage": coded(scores.trial, [key.stage for key in keys]),
        "arm": coded(scores.trial, [arms[key] for key in keys]),
    }
    for part in ("search", "fold", "number"):
        columns[part] = np.array([getattr(key, part) for key in keys] or [0])[scores.trial]
    columns |= {
        "case": coded(scores.case, [case.name for case in scores.cases]),
        "group": coded(scores.case, [case.group for case in scores.cases]),
        "region": coded(scores.region, scores.regions),
        "metric": coded(scores.metric, scores.metrics),
        "iteration": scores.iteration,
        "value": scores.value,
        "note": coded(scores.note, scores.notes),
    }
    return pd.DataFrame(columns)


def report(
    name: Names,
    folder: Folder,
    formats: Sequence[str] | None = None,
    *,
    home: Folder = HOME,
    ledger: str | None = None,
) -> dict[str, Path]:
    """Writes the report of a study, or of several together.

    Args:
        name: The study's name, or several.
        folder: Where the files go; it is made if it is missing.
        formats: Such as `html`, `tex`, `md`, `csv`, `bib`, `xlsx`, `figures`; by default all but the last two.
        home: Folder of the ledger.
        ledger: File or URL of the ledger, instead of the home's.

    Returns:
        File name → path.

    Raises:
        InputError: No such ledger or study, or an unknown format.
    """
    from reports.build import FORMATS, write

    return write(ledger_of(home, ledger), name, folder, tuple(FORMATS) if formats is None else formats)


KEY_COLUMNS = ("trial", "stage", "arm", "search", "fold", "number")


def ledger_of(home: Folder, ledger: str | None) -> str:
    """Returns the ledger's file or URL: the one named, or the home's."""
    return ledger or str(Path(home) / "ledger.db")


def _key(key: "TrialKey", arm: str) -> dict[str, Any]:
    return {
        "trial": str(key),
        "stage": key.stage,
        "arm": arm,
        "search": key.search,
        "fold": key.fold,
        "number": key.number,
    }
