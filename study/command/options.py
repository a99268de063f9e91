"""Options that several commands share, and the places that they name."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from study.addresses import mlflow_address, storage_place
from trainables.errors import InputError

File = Annotated[str, typer.Argument(metavar="FILE", help="A study file, or the name of one that comes along.")]
Name = Annotated[str, typer.Argument(metavar="STUDY", help="The study's name.")]
Home = Annotated[
    Path, typer.Option(envvar="SEGSTUDY_HOME", help="Folder of the ledger, cache, trials, MLflow's data and reports.")
]
LedgerAt = Annotated[
    str | None, typer.Option("--ledger", help="Another ledger: a file, or postgresql+psycopg://USER@HOST/DATABASE.")
]
MlflowAt = Annotated[
    str | None, typer.Option("--mlflow", help="Another MLflow: http://HOST:PORT, or a database's address.")
]
StorageAt = Annotated[
    str | None,
    typer.Option(
        "--storage", help="Another place for checkpoints and the cache: a folder that all nodes see, or s3://BUCKET/…"
    ),
]
RayAt = Annotated[
    str | None,
    typer.Option("--ray", help="A Ray cluster, host:port, or auto on one of its machines; else one is started here."),
]
Wait = Annotated[
    float,
    typer.Option(
        "--wait",
        min=0.0,
        help="Minutes for the cluster's autoscaler to bring a machine that holds a trial (`gpu: auto`: with a GPU).",
    ),
]
Retry = Annotated[
    list[str] | None,
    typer.Option(
        "--retry",
        metavar="lost|failed",
        help="Run trials again that machines lost, or that failed; the report says so. May be given twice.",
    ),
]
AcceptChanges = Annotated[
    bool,
    typer.Option(
        "--accept-changes",
        help="Go on although your own code, PyTorch, MONAI or segstudy changed since; the report says so.",
    ),
]
RETRIED: tuple[Literal["lost", "failed"], ...] = ("lost", "failed")
_CLUSTER = typer.Option("--cluster", help="A Ray cluster's job server, such as http://head:8265.")
Cluster = Annotated[str, _CLUSTER]
ClusterAt = Annotated[str | None, _CLUSTER]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a line of the study file; repeatable.")
]
Data = Annotated[
    str | None, typer.Option("--data", help="The dataset's folder, or s3://BUCKET/…, in place of `dataset.path`.")
]
Smoke = Annotated[bool, typer.Option("--smoke", help="The file's own small version of the study, in minutes.")]
AllowCode = Annotated[
    bool, typer.Option("--allow-code", help="Let the study file's own losses and networks (package.module:name) run.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

HOME = Path("runs")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Places:
    """Locations of a study's files and databases.

    Attributes:
        home: Folder of everything without an address of its own.
        ledger: File or URL of the ledger; `ledger.db` in the home by default.
        mlflow: MLflow's address; None for a database in the home.
        storage: Folder or URL of cache and checkpoints; the home by default.
    """

    home: Path
    ledger: str
    mlflow: str | None
    storage: str

    @classmethod
    def of(
        cls, home: Path, ledger: str | None = None, mlflow: str | None = None, storage: str | None = None
    ) -> "Places":
        """Return the places that the command line names.

        Raises:
            InputError: An address is of an unknown kind.
        """
        return cls(
            home=home,
            ledger=ledger or str(home / "ledger.db"),
            mlflow=None if mlflow is None else mlflow_address(mlflow),
            storage=storage_place(storage) if storage else str(home),
        )

    def reports(self, name: str) -> Path:
        """Return the folder of a study's reports, inside the home whatever a foreign ledger calls the study."""
        inside = re.sub(r"[/\\\x00-\x1f]", "_", name)
        return self.home / "reports" / (f"_{inside}" if inside.startswith(".") else inside)


def made(folder: Path, option: str) -> Path:
    """Create a folder that the user named, if it does not exist, and return it.

    Raises:
        InputError: It cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{option} {folder}: cannot be made a folder ({error.strerror}). Name another.") from error
    return folder


def retried(given: Sequence[str]) -> tuple[Literal["lost", "failed"], ...]:
    """Return the statuses that `--retry` names.

    Raises:
        InputError: One is not `lost` or `failed`.
    """
    if wrong := [word for word in given if word not in RETRIED]:
        raise InputError(f"--retry {wrong[0]}: expected lost or failed")
    return tuple(status for status in RETRIED if status in given)
