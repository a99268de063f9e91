"""`trainables.data.readers`: the place of `read` before `trainables.data.reading.readers`, for scripts that call it."""

from trainables.data.reading.readers import read

__all__ = ["read"]
