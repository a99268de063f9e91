"""Signals: the first asks a run to stop, the second ends it."""

import os
import signal
import subprocess
import sys
import threading
import time

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


def test_a_stop_asked_for_by_another_thread_ends_what_has_nothing_to_save() -> None:
    began = time.monotonic()
    with Stopping() as stopping:
        timer = threading.Timer(0.2, stopping.ask)
        timer.start()
        with pytest.raises(Stopped), stopping.interrupting():
            time.sleep(60)
        timer.join()
        assert stopping.asked
        stopping.ask()  # once more changes nothing
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_takes_them_as_ctrl_c(number: signal.Signals) -> None:
    code = (
        "import os, signal\nfrom study.signals import as_ctrl_c\nas_ctrl_c()\n"
        f"try: os.kill(os.getpid(), {number.value}); signal.pause()\nexcept KeyboardInterrupt: print('heard')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60)
    assert (done.stdout, done.returncode) == ("heard\n", 0)


def test_an_ignored_sighup_stays_ignored() -> None:
    code = (
        "import os, signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\nfrom study.signals import as_ctrl_c\n"
        "as_ctrl_c(); os.kill(os.getpid(), signal.SIGHUP); print('goes on')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60)
    assert (done.stdout, done.returncode) == ("goes on\n", 0)
