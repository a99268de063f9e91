"""Servers on this machine are asked directly, also if the environment names a web proxy without exceptions."""

import os

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def ask_loopback_directly() -> None:
    """Add loopback to the exceptions of a proxy in the environment of this process and its children."""
    for name in ("no_proxy", "NO_PROXY"):
        given = [host for host in os.environ.get(name, "").split(",") if host.strip()]
        os.environ[name] = ",".join([*given, *(host for host in LOOPBACK if host not in given)])
