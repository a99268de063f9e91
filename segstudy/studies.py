"""Studies checked, run, watched and stopped from Python."""

import dataclasses
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from segstudy.records import HOME, Folder, ledger_of

if TYPE_CHECKING:
    import pandas as pd

    from study.running.run import Result
    from study.study_file import Study

Settings = Mapping[str, Any] | Sequence[str]


@dataclasses.dataclass(frozen=True, eq=False)
class CheckedStudy:
    """A study that can be run.

    Attributes:
        study: Its name.
        cases: One row per case: `case`, `group`, `splits` (its role in each fold), shape, spacing, volumes of labels.
        arms: One row per arm with its planned work: trials, segments, training iterations.
        parameters: One row per arm and parameter: `arm`, `parameter`, `space`, `default`.
        warnings: Everything that is allowed but notable, one line each.
    """

    study: str
    cases: "pd.DataFrame" = dataclasses.field(repr=False)
    arms: "pd.DataFrame" = dataclasses.field(repr=False)
    parameters: "pd.DataFrame" = dataclasses.field(repr=False)
    warnings: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class StudyStatus:
    """Where a study stands.

    Attributes:
        study: Its name.
        state: `done`, `running`, `stopping` or `stopped`.
        driver: Host and process of its driver; None if it does not run.
        share: Fraction of the work that is done, in [0, 1].
        seconds_left: Estimated seconds left; None while no speed is known.
        arms: One row per arm: trials ended and planned in each stage, best objective so far, what runs.
        failed: One row per failed or lost trial: `trial`, `arm`, `status`, `reason`.
        notices: Facts that a reader of its report must know.
    """

    study: str
    state: str
    driver: str | None
    share: float
    seconds_left: float | None
    arms: "pd.DataFrame" = dataclasses.field(repr=False)
    failed: "pd.DataFrame" = dataclasses.field(repr=False)
    notices: tuple[str, ...]


def check(
    file: Folder,
    *,
    data: Folder | None = None,
    settings: Settings = MappingProxyType({}),
    smoke: bool = False,
    allow_code: bool = False,
    home: Folder = HOME,
) -> CheckedStudy:
    """Opens every file of a study and examines its data and its plan. Nothing is started.

    Args:
        file: A study file, or the name of a study that comes with segstudy.
        data: The dataset's folder or URL, instead of the file's `dataset.path`.
        settings: Keys of the file with other values, such as `{"training.iterations": 500}`; or the command's lines,
            `["training.iterations=500"]`.
        smoke: Whether to take the file's own small version.
        allow_code: Whether the file may name losses and networks of the user's own, which are imported and run.
        home: Folder in whose cache the facts of files are kept, if it exists.

    Raises:
        InputError: Something is wrong with file or data; the text lists everything.
    """
    _silence_hints()
    import pandas as pd

    from study.checking.check import check as look
    from study.checking.facts_memory import facts_memory
    from study.machines.nodes import this_machine

    study = _study(file, data, settings, smoke, allow_code)
    with facts_memory(Path(home)) as memory:
        found = look(study, this_machine(), memory)
    plain = found.plain()
    arms = pd.DataFrame(plain["arms"])
    parameters = [
        {"arm": arm["arm"], "parameter": name, "space": space, "default": arm["default"][name]}
        for arm in plain["arms"]
        for name, space in arm["space"].items()
    ]
    return CheckedStudy(
        study=study.name,
        cases=pd.DataFrame(plain["cases"]).rename(columns={"name": "case"}),
        arms=arms.drop(columns=["space", "default"]),
        parameters=pd.DataFrame(parameters, columns=["arm", "parameter", "space", "default"]),
        warnings=found.warnings,
    )


