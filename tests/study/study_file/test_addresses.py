"""No message shows what an address holds in secret."""

import pytest

from study.study_file.addresses import data_place, mlflow_address, shown, storage_place
from trainables.errors import InputError


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:hush@host/db",
        "postgresql://me:hush/1@host:x/db",
        "postgresql://me:a@hush@host/db",
        "postgresql://me:a@b/hush?@host/db",
        "postgresql://host/db?user=me&password=hush",
        "postgresql://host/db?sslpassword=hush&user=me",
        "https://host/path?api_key=hush",
        "https://host/path?X-Amz-Signature=hush&a=1",
        "https://host/path?access_token=hush#end",
        "http://hush:@host",
        "s3://AKIA:hush/+=@bucket/folder",
    ],
)
def test_a_secret_is_not_shown(address: str) -> None:
    assert "hush" not in shown(address)
    assert shown(address).startswith(address.partition("://")[0] + "://")


def test_the_rest_is_shown() -> None:
    assert shown("postgresql://me:hush@host:5432/db?sslmode=require") == "postgresql://***@host:5432/db?sslmode=require"
    assert shown("postgresql://host/db?user=me&password=a&port=1") == "postgresql://host/db?user=me&password=***&port=1"
    assert shown("runs/ledger.db") == "runs/ledger.db"


def test_addresses_that_are_refused_keep_their_secret() -> None:
    for check, address in (
        (mlflow_address, "ftp://me:hush@host"),
        (storage_place, "s3://me:hush@bucket/x"),
        (data_place, "ftp://me:a@hush@host/x"),
    ):
        with pytest.raises(InputError) as caught:
            check(address)
        assert "hush" not in str(caught.value)
