"""The options that commands share, and the places that they name."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from study.study_file.addresses import mlflow_address, storage_place
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
    """Where a study's parts lie.

    Attributes:
        home: Folder of all that has no address of its own.
        ledger: The ledger's file or URL; `ledger.db` in the home unless told otherwise.
        mlflow: MLflow's address; None: a database in the home.
        storage: Folder of cache and checkpoints; the home unless told otherwise.
    """

    home: Path
    ledger: str
    mlflow: str | None
    storage: str

    @classmethod
    def of(
        cls, home: Path, ledger: str | None = None, mlflow: str | None = None, storage: str | None = None
    ) -> "Places":
        """From what the command line says.

        Raises:
            InputError: An address is of a kind that nobody here knows.
        """
        return cls(
            home=home,
            ledger=ledger or str(home / "ledger.db"),
            mlflow=None if mlflow is None else mlflow_address(mlflow),
            storage=storage_place(storage) if storage else str(home),
        )

    def reports(self, name: str) -> Path:
        """Where a study's reports go."""
        return self.home / "reports" / name


def made(folder: Path, option: str) -> Path:
    """A folder that the user named, made where it is not there.

    Raises:
        InputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{option} {folder}: cannot be made a folder ({error.strerror}). Name another.") from error
    return folder
