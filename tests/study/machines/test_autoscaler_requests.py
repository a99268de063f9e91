"""Requests of drivers to the autoscaler: added up, and dropped when a driver dies."""

import json
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import ray
from ray.cluster_utils import Cluster

from study.machines.autoscaler_requests import NAME, NAMESPACE, Bundle, ResourceRequests
from study.machines.nodes import this_machine
from study.machines.ray_session import session, settings
from tests.study.until import until

ONE_GPU: Bundle = {"CPU": 2, "GPU": 1.0}


class World:
    """A clock, and what the autoscaler is told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told: list[list[Bundle]] = []
        self.requests = ResourceRequests(self.hear, silent=90, clock=lambda: self.now)

    def hear(self, *, bundles: list[Bundle]) -> None:
        self.told.append(bundles)


def test_requests_are_added_up_and_told_when_they_change() -> None:
    world = World()
    world.requests.tell("b", [ONE_GPU])
    world.requests.tell("a", [{"CPU": 1}, {"CPU": 1}])
    world.requests.tell("b", [ONE_GPU])
    assert world.told == [[ONE_GPU], [{"CPU": 1}, {"CPU": 1}, ONE_GPU]]
    world.requests.tell("a", [])
    assert world.told[2:] == [[ONE_GPU]]
    assert world.requests.look()
    world.requests.tell("b", [])
    assert world.told[3:] == [[]]
    assert not world.requests.look()


def test_a_driver_that_says_nothing_is_dead() -> None:
    world = World()
    world.requests.tell("dead", [ONE_GPU])
    world.now = 60
    world.requests.tell("alive", [{"CPU": 1}])
    world.now = 89
    assert world.requests.look()
    assert len(world.told) == 2
    world.now = 91
    assert world.requests.look()
    assert world.told[2:] == [[{"CPU": 1}]]
    world.requests.tell("dead", [ONE_GPU])  # it had only been slow
    assert world.told[3:] == [[{"CPU": 1}, ONE_GPU]]


DRIVER = """
import sys, time
import ray
from study.machines.autoscaler_requests import Requester
ray.init(address=sys.argv[1], log_to_driver=False)
Requester(silent=3.0, again=0.5)(bundles=[{"CPU": 7}] * int(sys.argv[2]))
print("told", flush=True)
time.sleep(600)
"""


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(200)
def test_drivers_that_are_killed_leave_no_wish(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.experimental.internal_kv import _internal_kv_get

    monkeypatch.setenv("RAY_enable_autoscaler_v2", "0")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))

    def wished() -> int:
        return len(json.loads(_internal_kv_get(b"autoscaler_resource_request") or b"[]"))

    with settings():
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        drivers = [
            subprocess.Popen([sys.executable, "-c", DRIVER, cluster.address, count], stdout=subprocess.PIPE)
            for count in ("2", "3")
        ]
        try:
            with session(cluster.address, this_machine()):
                until(lambda: wished() == 5)
                drivers[1].send_signal(signal.SIGKILL)
                until(lambda: wished() == 2)
                time.sleep(4)  # longer than a silent one lives: the other goes on saying it
                assert wished() == 2
                drivers[0].send_signal(signal.SIGKILL)
                until(lambda: wished() == 0)
                until(lambda: {"name": NAME, "namespace": NAMESPACE} not in ray.util.list_named_actors(True))
        finally:
            for driver in drivers:
                driver.kill()
                driver.wait()
            cluster.shutdown()
