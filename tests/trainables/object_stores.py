"""An S3-compatible server as a fixture: moto's, in this process."""

import os
import urllib.request
from collections.abc import Iterator

import pytest

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The URL of an empty bucket, `{}` standing for what lies in it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in ENVIRONMENT.items():
            environment.setenv(name, value)
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            environment.delenv(name)
        server.start()
        _, port = server.get_host_and_port()
        address = f"127.0.0.1:{port}"
        urllib.request.urlopen(urllib.request.Request(f"http://{address}/studies", method="PUT"), timeout=10).close()
        yield f"s3://studies/{{}}?endpoint_override={address}&scheme=http&region=us-east-1"
        server.stop()
