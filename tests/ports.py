"""Ports for servers that go away and come back: no other process is given one of them meanwhile."""

import random
import socket

LOWEST, HIGHEST = 20_000, 32_000
"""Above the ports that Ray gives its workers, below those that the system gives to whoever asks for any."""


def free_port() -> int:
    """Returns a port of loopback where nobody listens."""
    draw = random.SystemRandom()
    while True:
        port = draw.randint(LOWEST, HIGHEST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
