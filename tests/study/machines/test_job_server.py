"""Studies as jobs: what is sent to a cluster, how it is found again by name, and a real study on a real Ray."""

import dataclasses
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from ray.exceptions import AuthenticationError

from study.command.cli import run_command
from study.machines.job_code import packages, whole
from study.machines.job_server import Jobs, without_password
from study.machines.ray_session import settings
from study.machines.ray_token import token
from study.study_file import Study, load
from tests.ports import free_port
from tests.study.numbers_study import numbers_study
from tests.study.until import until
from trainables.errors import InputError


@dataclasses.dataclass
class Listed:
    """A job as Ray lists it."""

    submission_id: str | None
    status: str
    metadata: dict[str, str] | None
    start_time: int = 0
    end_time: int | None = None
    message: str | None = None


class Server:
    """Ray's client as far as it is used; jobs run when told to."""

    def __init__(self) -> None:
        self.jobs: list[Listed] = [Listed(None, "RUNNING", None), Listed("raysubmit_1", "RUNNING", {"a": "b"})]
        self.sent: list[dict[str, Any]] = []
        self.files: list[str] = []
        self.names: list[list[str]] = []
        self.logs = iter([""])
        self.stopped: list[str] = []
        self.now = self.ready = 0.0  # seconds; before it is ready it takes no job
        self.at_waits: list[Callable[[], None]] = []

    def list_jobs(self) -> list[Listed]:
        return self.jobs

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.at_waits:
            self.at_waits.pop(0)()

    def submit_job(self, **job: Any) -> None:
        if self.now < self.ready:
            raise RuntimeError("Request failed with status code 500: No available agent to submit job")
        self.sent.append(job)
        self.names.append(sorted(os.listdir(job["runtime_env"]["working_dir"])))
        self.files.append(pathlib.Path(job["runtime_env"]["working_dir"], "study.yaml").read_text())
        self.jobs.append(Listed(job["submission_id"], "PENDING", job["metadata"], start_time=1000 * len(self.jobs)))

    def get_job_logs(self, job: str) -> str:
        return next(self.logs)

    def stop_job(self, job: str) -> None:
        self.stopped.append(job)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def jobs(server: Server, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    monkeypatch.setattr("study.machines.job_server._address", lambda url: url)
    return Jobs("http://head:8265", server, clock=lambda: server.now, sleep=server.sleep)


def test_a_job_carries_the_whole_study_and_this_code(jobs: Jobs, server: Server, tmp_path: pathlib.Path) -> None:
    study = numbers_study(dataset={"path": "/shared/data", "labels": {"organ": 1, "lesion": 2}})
    job = jobs.submit(study, ["--home", "/shared/my runs"], python="/opt/env/bin/python")
    (sent,) = server.sent
    assert sent["entrypoint"] == (
        "exec /opt/env/bin/python -m study.command.cli run study.yaml --ray auto --home '/shared/my runs'"
    )
    assert (job.id, job.study, job.status, job.lives) == ("segstudy-numbers-1", "numbers", "PENDING", True)
    assert sent["runtime_env"]["py_modules"] == packages()
    file = tmp_path / "study.yaml"
    file.write_text(server.files[0])
    assert load(file).plain() == study.plain()


def test_code_of_the_users_own_goes_along(
    jobs: Jobs, server: Server, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_package").mkdir()
    for name in ("own_package/__init__.py", "own_package/losses.py", "own_module.py"):
        (tmp_path / name).write_text("raise AssertionError('imported')\n")
    monkeypatch.chdir(tmp_path)
    losses = {"mine": "own_package.losses:mine", "yours": "own_module:Yours.make", "theirs": "not_here.losses:theirs"}
    losses |= {"ours": "trainables.losses:dice_loss", "built_in": "sys:exit"}
    jobs.submit(numbers_study(losses={**losses, "dice": None}), ["--allow-code"])
    (sent,) = server.sent
    *ours, theirs = sent["runtime_env"]["py_modules"]
    assert ours == packages()
    assert pathlib.Path(theirs).name == "own_package"
    assert server.names == [["own_module.py", "study.yaml"]]


def test_a_package_is_sent_whole_whatever_its_ignore_files_name(tmp_path: pathlib.Path) -> None:
    from ray._private.runtime_env.packaging import get_uri_for_directory

    package = tmp_path / "own_package"
    for name in ("__init__.py", "data/table.csv", "data/.gitignore", ".gitignore", ".rayignore", "__pycache__/x.pyc"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("data/\n*.csv\n")
    (tmp_path / "copy").mkdir()
    copy = pathlib.Path(whole(package, str(tmp_path / "copy")))
    sent = sorted(str(file.relative_to(copy)) for file in copy.rglob("*") if file.is_file())
    assert sent == ["__init__.py", "data/table.csv"]
    before = get_uri_for_directory(str(copy), include_gitignore=True)
    (copy / "data/table.csv").write_text("changed")
    assert get_uri_for_directory(str(copy), include_gitignore=True) != before  # so Ray does send it


def test_one_job_of_a_study_at_a_time_and_the_newest_is_meant(jobs: Jobs, server: Server) -> None:
    jobs.submit(numbers_study(), [])
    with pytest.raises(InputError, match=r"'numbers' is starting at http://head:8265 as segstudy-numbers-1. See it: "):
        jobs.submit(numbers_study(), [])
    server.jobs[-1].status = "STOPPED"
    assert jobs.submit(numbers_study(), []).id == "segstudy-numbers-2"
    assert jobs.find("numbers").id == "segstudy-numbers-2"
    assert len(server.sent) == 2


def test_a_study_without_a_job(jobs: Jobs) -> None:
    with pytest.raises(InputError, match="no job of a study 'demo' at http://head:8265: it has no jobs of segstudy"):
        jobs.find("demo")
    jobs.submit(numbers_study(), [])
    with pytest.raises(InputError, match=r"it has jobs of numbers\. Start one with segstudy submit"):
        jobs.find("demo")


def test_a_log_is_followed_to_its_end(jobs: Jobs, server: Server) -> None:
    job = jobs.submit(numbers_study(), [])
    server.logs = iter(["a\n", "a\nb\n", "a\nb\n", "a\nb\nc\n"])

    def end() -> None:
        server.jobs[-1].status = "SUCCEEDED"

    server.at_waits = [lambda: None, lambda: None, end]
    assert list(jobs.follow(job)) == ["a\n", "b\n", "c\n"]


def test_a_head_that_has_just_started_is_waited_for(jobs: Jobs, server: Server) -> None:
    server.ready = 20.0
    assert jobs.submit(numbers_study(), []).lives
    assert server.now == 20.0
    server.jobs.pop()
    server.ready = 1e9
    with pytest.raises(InputError, match="No available agent"):
        jobs.submit(numbers_study(), [])
    assert server.now < 100


@pytest.mark.parametrize("kind", [RuntimeError, AuthenticationError])
def test_what_a_cluster_refuses_is_one_line(
    jobs: Jobs, server: Server, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def refuse() -> None:
        raise kind("Request failed with status code 401: no token\nTraceback …")

    monkeypatch.setattr(server, "list_jobs", refuse)
    with pytest.raises(
        InputError, match=r"^--cluster http://head:8265: Request failed with status code 401: no token$"
    ):
        jobs.find("numbers")


@pytest.mark.parametrize("url", ["head:8265", "ray://head:10001", "http://127.0.0.1:1"])
def test_an_address_without_a_job_server(url: str) -> None:
    with pytest.raises(InputError, match=f"^--cluster {url}: "):
        Jobs(url)


def test_a_password_is_not_sent() -> None:
    with pytest.raises(InputError, match=r"^--ledger: has a password") as error:
        without_password("--ledger", "postgresql+psycopg://me:secret@db/study")
    assert "secret" not in str(error.value)
    for url in (None, "/shared/ledger.db", "postgresql+psycopg://me@db/study"):
        without_password("--ledger", url)


def test_the_token_is_shown_where_there_is_one(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    assert token() == {}
    (tmp_path / "token").write_text("t")
    assert token() == {"RAY_AUTH_MODE": "token"}
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # what the user says comes first
    assert token() == {}


TOKEN = """
import pathlib, sys
from ray._private.authentication.authentication_utils import is_token_auth_enabled
from ray._private.authentication.http_token_authentication import get_auth_headers_if_auth_enabled
from study.machines.ray_token import token_shown
with token_shown():
    print(is_token_auth_enabled())
pathlib.Path(sys.argv[1]).write_text("t" * 32)
with token_shown():
    print(is_token_auth_enabled(), get_auth_headers_if_auth_enabled({})["authorization"][-1])
pathlib.Path(sys.argv[1]).write_text("u" * 32)
print(is_token_auth_enabled())
with token_shown():
    print(get_auth_headers_if_auth_enabled({})["authorization"][-1])
"""
"""Run by a process of its own: Ray keeps what an embedded Ray's token made it read."""


def test_ray_hears_of_the_token_though_it_was_imported_before(tmp_path: pathlib.Path) -> None:
    hidden = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["RAY_AUTH_TOKEN_PATH"] = str(tmp_path / "token")
    line = [sys.executable, "-c", TOKEN, environment["RAY_AUTH_TOKEN_PATH"]]
    done = subprocess.run(line, capture_output=True, encoding="utf-8", env=environment, timeout=60)
    # each time it is read anew: a driver that still knew it would demand it from a cluster without tokens
    assert done.stdout.split() == ["False", "True", "t", "False", "u"], done.stderr


@pytest.fixture
def cluster() -> Iterator[str]:
    """A Ray with a job server, on ports of its own: another one on this machine may have the usual ones."""
    head, dashboard, agent = free_port(), free_port(), free_port()
    line = [str(pathlib.Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--num-cpus=2"]
    line += [f"--port={head}", f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={agent}"]
    with settings(), tempfile.TemporaryDirectory(prefix="sgj-", dir="/tmp") as folder:
        process = subprocess.Popen([*line, f"--temp-dir={folder}"], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        try:
            until(lambda: _answers(dashboard))
            yield f"http://127.0.0.1:{dashboard}"
        finally:
            process.terminate()
            process.wait(60)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_study_is_sent_watched_stopped_and_goes_on(
    tmp_path: pathlib.Path, cluster: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a loss of the user's own, whose module the cluster does not have."""
    (tmp_path / "own_losses.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    data, home = tmp_path / "phantoms", tmp_path / "runs"
    assert run_command(["phantom", str(data), "--cases", "6", "--dim", "2"]) == 0
    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump({**tiny_study(), "name": "tiny"}))
    line = ["submit", str(file), "--cluster", cluster, "--home", str(home), "--data", str(data)]
    line += ["--allow-code"]
    assert run_command([*line, "--python", sys.executable]) == 0
    jobs = Jobs(cluster)
    until(lambda: "trial" in jobs.log(jobs.find("tiny")))
    assert run_command(["stop", "tiny", "--cluster", cluster]) == 0
    until(lambda: not jobs.find("tiny").lives)
    assert "nothing is lost" in jobs.log(jobs.find("tiny"))
    assert run_command([*line, "--python", sys.executable]) == 0
    assert run_command(["logs", "tiny", "--cluster", cluster, "--follow"]) == 0
    assert run_command(["status", "tiny", "--cluster", cluster]) == 0
    said = capsys.readouterr().out
    assert "tiny: done as segstudy-tiny-2" in said
    assert (home / "reports" / "tiny" / "report.html").exists()


def tiny_study() -> dict[str, Any]:
    study = numbers_study().plain()
    dataset = {
        "path": None,
        "labels": {"organ": 1, "lesion": 2},
        "group": "case",
        "split": {"validation": 0.34, "test": 0.34},
    }
    budget = {"trials_per_arm": 4, "cohort": 2, "halving": {"eta": 2, "marks": [8, 16]}, "final_seeds": 1}
    training = {"iterations": 16, "batch_size": 2}
    preprocess = {"spacing": "unknown", "normalize": "minmax"}
    changed = {"dataset": dataset, "budget": budget, "training": training, "preprocess": preprocess}
    return {**{key: study[key] for key in ("seed", "patch", "resources", "report")}, **changed, **MODELS}


OWN = """
from trainables.losses import dice_loss


def mine(logits, target, *, weight=None, ignore=None):
    return dice_loss(logits, target, weight=weight, ignore=ignore)
"""
MODELS: dict[str, Any] = {"models": {"unet": {"width": 4}}, "losses": {"mine": "own_losses:mine"}}


def test_the_study_of_the_test_is_one() -> None:
    Study.from_plain({**tiny_study(), "name": "tiny"})
