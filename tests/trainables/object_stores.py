"""An S3-compatible server as a fixture."""

from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from tests.trainables.moto_servers import served


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """URL of an empty bucket, with `{}` in place of a key."""
    with served() as (url, _):
        yield url


@pytest.fixture
def bucket_server() -> Iterator[tuple[str, ThreadedMotoServer]]:
    """URL of an empty bucket and its server, for tests that stop it."""
    with served() as both:
        yield both
