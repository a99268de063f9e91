"""A web proxy of the environment is never asked for servers on this machine."""

import os
import urllib.request

import pytest

from study.command.loopback import ask_loopback_directly


@pytest.mark.parametrize("given", [None, "", "intranet, 127.0.0.1", "*"])
def test_loopback_is_asked_directly(monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        if given is not None:
            monkeypatch.setenv(name, given)
    ask_loopback_directly()
    for host in ("127.0.0.1:5000", "localhost:5000"):
        assert urllib.request.proxy_bypass_environment(host)
    assert bool(urllib.request.proxy_bypass_environment("intranet")) == (given in ("intranet, 127.0.0.1", "*"))
    before = os.environ["no_proxy"]
    ask_loopback_directly()
    assert os.environ["no_proxy"] == before
