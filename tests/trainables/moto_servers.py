"""S3-compatible servers by moto, in this process; a stopped server keeps its contents."""

import contextlib
import os
import threading
import urllib.request
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from tests.ports import free_port

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def stop(server: ThreadedMotoServer) -> None:
    """Stops a server and frees its port.

    moto leaves the listening socket to the garbage collector, and threads of connections that clients keep open hold
    it: a server that is started there again finds the port taken and waits for itself for ever.
    """
    server.stop()
    if server._server is not None:
        server._server.server_close()


@contextlib.contextmanager
def stopped_for(seconds: float, server: ThreadedMotoServer) -> Iterator[None]:
    """Stops the server, and starts it again after a while with the same contents."""
    port = server.get_host_and_port()[1]
    stop(server)
    again = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    timer = threading.Timer(seconds, again.start)
    timer.start()
    try:
        yield
    finally:
        timer.join()
        stop(again)


@contextlib.contextmanager
def served() -> Iterator[tuple[str, ThreadedMotoServer]]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in ENVIRONMENT.items():
            environment.setenv(name, value)
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            environment.delenv(name)
        server.start()
        _, port = server.get_host_and_port()
        address = f"127.0.0.1:{port}"
        urllib.request.urlopen(urllib.request.Request(f"http://{address}/studies", method="PUT"), timeout=10).close()
        yield f"s3://studies/{{}}?endpoint_override={address}&scheme=http&region=us-east-1", server
        stop(server)
