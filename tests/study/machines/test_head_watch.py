"""A cluster's head that goes and comes back: what is said, and when."""

import socket
import threading

from study.events import Event, Step
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
