"""Addresses that the user gives, checked before anything starts; no message shows a password."""

from study.masking import HIDDEN, hidden_in, shown, without_secret_parameters
from trainables.errors import InputError

__all__ = [
    "HIDDEN",
    "data_place",
    "hidden_in",
    "mlflow_address",
    "shown",
    "storage_place",
    "without_secret_parameters",
]

MLFLOW = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks")
"""What MLflow itself takes; its file store is refused since 3.13."""

STORES = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs")
"""Object stores that PyArrow speaks to."""


def mlflow_address(address: str) -> str:
    """Return an address that MLflow takes, as it was given.

    Raises:
        InputError: It is of another kind.
    """
    kind, separator, rest = address.partition("://")
    if address == "databricks" or (separator and rest and kind.partition("+")[0] in MLFLOW):
        return address
    raise InputError(
        f"--mlflow {shown(address)}: expected http://HOST:PORT or a database's address such as sqlite:///mlflow.db"
    )


def storage_place(address: str) -> str:
    """Return a folder or an object store for checkpoints and the cache, as it was given.

    Raises:
        InputError: It is an address of another kind, or has a password in it.
    """
    return _place(address, f"--storage {shown(address)}", "a folder that all machines see")


def data_place(address: str) -> str:
    """Return a dataset's folder or object store, as it was given.

    Raises:
        InputError: It is an address of another kind, or has a password in it.
    """
    return _place(address, shown(address), "the dataset's folder")


def _place(address: str, said: str, folder: str) -> str:
    kind, separator, rest = address.partition("://")
    if not separator:
        return address
    if kind not in STORES or not rest:
        raise InputError(f"{said}: expected {folder}, or an object store ({', '.join(STORES)}: s3://BUCKET/FOLDER)")
    if "@" in rest.partition("/")[0] or shown(address) != address:
        raise InputError(f"{said}: a key or password in it would stand in logs; the environment gives it")
    return address
