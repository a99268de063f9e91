"""`ray up --no-config-cache -y cluster.yaml` over SSH, for three local hosts; then a study is submitted to them.

`python -m tests.chaos.ray_up`, as root with openssh-server and rsync, about three minutes. Hosts are namespaces, each
with a home folder of its own; of cluster.yaml only addresses, user and key are replaced, and the environment that its
setup command would make exists already. Exits with 0 if all steps worked, or if it cannot run here.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from tests.chaos.hosts import Host, rack, why_not
from tests.chaos.small_study import CASES, NAME, small_study
from trainables.data.phantom.phantom import generate

ROOT = pathlib.Path(__file__).parents[2]
ENVIRONMENT = pathlib.Path(sys.executable).parents[1]
JOBS = "http://127.0.0.1:8265"
PATIENCE = 240.0  # seconds for each step


class FailedError(RuntimeError):
    """A step failed."""


def main() -> int:
    reason = why_not() or next(
        (f"there is no {tool}" for tool in ("/usr/sbin/sshd", "ssh", "rsync", "ssh-keygen") if not shutil.which(tool)),
        None,
    )
    if reason is not None:
        print(f"ray up: SKIPPED, {reason}")
        return 0
    with tempfile.TemporaryDirectory(prefix="segstudy-up-", dir="/var/tmp") as made:
        folder = pathlib.Path(made)
        with rack(("head", "one", "two"), folder, mounts=_own_home()) as hosts:
            try:
                _show(folder, hosts)
            except FailedError as error:
                print(f"ray up: FAILED: {error}")
                return 1
    print("ray up: three hosts over SSH, a study sent to them and done, ray down: all as it should be")
    return 0


def _show(folder: pathlib.Path, hosts: Sequence[Host]) -> None:
    key = folder / "key"
    _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)])
    for host in hosts:
        host.sshd(key.with_suffix(".pub"), folder)
    file = folder / "cluster.yaml"
    file.write_text(yaml.safe_dump(_configuration([host.address for host in hosts], key), sort_keys=False))
    ray = str(ENVIRONMENT / "bin" / "ray")
    began = time.monotonic()
    scratch = {"RAY_TMPDIR": str(folder / "launcher"), "TMPDIR": str(folder / "launcher")}  # the launcher's own files
    (folder / "launcher").mkdir()
    _run([ray, "get-auth-token", "--generate"])
    _run([ray, "up", "--no-config-cache", "-y", str(file)], scratch)
    print(f"{time.monotonic() - began:4.0f} s: ray up came back", flush=True)
    try:
        _until(lambda: all(host.processes("/raylet/raylet") for host in hosts), "a raylet on each host")
        _until(lambda: _nodes(hosts[0]) == 3, "three nodes")
        print(f"{time.monotonic() - began:4.0f} s: three nodes", flush=True)
        _study(folder, hosts[0])
        print(f"{time.monotonic() - began:4.0f} s: the study that was sent there is done", flush=True)
    finally:
        _run([ray, "down", "-y", str(file)], scratch)
    _until(lambda: not any(host.processes("/raylet/raylet") for host in hosts), "ray down to end every node")


def _configuration(addresses: Sequence[str], key: pathlib.Path) -> dict[str, Any]:
    """Returns cluster.yaml adapted to these hosts."""
    file: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text(encoding="utf-8"))
    file["provider"] |= {"head_ip": addresses[0], "worker_ips": list(addresses[1:])}
    file["auth"] = {"ssh_user": "root", "ssh_private_key": str(key)}
    return file


def _study(folder: pathlib.Path, head: Host) -> None:
    """Submits a small study from the head and waits for its end."""
    generate(folder / "data", CASES, dim=2, seed=1)
    study = folder / "study.yaml"
    study.write_text(yaml.safe_dump(small_study(str(folder / "data")).plain(), sort_keys=False))
    segstudy = [str(ENVIRONMENT / "bin" / "python"), "-m", "study.command.cli"]
    environment = {"PYTHONPATH": str(ROOT)}
    _on(head, [*segstudy, "submit", str(study), "--cluster", JOBS, "--home", str(folder / "runs")], environment)
    deadline = time.monotonic() + PATIENCE
    while (
        "running as" in (said := _on(head, [*segstudy, "status", NAME, "--cluster", JOBS], environment))
        or "starting as" in said
    ):
        if time.monotonic() > deadline:
            raise FailedError(f"the study is not done: {said}")
        time.sleep(3)
    if "done as" not in said:
        raise FailedError(said)
    print(said.rstrip())


def _nodes(head: Host) -> int:
    """Counts the cluster's raylets."""
    code = (
        f"import ray; ray.init('{head.address}:6379', log_to_driver=False); print(sum(n['Alive'] for n in ray.nodes()))"
    )
    try:
        return int(head.run([sys.executable, "-c", code], {"RAY_AUTH_MODE": "token"}).split()[-1])
    except (RuntimeError, ValueError, IndexError, subprocess.TimeoutExpired):
        return 0


def _own_home() -> str:
    """Returns mounts that give a host its own home, which has only Python and the environment of cluster.yaml."""
    home = pathlib.Path.home()
    kept = [path for path in (home / ".pyenv",) if path.exists()]
    lines = ["mkdir -p {own}/home"]
    for path in kept:
        lines += [f"mkdir -p {{own}}/home/{path.name}", f"mount --bind {path} {{own}}/home/{path.name}"]
    lines += [f"ln -s {ENVIRONMENT} {{own}}/home/segstudy-env", f"mount --rbind {{own}}/home {home}"]
    return "; ".join(lines) + ";"


def _on(host: Host, line: Sequence[str], environment: Mapping[str, str]) -> str:
    try:
        return host.run(line, environment)
    except RuntimeError as error:
        raise FailedError(str(error)[-3000:]) from error


def _run(line: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    env = {**os.environ, "RAY_AUTH_MODE": "token", **(environment or {})}
    done = subprocess.run(
        line, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False, env=env
    )
    if done.returncode:
        raise FailedError(f"{' '.join(line)}: {(done.stdout + done.stderr)[-3000:]}")


def _until(there: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        if time.monotonic() > deadline:
            raise FailedError(f"waited {PATIENCE:.0f} s for {what}")
        time.sleep(2)


if __name__ == "__main__":
    sys.exit(main())
