"""Addresses that the user gives, checked before anything starts; no message shows a password."""

import re
from urllib.parse import unquote

from trainables.errors import InputError

MLFLOW = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks")
"""Schemes that MLflow accepts; it refuses its file store since 3.13."""

STORES = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs")
"""Object stores that PyArrow speaks to."""


_SECRET = r"[^=&;#]*(?:pass|pwd|token|secret|key|auth|sig|cred)[^=&;#]*"
_SECRET_PARAMETER = re.compile(rf"([?&;#]{_SECRET}=)([^&;#]*)", re.IGNORECASE)
_HOST = re.compile(r"(\[[^\]]*\]|[^:@]*)(:\d*)?")
HIDDEN = "***"


def shown(address: str) -> str:
    """Return an address without passwords, for every message, log, ledger and report.

    Hidden are user and password before the host, also if the password has `/`, `@` or `?` in it, and parameters whose
    name tells that they are secret (`?password=`, `&sslpassword=`, `&token=`). A path is returned unchanged.
    """
    kind, separator, rest = address.partition("://")
    if not separator:
        return address
    return without_secret_parameters(f"{kind}://{_without_user(kind, rest)}")


def without_secret_parameters(address: str) -> str:
    """Return an address whose secret parameters are hidden, user and host as they are."""
    return _SECRET_PARAMETER.sub(rf"\1{HIDDEN}", address)


def _without_user(kind: str, rest: str) -> str:
    """Hide what stands before the last `@` that can end a password; a database's user without one stays."""
    if rest.startswith("/") or "@" not in rest:  # a file's path may have one
        return rest
    before_query = rest.partition("?")[0]
    authority = re.split(r"[/?#]", rest)[0]
    if "@" in before_query:
        if ":" not in before_query.rpartition("@")[0] and ("@" not in authority or not kind.startswith("http")):
            return rest  # `s3://bucket/a@b`, `postgresql://me@host/db`: no password without a colon
        query = rest[len(before_query) :]
        if "=" not in query.partition("@")[0] and "@" in query:  # no parameter: the password has a `?`
            return f"{HIDDEN}@{rest.rpartition('@')[2]}"
        return f"{HIDDEN}@{before_query.rpartition('@')[2]}{query}"
    if _HOST.fullmatch(authority):  # `host:5000/?mail=me@there`
        return rest
    return f"{HIDDEN}@{rest.rpartition('@')[2]}"


def hidden_in(text: str, *addresses: str | None) -> str:
    """Return a text, such as a library's error, without the passwords of some addresses."""
    for address in addresses:
        if address is None or "://" not in address:
            continue
        text = text.replace(address, shown(address))
        for secret in _secrets(address):
            text = text.replace(secret, HIDDEN)
    return text


def _secrets(address: str) -> list[str]:
    """Return the passwords in an address as they stand there and as they are meant, longest first."""
    kind, _, rest = address.partition("://")
    found = [match[2] for match in _SECRET_PARAMETER.finditer(address)]
    if (cleaned := _without_user(kind, rest)) != rest:
        user = rest[: len(rest) - len(cleaned) + len(HIDDEN)]
        found.append(user.partition(":")[2] or user)
    both = {*found, *map(unquote, found)} - {"", HIDDEN}
    return sorted(both, key=len, reverse=True)


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
