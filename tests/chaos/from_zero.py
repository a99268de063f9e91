"""A cluster without a machine for trials: its autoscaler brings them for what a study owes, and takes them away after.

`python -m tests.chaos.from_zero`, as root, three minutes. Ray's own autoscaler, in a host of namespaces, with
its provider that makes nodes of processes. Ends with 0 if the study had as many machines as there may be, the digest of
an undisturbed one, and all of them went afterwards; or if it cannot run here.
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
IDLE = 20.0  # seconds that a machine without work stays
GONE = 120.0  # seconds in which all of them have to be gone
LONGEST = 400.0  # seconds
PLAIN: dict[str, Any] = {
    "cluster_name": "zero",
    "max_workers": MOST,
    "upscaling_speed": 10.0,
    "idle_timeout_minutes": IDLE / 60,
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
    """The study, from a cluster without a machine to one without a machine."""
    from ray._private.ray_constants import AUTOSCALER_RESOURCE_REQUEST_CHANNEL
    from ray.experimental.internal_kv import _internal_kv_get

    from study.nodes import machines, nodes
    from study.ray_session import settings
    from study.scaling import await_room
    from tests.study.numbers_study import digest, numbers_study, run_numbers
    from tests.study.office import undisturbed_digest

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
        while there := sum(node.cpu > 0 for node in nodes()):
            if time.monotonic() > done + GONE:
                break
            time.sleep(1.0)
        wished = json.loads(_internal_kv_get(AUTOSCALER_RESOURCE_REQUEST_CHANNEL))
        print(f"{time.monotonic() - began:4.0f} s: {there} machines are left; still asked for: {wished}", flush=True)
    good = ended.complete and found == expected and most == MOST and wished == [] and not there
    print(f"from zero: digest {found[:12]}, undisturbed {expected[:12]}: {'as it should be' if good else 'FAILED'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(on_the_head(pathlib.Path(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 1 else main())
