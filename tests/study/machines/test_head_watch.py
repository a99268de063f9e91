"""A cluster's head that goes and comes back: what is said, and when."""

import socket
import threading
from typing import ClassVar

import pytest

from study.errors import MachineTroubleError
from study.events import Event, Step
from study.machines import head_watch, nodes
from study.machines.head_watch import answers, head_watched
from tests.study.until import until


def test_a_head_that_comes_back() -> None:
    there = threading.Event()
    there.set()
    told: list[Event] = []
    with head_watched("head:6379", told.append, every=0.01, silent=0.1, knock=lambda address: there.is_set()):
        assert told == []
        there.clear()
        until(lambda: told)
        there.set()
        until(lambda: len(told) == 2)
    texts = [event.text for event in told if isinstance(event, Step)]
    assert texts[0].startswith("the cluster's head at head:6379 does not answer; if it stays away, Ray ends this run")
    assert texts[1] == "the cluster's head at head:6379 answers again"


def test_a_head_that_is_away_for_a_moment_is_not_worth_a_word() -> None:
    knocks = iter([True, False, False, True] * 100)
    told: list[Event] = []
    with head_watched("head:6379", told.append, every=0.001, silent=60.0, knock=lambda address: next(knocks, True)):
        until(lambda: next(knocks, None) is None)
    assert told == []


def test_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert answers(address)
    assert not answers(address)


def test_a_process_of_our_own_ray_that_has_ended_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    died, looks = threading.Event(), threading.Semaphore(0)
    told: list[Event] = []

    def look() -> None:
        looks.release()
        if died.is_set():
            raise MachineTroubleError("Ray's own processes died")

    monkeypatch.setattr(head_watch, "refuse_dead_ray", look)
    with head_watch.own_ray_watched(told.append, every=0.001):
        for _ in range(3):
            assert looks.acquire(timeout=10)
        assert told == []
        died.set()
        until(lambda: told, 10)
    assert told == [Step("Ray's own processes died")]


def test_processes_of_ray_are_looked_at_without_asking_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray._private import worker

    class Started:
        dead: ClassVar[list[object]] = []

        def dead_processes(self) -> list[object]:
            return self.dead

    nodes.refuse_dead_ray()  # none was started
    monkeypatch.setattr(worker, "_global_node", Started())
    nodes.refuse_dead_ray()
    Started.dead.append(("gcs_server", None))
    with pytest.raises(MachineTroubleError, match="were killed or died"):
        nodes.refuse_dead_ray()
