"""Signals: the first asks a run to stop, the second ends it."""

import os
import signal

import pytest

from study.errors import Stopped
from study.signals import Stopping


def test_the_first_signal_asks_and_the_second_ends() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Stopping() as stopping:
        assert not stopping.asked
        stopping.check()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as Ray does when it starts
        stopping.listen()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopping.asked
        with pytest.raises(Stopped):
            stopping.check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) == before
