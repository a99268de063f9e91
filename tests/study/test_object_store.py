"""A real study whose data, checkpoints and cache lie in an object store: the same digest as in a folder."""

import contextlib
import pathlib
import re
from collections.abc import Callable

import pytest
from moto.server import ThreadedMotoServer

from study.cases import fetch
from study.checking.check import check
from study.events import Event, SegmentDone, Step
from study.ledger import Ledger
from study.machines.admission import Node
from study.machines.shared_storage import prove_shared
from study.running.run import run
from tests.chaos.small_study import CASES, NAME, PACE, small_study
from tests.trainables.moto_servers import stopped_for
from trainables.data.phantom.phantom import generate
from trainables.errors import InputError
from trainables.storage.object_store import storage_at

pytest_plugins = ["tests.trainables.object_stores"]


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_study_in_a_bucket_that_is_away_for_a_while(
    bucket_server: tuple[str, ThreadedMotoServer], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, server = bucket_server
    monkeypatch.setenv("SEGSTUDY_CACHE", str(tmp_path / "machine"))
    generate(tmp_path / "data", CASES, dim=2, seed=1)
    for file in (tmp_path / "data").rglob("*.*"):
        storage_at(bucket.format("data")).write(file.relative_to(tmp_path / "data").as_posix(), file.read_bytes())
    outage = contextlib.ExitStack()
    done: list[Event] = []

    def hear(event: Event) -> None:
        if isinstance(event, SegmentDone):
            done.append(event)
        if len(done) == 3 and storage is not None and event is done[-1]:
            outage.enter_context(stopped_for(8.0, server))

    digests = []
    for home, data, storage in (
        ("folder", str(tmp_path / "data"), None),
        ("bucket", bucket.format("data"), bucket.format("study")),
    ):
        done.clear()
        ended = run(small_study(data), home=tmp_path / home, storage=storage, pace=PACE, on_event=hear)
        assert ended.complete, ended.trouble
        assert ended.lost == 0
        with Ledger.open(tmp_path / home / "ledger.db", read_only=True) as ledger:
            digests.append(ledger.digest(ledger.study(NAME).id))
    assert digests[0] == digests[1]
    assert storage_at(bucket.format("study")).names(f"trials/{NAME}/final-a00-r0-f0-n000") != []
    outage.close()
    assert not (tmp_path / "bucket" / "trials").exists()
    assert not (tmp_path / "bucket" / "cache").exists()
    assert list((tmp_path / "machine").rglob("*.npy"))


def test_checking_data_in_a_bucket(bucket: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGSTUDY_CACHE", str(tmp_path / "machine"))
    url = bucket.format("other")
    generate(tmp_path / "data", CASES, dim=2, seed=1)
    for file in (tmp_path / "data").rglob("*.*"):
        storage_at(url).write(file.relative_to(tmp_path / "data").as_posix(), file.read_bytes())
    told: list[Event] = []
    found = check(small_study(url), Node("here", 2), tell=told.append)
    assert found.facts == check(small_study(str(tmp_path / "data")), Node("here", 2)).facts
    assert {type(event) for event in told} == {Step}
    texts = [event.text for event in told if isinstance(event, Step)]
    assert re.fullmatch(r"copying 0\.\d MB of data from s3://studies/other", texts[0])
    assert found.study.plain()["dataset"]["path"] == url


def test_how_far_it_is_is_said_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    def copy(url: str, tell: Callable[[int, int], None]) -> None:
        for second in range(12):
            now.append(float(second))
            tell(100_000 * second, 1_200_000)

    now: list[float] = []
    told: list[Event] = []
    monkeypatch.setattr(fetch.remote, "copy", copy)
    fetch.fetch(small_study("s3://bucket/data?region=x"), told.append, clock=lambda: now[-1])
    assert told == [
        Step("copying 1.2 MB of data from s3://bucket/data"),
        Step("copying 1.2 MB of data from s3://bucket/data: 41 %"),
        Step("copying 1.2 MB of data from s3://bucket/data: 83 %"),
    ]


def test_a_bucket_that_is_not_there_is_bad_input(bucket: str) -> None:
    storage = storage_at(bucket.format("x").replace("studies", "nobodys"))
    with pytest.raises(InputError, match=r"^storage s3://nobodys/x.* cannot be written: .*"):
        prove_shared(storage, ())
