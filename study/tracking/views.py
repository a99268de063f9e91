"""Views of a study's runs on MLflow's page: which columns it shows, how wide, and in which order the runs stand.

MLflow 3.17 keeps named views as tags of the experiment and lists them under `Views`. What it shows when an experiment
is opened without one comes from the browser's own storage: the door of `segstudy ui` puts the first view there.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from study.ledger.rows import ArmRow, StudyRow
from study.tracking.naming import EXPERIMENT_TAG, milliseconds, word

VIEW_TAG = "mlflow.sharedViewState."
"""How MLflow's tags of views begin; the rest is a view's key in the page's address."""

DEFAULT_VIEW = VIEW_TAG + "segstudy"

_SPLITS = ("test", "validation")
_COLUMNS = 40  # at most
_LETTER, _MARGIN = 7, 44  # pixels: of a letter in a column's head, and beside it
_NARROWEST, _WIDEST_NAME, _CREATED = 120, 420, 140  # pixels


def view_tags(study: StudyRow, arms: Sequence[ArmRow]) -> dict[str, str]:
    """Return the experiment's tags of its views.

    `Results` has the test metrics, and the arms in the study file's order; `Search` has the trials of the search, the
    best first.

    Args:
        study: The study.
        arms: All its arms.
    """
    test, validation = ([_column("metrics", name) for name in _metrics(study, split)] for split in _SPLITS)
    parameters = [_column("params", name) for name in (*_tuned(arms), *_differing(arms))]
    best, objective = (_column("metrics", f"validation/{name}") for name in ("best objective", "objective"))
    width = _width(max(("search 10", *labels(arms).values()), key=len)) + _width("search 10")
    as_started = {"orderByKey": "attributes.start_time", "orderByAsc": True}
    best_first = {"searchFilter": "tags.stage = 'search'", "orderByKey": objective, "orderByAsc": not study.maximize}
    made = milliseconds(study.created)
    widths = {_column("attributes", "Run Name"): min(width, _WIDEST_NAME), "runDateAndNestInfo": _CREATED}
    for part in _differing(arms):
        widths[_column("params", part)] = min(max(_width(getattr(row, part)) for row in arms), _WIDEST_NAME)
    return {
        DEFAULT_VIEW: _view("Results", made, widths, [best, *test, *parameters], as_started),
        f"{DEFAULT_VIEW}-search": _view("Search", made, widths, [objective, *parameters, *validation], best_first),
    }


def touched(there: str | None) -> bool:
    """Tell whether a view's tag was changed by a reader of MLflow's page, whose version stays."""
    if there is None:
        return False
    try:
        view = json.loads(there)
        return bool(view["updatedAt"] != view["createdAt"])
    except (ValueError, KeyError, TypeError):
        return False


def labels(arms: Iterable[ArmRow]) -> dict[int, str]:
    """Return names of arms for narrow columns, by arm: where losses are more than networks, the loss stands first.

    `unet3d+dice` and `unet3d+focal` become `dice · unet3d` and `focal · unet3d`, which differ also when cut off.
    """
    rows = list(arms)
    loss_first = len({row.loss for row in rows}) > len({row.model for row in rows})
    if not loss_first:
        return {row.number: row.name for row in rows}
    return {row.number: f"{row.name.removeprefix(f'{row.model}+')} · {row.model}" for row in rows}


def _metrics(study: StudyRow, split: str) -> list[str]:
    names: Iterable[str] = study.file.get("report", {}).get("metrics", ())
    regions: Iterable[str] = study.file.get("dataset", {}).get("regions") or ()
    return [f"{split}/{word(name)}/{word(region)}" for name in names for region in regions]


def _differing(arms: Iterable[ArmRow]) -> list[str]:
    rows = list(arms)
    return [part for part in ("model", "loss", "weighting") if len({getattr(row, part) for row in rows}) > 1]


def _tuned(arms: Iterable[ArmRow]) -> list[str]:
    """Return names of the parameters that some arm searches, those of training first, which all arms share."""
    names = {name for row in arms for name, values in row.space.items() if "fixed" not in values}
    return [word(name) for name in sorted(names, key=lambda name: (not name.startswith("training."), name))]


def _view(name: str, made: int, widths: Mapping[str, int], columns: Sequence[str], query: Mapping[str, Any]) -> str:
    """Return a view as MLflow's tag has it, with as many columns as its maximum length takes.

    Args:
        name: Its name in the page's menu.
        made: When it was made, milliseconds since 1970.
        widths: Pixels of the columns that every view has, and of those whose values are wide.
        columns: Columns in order.
        query: Which runs it shows, and in which order.
    """
    for shown in range(min(len(columns), _COLUMNS), -1, -1):
        state = json.dumps(_state(widths, columns[:shown], query), separators=(",", ":"))
        tag = json.dumps({"name": name, "createdAt": made, "updatedAt": made, "state": state})
        if len(tag) <= EXPERIMENT_TAG:
            return tag
    raise AssertionError("unreachable: a view without columns is short")


def _state(least: Mapping[str, int], columns: Sequence[str], query: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page keeps of a view: the query, columns in order, and their widths."""
    order = [*(column for column in least if not column.startswith("params.")), *columns]
    widths = {column: max(least.get(column, _NARROWEST), _width(column.partition(".")[2])) for column in columns}
    widths = {**{column: least[column] for column in order if column not in widths}, **widths}
    return {**query, "selectedColumns": list(columns), "columnOrder": order, "columnWidths": widths}


def _column(kind: str, name: str) -> str:
    """Return the page's name of a column."""
    return f"{kind}.`{name}`"


def _width(name: str) -> int:
    return _LETTER * len(name) + _MARGIN
