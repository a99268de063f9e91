"""Commands whose reader goes away: a run goes on, anything else ends silently; and commands that are interrupted."""

import os
import signal
import subprocess
import sys

import pytest

from study.command import cli
from study.command.audience import READER_GONE, Output, ReaderGoneError
from study.errors import STOPPED


def test_a_command_whose_reader_goes_ends_silently() -> None:
    for command in (["losses"], ["--help"]):
        reader, writer = os.pipe()
        os.close(reader)
        line = [sys.executable, "-m", "study.command.cli", *command]
        ended = subprocess.run(line, stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        assert (ended.returncode, ended.stderr) == (READER_GONE, b""), command


@pytest.mark.parametrize("goes_on", [True, False])
def test_output_is_discarded_once_the_reader_has_gone(goes_on: bool) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        output = Output(stream, goes_on=goes_on)
        output.write("first\n")
        output.flush()
        assert os.read(reader, 99) == b"first\n"
        os.close(reader)
        output.write("second\n")
        if goes_on:
            output.flush()
        else:
            with pytest.raises(ReaderGoneError):
                output.flush()
        output.write("third\n")
        output.flush()


def test_a_command_that_is_interrupted_has_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(kind: str) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("study.console.cards.list_text", interrupted)
    assert cli.run_command(["losses"]) == STOPPED
    assert "Traceback" not in capsys.readouterr().err


def test_a_command_that_is_interrupted_waits_for_no_thread() -> None:
    code = (
        "import threading, time\nfrom study.command import cli\n"
        "def interrupted(arguments):\n"
        "    threading.Thread(target=time.sleep, args=(600,)).start()\n    return cli.STOPPED\n"
        "cli.run_command = interrupted\ncli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=60)
    assert done.returncode == STOPPED
