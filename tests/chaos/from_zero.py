"""A cluster without machines for trials: its autoscaler starts them for a study's owed segments, until none is owed.

`python -m tests.chaos.from_zero`, as root, three minutes. Ray's own autoscaler, in a host of namespaces, with
its provider that makes nodes of processes. Exits with 0 if the study had the maximum of machines, the digest of an
undisturbed run, and neither requested nor held resources afterwards; or if it cannot run here. (This provider does not
show that idle machines are stopped: Ray tells nodes apart by their address, and here all have the same.)
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

from tests.chaos.hosts import rack, why_not

ROOT = pathlib.Path(__file__).parents[2]
PORT = 6379
MOST = 3  # machines
WAIT = 3.0  # minutes for the first
FREE = 30.0  # seconds until nothing may be requested or held any more
LONGEST = 300.0  # seconds
PLAIN: dict[str, Any] = {
    "cluster_name": "zero",
    "max_workers": MOST,
    "upscaling_speed": 10.0,
    "idle_timeout_minutes": 5,
    "provider": {"type": "fake_multinode", "disable_node_updaters": True, "disable_launch_config_check": True},
    "head_node_type": "ray.head.default",
    "available_node_types": {
        "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
        "worker": {"resources": {"CPU": 1}, "node_config": {}, "min_workers": 0, "max_workers": MOST},
    },
    **{key: {} for key in ("auth", "docker", "file_mounts")},
    **{f"{key}_commands": [] for key in ("initialization", "setup", "head_setup", "worker_setup")},
    **{f"{key}_start_ray_commands": [] for key in ("head", "worker")},
    **{key: [] for key in ("cluster_synced_files", "rsync_exclude", "rsync_filter")},
    "file_mounts_sync_continuously": False,
}


def main() -> int:
    if (reason := why_not()) is not None:
        print(f"from zero: SKIPPED, {reason}")
        return 0
    environment = {
        **os.environ,
        "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "NUMBERS_PAUSE": "0.12",
        "RAY_AUTH_MODE": "token",
        "RAY_FAKE_CLUSTER": "1",
        "RAY_enable_autoscaler_v2": "0",
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    }
    with tempfile.TemporaryDirectory(prefix="segstudy-zero-") as made, rack(("head",), pathlib.Path(made)) as (host,):
        process = host.start(
            [sys.executable, "-u", "-m", "tests.chaos.from_zero", made, host.address], env=environment, cwd=ROOT
        )
        try:
            return process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            print(f"from zero: FAILED: not done after {LONGEST:.0f} s")
            return 1


def on_the_head(folder: pathlib.Path, address: str) -> int:
    """Runs the study, from a cluster without machines to one without machines."""
    from study.machines.autoscaler import await_room
    from study.machines.nodes import machines, nodes
    from study.machines.ray_session import settings
    from tests.study.dispatch_bench import undisturbed_digest
    from tests.study.numbers_study import digest, numbers_study, run_numbers

    expected = undisturbed_digest(folder)
    (folder / "zero.json").write_text(json.dumps(PLAIN))
    line = ["ray", "start", "--head", "--num-cpus=0", f"--port={PORT}", "--include-dashboard=false"]
    line += ["--object-store-memory=100000000", f"--autoscaling-config={folder / 'zero.json'}"]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most, began = 0, time.monotonic()

    def count(event: object) -> None:
        nonlocal most
        most = max(most, sum(node.cpu > 0 for node in nodes()))

    with settings(), machines(f"{address}:{PORT}"):
        await_room(numbers_study(), WAIT, print)
        print(f"{time.monotonic() - began:4.0f} s: the first machine is there", flush=True)
        ended = run_numbers(folder / "home", ray_address=f"{address}:{PORT}", on_event=count)
        found = digest(folder / "home")
        print(f"{time.monotonic() - began:4.0f} s: the study is done; {most} machines at most", flush=True)
        done = time.monotonic()
        while (left := _left()) and time.monotonic() < done + FREE:
            time.sleep(0.5)
        print(f"{time.monotonic() - began:4.0f} s: still asked for or held: {left or 'nothing'}", flush=True)
    good = ended.complete and found == expected and most == MOST and not left
    print(f"from zero: digest {found[:12]}, undisturbed {expected[:12]}: {'as it should be' if good else 'FAILED'}")
    return 0 if good else 1


def _left() -> list[str]:
    """Lists what keeps machines from being idle: requests, cores in use, named actors."""
    import ray
    from ray._private.ray_constants import AUTOSCALER_RESOURCE_REQUEST_CHANNEL
    from ray.experimental.internal_kv import _internal_kv_get

    wished = [f"wish {each}" for each in json.loads(_internal_kv_get(AUTOSCALER_RESOURCE_REQUEST_CHANNEL))]
    used = ray.cluster_resources()["CPU"] - ray.available_resources().get("CPU", 0.0)
    named = [f"actor {each['name']}" for each in ray.util.list_named_actors(all_namespaces=True)]
    return [*wished, *([f"{used:g} CPU"] if used else []), *named]


if __name__ == "__main__":
    sys.exit(on_the_head(pathlib.Path(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 1 else main())
