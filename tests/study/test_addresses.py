"""Addresses in messages: no password is shown, whatever letters it has and wherever it stands."""

import pytest

from study.addresses import data_place, hidden_in, mlflow_address, shown, storage_place
from trainables.errors import InputError


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql+psycopg://u:hush@host:5432/db", "postgresql+psycopg://***@host:5432/db"),
        ("postgresql+psycopg://u:hush/1@host:x/db", "postgresql+psycopg://***@host:x/db"),
        ("postgresql://u:12/hush@host/db", "postgresql://***@host/db"),
        ("http://u:hu@sh@host/", "http://***@host/"),
        ("http://u:hu?sh@host:5000/a", "http://***@host:5000/a"),
        ("http://u:hu#sh@host", "http://***@host"),
        ("http://hush@host", "http://***@host"),
        ("http://host/?password=hush&x=1", "http://host/?password=***&x=1"),
        ("postgresql://h/db?user=u&sslpassword=hush", "postgresql://h/db?user=u&sslpassword=***"),
        ("http://h:1/#access_token=hush", "http://h:1/#access_token=***"),
        ("http://host:5000/?mail=me@there", "http://host:5000/?mail=me@there"),
        ("sqlite:////home/me@work/mlflow.db", "sqlite:////home/me@work/mlflow.db"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("runs/me@work/ledger.db", "runs/me@work/ledger.db"),
    ],
)
def test_what_is_shown(address: str, expected: str) -> None:
    assert shown(address) == expected


def test_a_librarys_error_does_not_show_it_either() -> None:
    address = "http://u:hu%2Fsh@host/?token=other"
    said = "cannot reach http://u:hu%2Fsh@host/?token=other: login u, hu/sh and other failed"
    assert hidden_in(said, address, None) == "cannot reach http://***@host/?token=***: login u, *** and *** failed"


def test_a_storage_with_a_secret_is_refused_without_showing_it() -> None:
    with pytest.raises(InputError) as raised:
        storage_place("s3://bucket/x?secret_key=hush")
    assert "hush" not in str(raised.value)
    assert "the environment gives it" in str(raised.value)


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


def test_addresses_that_are_refused_keep_their_secret() -> None:
    for check, address in (
        (mlflow_address, "ftp://me:hush@host"),
        (storage_place, "s3://me:hush@bucket/x"),
        (data_place, "ftp://me:a@hush@host/x"),
    ):
        with pytest.raises(InputError) as caught:
            check(address)
        assert "hush" not in str(caught.value)
