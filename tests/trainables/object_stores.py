"""An S3-compatible server as a fixture."""

from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from tests.trainables.moto_servers import served


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The URL of an empty bucket, `{}` standing for what lies in it."""
    with served() as (url, _):
        yield url


@pytest.fixture
def bucket_server() -> Iterator[tuple[str, ThreadedMotoServer]]:
    """The same with its server, for a test that stops it."""
    with served() as both:
        yield both
