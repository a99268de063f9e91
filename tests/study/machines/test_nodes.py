"""The machines: a Ray of our own whose node died is given up, instead of waited for without end."""

import pytest

from study.errors import MachineTroubleError
from study.machines import nodes
from study.machines.admission import Node


def test_a_ray_of_our_own_without_a_node_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "nodes", lambda: ())
    with pytest.raises(MachineTroubleError, match=r"Ray's own processes .* give the same command again"):
        nodes.own_nodes()


def test_a_ray_of_our_own_that_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "nodes", lambda: (Node("a", 2),))
    assert nodes.own_nodes() == (Node("a", 2),)
