"""Hosts made of namespaces on one machine: each with processes, network, name and /dev/shm of its own, on one bridge.

They share the file system, which stands for the shared storage of a cluster. Needs root.
"""

import contextlib
import os
import pathlib
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psutil

INIT = "hostname {name}; mount -t tmpfs -o size=1g none /dev/shm; {mounts} while :; do sleep 3600 & wait $!; done"
"""A host's init process: it reaps orphans, and all processes of the host end with it."""


class Host:
    """One of several hosts on a bridge.

    Attributes:
        name: Host name.
        address: IP address.
    """

    def __init__(self, name: str, address: str, bridge: str, mounts: str) -> None:
        self.name, self.address = name, address
        self._outside = f"{bridge}{address.rpartition('.')[2]}"
        flags = ["--net", "--pid", "--mount", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc"]
        script = INIT.format(name=name, mounts=mounts)
        self._keeper = subprocess.Popen(["unshare", *flags, "bash", "-c", script], start_new_session=True)
        self._init = _child_of(self._keeper)
        _ip("link", "add", self._outside, "type", "veth", "peer", "name", "eth0", "netns", str(self._init.pid))
        _ip("link", "set", self._outside, "master", bridge, "up")
        gate = address.rpartition(".")[0] + ".254"  # Ray finds its own address by the default route
        for line in ("addr add {}/24 dev eth0", "link set eth0 up", "link set lo up", "route add default via {}"):
            self.run(["ip", *line.format(gate if "route" in line else address).split()])

    def start(self, line: Sequence[str], **options: Any) -> subprocess.Popen[str]:
        """Starts a command on the host, with options of `Popen`."""
        return subprocess.Popen(self._inside(line), text=True, **options)

    def run(self, line: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
        """Runs a command on the host to its end; returns its output.

        Raises:
            RuntimeError: The command fails.
        """
        env = {**os.environ, **(environment or {})}
        done = subprocess.run(self._inside(line), env=env, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(line)}: {done.stdout}{done.stderr}")
        return done.stdout

    def processes(self, *words: str) -> list[psutil.Process]:
        """Lists the host's processes whose command line contains one of the words; without words, all."""
        found = []
        for process in self._init.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                line = " ".join(process.cmdline())
                if (
                    (not words or any(word in line for word in words))
                    and line != "sleep 3600"
                    and process.status() != psutil.STATUS_ZOMBIE
                ):
                    found.append(process)
        return found

    def cut_off(self) -> None:
        """Disconnects the host: packets are dropped, and no connection is closed."""
        _ip("link", "set", self._outside, "down")

    def join_again(self) -> None:
        """Reconnects the host."""
        _ip("link", "set", self._outside, "up")

    def sshd(self, key: pathlib.Path, folder: pathlib.Path) -> None:
        """Serves SSH to holders of the private key that belongs to `key`, a public key file."""
        options = {"HostKey": key.with_suffix(""), "AuthorizedKeysFile": key, "StrictModes": "no", "UsePAM": "no"}
        options |= {"PermitRootLogin": "yes", "PidFile": folder / f"{self.name}.pid", "PasswordAuthentication": "no"}
        self.run(["mkdir", "-p", "/run/sshd"])
        self.run(["/usr/sbin/sshd", "-f", "/dev/null", *(f"-o{name}={value}" for name, value in options.items())])

    def kill(self) -> None:
        """Kills the host with all its processes, for good."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._init.pid, signal.SIGKILL)
        self._keeper.kill()
        self._keeper.wait()

    def _inside(self, line: Sequence[str]) -> list[str]:
        return ["nsenter", "-t", str(self._init.pid), "-n", "-p", "-m", "-u", "-i", "--", *line]


@contextlib.contextmanager
def rack(names: Sequence[str], folder: pathlib.Path, *, mounts: str = "") -> Iterator[list[Host]]:
    """Makes hosts on a bridge, 10.77.N.1 and so on; this machine is 10.77.N.254. Removes all of them afterwards.

    Args:
        names: Host names.
        folder: Parent of each host's own /tmp/ray, which real hosts do not share.
        mounts: Shell commands for each host's own view of the files; `{own}` is its folder.
    """
    tag = secrets.token_hex(2)
    net, bridge = f"10.77.{secrets.randbelow(200) + 20}", f"seg{tag}"
    hosts: list[Host] = []
    try:
        _ip("link", "add", bridge, "type", "bridge")
        _ip("addr", "add", f"{net}.254/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        pathlib.Path("/tmp/ray").mkdir(exist_ok=True)
        for number, name in enumerate(names, 1):
            own = folder / name
            own.mkdir()
            hosts.append(
                Host(name, f"{net}.{number}", bridge, f"mount --bind {own} /tmp/ray; {mounts.format(own=own)}")
            )
        yield hosts
    finally:
        for host in hosts:
            host.kill()
        _ip("link", "del", bridge)


def why_not() -> str | None:
    """Returns why hosts cannot be made here; None where they can."""
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    try:
        subprocess.run(
            ["unshare", "--net", "--pid", "--mount", "--fork", "ip", "link"], check=True, capture_output=True
        )
        _ip("link", "add", "segtry", "type", "bridge")
        _ip("link", "del", "segtry")
    except (OSError, subprocess.CalledProcessError, RuntimeError) as error:
        return f"network namespaces cannot be made ({error})"
    return None


def _child_of(keeper: subprocess.Popen[bytes]) -> psutil.Process:
    for _ in range(100):
        if children := psutil.Process(keeper.pid).children():
            with contextlib.suppress(psutil.Error):
                if children[0].name() == "bash":  # before that, `unshare` has not started it yet
                    return children[0]
        time.sleep(0.05)
    raise RuntimeError("a host did not come up")


def _ip(*line: str) -> None:
    done = subprocess.run(["ip", *line], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(line)}: {done.stderr.strip()}")
