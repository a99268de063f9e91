"""Ray's tokens: the one that clusters on this user's machines ask for, and one for each embedded Ray."""

import contextlib
import os
import pathlib
import secrets
from collections.abc import Iterator


def token() -> dict[str, str]:
    """Return the setting that makes Ray send its token; empty if there is no token, or if the user set the mode.

    A cluster started by `ray start` or `ray up` requires the token, which is the same file on every machine.
    """
    if "RAY_AUTH_MODE" in os.environ:
        return {}
    file = pathlib.Path(os.environ.get("RAY_AUTH_TOKEN_PATH", "~/.ray/auth_token")).expanduser()
    return {"RAY_AUTH_MODE": "token"} if "RAY_AUTH_TOKEN" in os.environ or file.is_file() else {}


@contextlib.contextmanager
def token_shown() -> Iterator[None]:
    """Make Ray send its token while the block runs."""
    if not (wanted := token()):
        yield
        return
    os.environ.update(wanted)
    reread_token()
    try:
        yield
    finally:
        for name in wanted:
            os.environ.pop(name, None)
        reread_token()


def reread_token() -> None:
    """Make Ray read its settings for tokens from the environment again; by itself it does so on import only.

    A token that it has read stays in this process: without this, a driver that joins a cluster without tokens later
    demands the token from the cluster, which takes the driver for dead and kills its workers as they start.
    """
    from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]  # of Cython, and its stub lacks it

    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


@contextlib.contextmanager
def token_of_its_own(**settings: str) -> Iterator[None]:
    """Make Ray require a token while the block runs, which only the processes that are started meanwhile know.

    Args:
        settings: More of Ray's variables for the block.
    """
    given = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), **settings}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    reread_token()
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        reread_token()
