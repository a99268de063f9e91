"""Disks of a test's own: a namespace of mounts, where the machine allows one."""

import os
import subprocess

import pytest


def own_mounts() -> list[str]:
    """Return the command that lets its child mount file systems of its own; skips where there is none."""
    line = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--user", "--map-root-user"])]
    try:
        allowed = subprocess.run([*line, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("this machine lets nobody mount a disk")
    return line
