"""A home that was moved or copied: MLflow's embedded database is told where its models are now.

MLflow keeps the absolute folder of models in each experiment, run and model, and has no way to change it. After a move
new models would be written where the home was, and old ones would not be found.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from study.tracking.database import artifact_root
from study.tracking.naming import STUDY_TAG

_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
_SECONDS = 5.0
"""Time that another writer of the database is waited for."""


def follow(home: Path) -> tuple[str, ...]:
    """Change the folder of models in `HOME/mlflow.db` where it is that of another place of the home.

    Only folders of segstudy's own experiments are changed, and what lies under them. A database that is not there,
    cannot be written or has other tables is left as it is.

    Args:
        home: The home.

    Returns:
        The folders that stood there before, as addresses.
    """
    path, root = home / "mlflow.db", artifact_root(home)
    if not path.is_file():
        return ()
    try:
        with closing(sqlite3.connect(path, timeout=_SECONDS)) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            found = connection.execute(
                "SELECT DISTINCT artifact_location FROM experiments JOIN experiment_tags USING (experiment_id) "
                "WHERE key = ? AND artifact_location != ?",
                (STUDY_TAG, root),
            )
            olds = tuple(old for (old,) in found if old.startswith("file:") and old.endswith("/artifacts"))
            for old in olds:
                for table, column in _COLUMNS:
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # names from the list above
                        f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                        (root, len(old) + 1, old, len(old) + 1, f"{old}/"),
                    )
    except sqlite3.Error:
        return ()
    return olds
