"""Two nodes: a cluster that is joined, a node that dies, a storage that is not shared."""

import pathlib
from collections.abc import Iterator

import pytest
from ray.cluster_utils import Cluster

from study.events import Event, SegmentDone, SegmentLost
from study.nodes import this_machine
from study.ray_session import settings
from tests.study.numbers_study import digest, run_numbers
from tests.study.office import undisturbed_digest
from trainables.errors import InputError

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def cluster(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    (tmp_path / "workers").mkdir()
    monkeypatch.chdir(tmp_path / "workers")  # where the nodes' processes will be
    monkeypatch.setenv("NUMBERS_PAUSE", "0.02")
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parents[2]))  # segstudy is installed, its tests are not
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


def test_a_storage_that_nodes_do_not_share_is_refused(
    tmp_path: pathlib.Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "driver").mkdir()
    monkeypatch.chdir(tmp_path / "driver")
    with pytest.raises(InputError, match=r"is not shared with .*: it does not see what is written here"):
        run_numbers(tmp_path, ray_address=cluster.address, storage="/proc/self/cwd/storage")  # another place for each
    assert not list((tmp_path / "driver").rglob("storage-proof/*"))


def test_this_machine_has_a_processor() -> None:
    assert this_machine().cpu >= 1