def run(
    file: Folder,
    *,
    data: Folder | None = None,
    settings: Settings = MappingProxyType({}),
    smoke: bool = False,
    allow_code: bool = False,
    home: Folder = HOME,
    ledger: str | None = None,
    mlflow: str | None = None,
    storage: str | None = None,
    ray: str | None = None,
    wait_minutes: float = 0.0,
    retry: Sequence[Literal["lost", "failed"]] = (),
    accept_changes: bool = False,
    progress: bool = True,
) -> "Result":
    """Runs a study to its end, or goes on with it. An interrupt (Ctrl-C, a notebook's stop) loses no result.

    Args:
        file: A study file, or the name of a study that comes with segstudy.
        data: The dataset's folder or URL, instead of the file's `dataset.path`.
        settings: Keys of the file with other values, such as `{"training.iterations": 500}`; or the command's lines,
            `["training.iterations=500"]`.
        smoke: Whether to take the file's own small version, which ends in minutes.
        allow_code: Whether the file may name losses and networks of the user's own, which are imported and run.
        home: Folder of everything without an address of its own; it is made if it is missing.
        ledger: File or URL of the ledger.
        mlflow: Address of an MLflow server or database.
        storage: Folder or URL of checkpoints and cache that all nodes see.
        ray: Address of a running Ray cluster; by default Ray is started here and ends with the run.
        wait_minutes: Longest waiting time for a machine of a cluster that scales from zero.
        retry: Statuses whose trials run again.
        accept_changes: Whether to go on, with a notice, though code or versions changed.
        progress: Whether to show progress: a live table on a terminal and in a notebook, lines elsewhere.

    Returns:
        How the run ended, with counts of trials. A stop and failing machines are results, not exceptions.

    Raises:
        InputError: The input is wrong; nothing was started.
    """
    _silence_hints()
    from rich.console import Console

    from study.checking.own_code import try_code
    from study.command.options import Places
    from study.command.watched_run import run_study

    study = _study(file, data, settings, smoke, allow_code)
    try_code(study)
    places = Places.of(Path(home), ledger, mlflow, storage)
    console = Console(highlight=False, quiet=not progress)
    return run_study(study, places, console, ray, wait_minutes, tuple(retry), accept_changes)


def status(name: str, *, home: Folder = HOME, ledger: str | None = None) -> StudyStatus:
    """Returns where a study stands, also while another process runs it.

    Raises:
        InputError: No such ledger or study.
    """
    import pandas as pd

    from study.console.status_text import status_of

    plain = status_of(ledger_of(home, ledger), name).plain()
    return StudyStatus(
        study=plain["study"],
        state=plain["state"],
        driver=plain["driver"],
        share=plain["share"],
        seconds_left=plain["seconds_left"],
        arms=pd.DataFrame(plain["arms"]).rename(columns={"name": "arm"}),
        failed=pd.DataFrame(plain["failed"], columns=["trial", "arm", "status", "reason"]),
        notices=tuple(plain["notices"]),
    )


def studies(*, home: Folder = HOME, ledger: str | None = None) -> "pd.DataFrame":
    """Returns the studies of a ledger: `study`, `state`, `driver`, `share`, `seconds_left`, `arms`, `failed`.

    Raises:
        InputError: No such ledger.
    """
    import pandas as pd

    from study.console.status_text import studies as every

    rows = [
        {
            "study": each.study,
            "state": each.state,
            "driver": each.driver,
            "share": each.share,
            "seconds_left": each.seconds_left,
            "arms": len(each.arms),
            "failed": each.failed,
        }
        for each in every(ledger_of(home, ledger))
    ]
    return pd.DataFrame(rows, columns=["study", "state", "driver", "share", "seconds_left", "arms", "failed"])


def stop(name: str, *, home: Folder = HOME, ledger: str | None = None) -> bool:
    """Asks the process that runs a study to stop where nothing is lost.

    Returns:
        Whether a process runs it; if not, there is nothing to stop.

    Raises:
        InputError: No such ledger or study.
    """
    from study.ledger import Ledger

    with Ledger.open(ledger_of(home, ledger)) as opened:
        study = opened.study(name)
        if opened.status(study.id).driver is None:
            return False
        opened.request_stop(study.id)
        return True


def _study(file: Folder, data: Folder | None, settings: Settings, smoke: bool, allow_code: bool) -> "Study":
    from study.study_file import load

    if isinstance(settings, Mapping):
        settings = [f"{key}={json.dumps(value)}" for key, value in settings.items()]

    given: Any = None if data is None else str(data)
    return load(file, settings, data=given, small=smoke, allow_code=allow_code)


def _silence_hints() -> None:
    """Silences the hints of tqdm and Ray in notebooks to install ipywidgets, which nothing here needs."""
    warnings.filterwarnings("ignore", message="IProgress not found")
    logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)
