"""Clusters of two nodes: joining one, a node that dies, a node that is added later, a storage that is not shared."""

import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import ray
from ray.cluster_utils import Cluster
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.dispatch import dispatcher
from study.events import Event, SegmentDone, SegmentLost, Step
from study.ledger import Ledger
from study.machines.nodes import nodes, this_machine
from study.machines.ray_session import asks_for_token, session, settings
from study.machines.storage_proof import StorageProof
from tests.study.dispatch_bench import undisturbed_digest
from tests.study.numbers_study import digest, numbers_study, run_numbers
from trainables.errors import InputError
from trainables.storage.object_store import storage_at

ROOT = pathlib.Path(__file__).parents[2]
pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def cluster(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    (tmp_path / "workers").mkdir()
    monkeypatch.chdir(tmp_path / "workers")  # where the nodes' processes will be
    monkeypatch.setenv("NUMBERS_PAUSE", "0.02")
    (tmp_path / "token").write_text("t" * 32)  # of another cluster: this one asks for none
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # segstudy is installed, its tests are not
    with settings():
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        made.add_node(num_cpus=1)
        yield made
        made.shutdown()


def test_a_node_that_dies_costs_its_segments_and_nothing_else(tmp_path: pathlib.Path, cluster: Cluster) -> None:
    events: list[Event] = []

    def kill_a_node(event: Event) -> None:
        events.append(event)
        done = sum(isinstance(each, SegmentDone) for each in events)
        if done == 12 and isinstance(event, SegmentDone):
            cluster.remove_node(cluster.worker_nodes.copy().pop())

    ended = run_numbers(tmp_path, ray_address=cluster.address, on_event=kill_a_node)
    assert ended.complete, ended.trouble
    assert ended.lost == 0
    assert any(isinstance(event, SegmentLost) for event in events)
    assert digest(tmp_path) == undisturbed_digest(tmp_path)


def test_a_head_that_is_killed_ends_the_run_which_goes_on_elsewhere(tmp_path: pathlib.Path, cluster: Cluster) -> None:
    line = [sys.executable, "-u", "-m", "tests.study.numbers_study", str(tmp_path / "home"), "--events"]
    said = []
    with subprocess.Popen([*line, "--ray", cluster.address], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        for each in driver.stdout:
            said.append(each)
            if each.startswith("SegmentDone") and sum(other.startswith("SegmentDone") for other in said) == 3:
                cluster.head_node.kill_gcs_server()
    assert driver.returncode != 0
    assert "does not answer; if it stays away, Ray ends this run in a minute. Nothing is lost" in said[-1]
    ended = run_numbers(tmp_path / "home")  # on a Ray of its own: the lease of the dead driver is taken at once
    assert ended.complete
    assert digest(tmp_path / "home") == undisturbed_digest(tmp_path)


def test_a_storage_that_nodes_do_not_share_is_refused(
    tmp_path: pathlib.Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "driver").mkdir()
    monkeypatch.chdir(tmp_path / "driver")
    with pytest.raises(InputError, match=r"is not shared with .*: it does not see what is written here"):
        run_numbers(tmp_path, ray_address=cluster.address, storage="/proc/self/cwd/storage")  # another place for each
    assert not list((tmp_path / "driver").rglob("storage-proof/*"))


def test_a_node_that_comes_later_and_does_not_see_the_storage_gets_no_work(
    tmp_path: pathlib.Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "REFRESH_SECONDS", 0.5)
    events: list[Event] = []

    def add_a_node(event: Event) -> None:
        events.append(event)
        if isinstance(event, Step) and event.slots is not None:  # counted without it, and before any worker began
            (tmp_path / "elsewhere").mkdir()
            with contextlib.chdir(tmp_path / "elsewhere"):
                cluster.add_node(num_cpus=4)

    ended = run_numbers(tmp_path, ray_address=cluster.address, storage="/proc/self/cwd/storage", on_event=add_a_node)
    assert ended.complete, ended.trouble
    said = [event.text for event in events if isinstance(event, Step) and "shared" in event.text]
    assert len(said) == 1
    assert said[0].endswith("it does not see what is written here; it gets no work until it does")
    assert digest(tmp_path) == undisturbed_digest(tmp_path)
    assert not list((tmp_path / "workers").rglob("storage-proof/*"))


def test_trials_are_held_to_one_kind_of_machine(
    tmp_path: pathlib.Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two nodes of this processor with a CPU each, and two with three whose kernels are held to the oldest.
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    cluster.add_node(num_cpus=2)
    cluster.add_node(num_cpus=1)
    events: list[Event] = []
    study = numbers_study(resources={"cpu": 1, "gpu": 0, "same_kind": True})
    ended = run_numbers(tmp_path, study, ray_address=cluster.address, on_event=events.append)
    assert ended.complete, ended.trouble
    with Ledger.open(tmp_path / "ledger.db", read_only=True) as ledger:
        machines = ledger.machines(ledger.study("numbers").id)
    assert {machine["cpu_capability"] for machine in machines} == {"DEFAULT"}
    said = [event for event in events if isinstance(event, Step)]
    assert [step.slots for step in said if step.slots is not None] == [3]
    assert any("DEFAULT" in step.text and "1 other kind get no work" in step.text for step in said)
    assert digest(tmp_path) == undisturbed_digest(tmp_path)


def test_ray_gives_a_held_node_nothing(tmp_path: pathlib.Path, cluster: Cluster) -> None:
    with session(cluster.address, this_machine()):
        *_, node = nodes()
        there = NodeAffinitySchedulingStrategy(node_id=node.name, soft=False)
        work = ray.remote(num_cpus=1)(lambda: None).options(scheduling_strategy=there)
        ray.get(work.remote())
        proof = StorageProof(storage_at(tmp_path))
        proof.hold(node)
        deadline = time.monotonic() + 30
        while ray.wait([waiting := work.remote()], timeout=3)[0]:
            assert time.monotonic() < deadline
        proof.release(node.name)
        ray.get(waiting, timeout=60)


def test_a_cluster_is_shown_its_token_if_it_asks(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (tmp_path / "token").write_text("t" * 32)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ray = [str(pathlib.Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--num-cpus=1"]
    command = [*ray, "--port", address.rpartition(":")[2], "--include-dashboard=false", "--disable-usage-stats"]
    for mode, asks in (("token", True), ("disabled", False)):
        with subprocess.Popen(command, env={**os.environ, "RAY_AUTH_MODE": mode}, stdout=subprocess.DEVNULL) as head:
            try:
                _until_it_listens(address)
                assert asks_for_token(address) == asks
                home = tmp_path / f"home-{mode}"
                line = [sys.executable, "-m", "tests.study.numbers_study", str(home), "--ray", address]
                subprocess.run(line, check=True, cwd=ROOT)
                assert digest(home) == undisturbed_digest(home)
            finally:
                head.terminate()
    (tmp_path / "token").unlink()
    assert not asks_for_token(address)  # nothing to show


NICE = """
import os, sys, ray
from study.machines.nodes import this_machine
from study.machines.ray_session import quiet, session, settings
with settings(), quiet(), session(sys.argv[1], this_machine()):
    print(ray.get(ray.remote(num_cpus=1)(lambda: os.nice(0)).remote()))
"""


@pytest.mark.parametrize(("set_by_the_user", "more"), [({}, 0), ({"RAY_worker_niceness": "3"}, 3)])
def test_workers_of_a_head_that_somebody_started_are_as_nice_as_the_head(
    monkeypatch: pytest.MonkeyPatch, set_by_the_user: dict[str, str], more: int
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.delenv("RAY_worker_niceness", raising=False)
    ray = [str(pathlib.Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--num-cpus=1"]
    command = [*ray, "--port", address.rpartition(":")[2], "--include-dashboard=false", "--disable-usage-stats"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as head:
        try:
            _until_it_listens(address)
            line = [sys.executable, "-c", NICE, address]
            found = subprocess.run(line, check=True, env={**os.environ, **set_by_the_user}, stdout=subprocess.PIPE)
            assert int(found.stdout) == min(19, os.nice(0) + more)
        finally:
            head.terminate()


def _until_it_listens(address: str) -> None:
    host, _, port = address.rpartition(":")
    for _ in range(300):
        with contextlib.suppress(OSError):
            socket.create_connection((host, int(port)), timeout=1).close()
            return
        time.sleep(0.2)
    raise TimeoutError(address)


def test_this_machine_has_a_processor() -> None:
    assert this_machine().cpu >= 1
