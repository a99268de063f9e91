"""A Ray cluster's job server: submits studies with the code installed here, and finds their jobs by study name."""

import dataclasses
import pathlib
import shlex
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import yaml
from ray.exceptions import RayError

from study.addresses import hidden_in, shown
from study.machines.job_code import own_code, packages, whole
from study.machines.ray_session import CONNECTIONS
from study.machines.ray_token import token_shown
from study.study_file import Study
from trainables.errors import InputError

PORT = 8265  # of Ray's dashboard, which is the job server
FILE = "study.yaml"
STUDY = "segstudy.study"  # key of the study's name in a job's metadata
CONNECT_SECONDS = 10.0
STOP_SECONDS = 300  # for a job to save running segments after a stop; Ray's default is 3
LIVING = ("PENDING", "RUNNING")
POLL = 1.0  # seconds between two queries
HEAD_START_SECONDS = 60.0  # for a head that has just started
WORDS = {"PENDING": "starting", "RUNNING": "running", "STOPPED": "stopped", "SUCCEEDED": "done", "FAILED": "failed"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """A run of a study on a cluster.

    Attributes:
        id: Ray's submission id.
        study: The study's name.
        status: Ray's job status.
        message: Ray's reason for the status, in one line; may be empty.
        began: Time of submission, seconds since 1970.
        ended: Time of its end, seconds since 1970; None while it runs.
    """

    id: str
    study: str
    status: str
    message: str
    began: float
    ended: float | None

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self.status in LIVING

    def plain(self) -> dict[str, Any]:
        """Return JSON-able data."""
        return dataclasses.asdict(self)


class Jobs:
    """The jobs of one cluster.

    Args:
        url: Address of its job server, such as `http://head:8265`.
        client: Ray's job client; by default a new one.
        clock: Monotonic time in seconds.
        sleep: Waits a number of seconds.

    Raises:
        InputError: No server answers there, or it is no Ray that accepts this user's token.
    """

    def __init__(
        self,
        url: str,
        client: Any = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = _address(url)
        self._client = _client(self.url) if client is None else client
        self._clock, self._sleep = clock, sleep

    def submit(self, study: Study, arguments: Sequence[str], *, python: str = "python") -> Job:
        """Submit a study with the code of this installation and the user's own modules that the study names.

        Args:
            study: The study; its paths and the dependencies of its code must exist on the cluster.
            arguments: Arguments of `segstudy run` after the file.
            python: Python interpreter of Ray on the cluster.

        Raises:
            InputError: A job of this study is running already, or the cluster refuses the job.
        """
        before = self._of(study.name)
        if before and before[-1].lives:
            raise InputError(
                f"'{study.name}' is {WORDS[before[-1].status]} at {shown(self.url)} as {before[-1].id}. "
                f"See it: segstudy status {study.name} --cluster {shown(self.url)}"
            )
        line = [python, "-m", "study.command.cli", "run", FILE, "--ray", "auto", *arguments]
        with (
            tempfile.TemporaryDirectory(prefix="segstudy-job-") as folder,
            tempfile.TemporaryDirectory(prefix="segstudy-job-") as modules,
            _told(self.url),
        ):
            pathlib.Path(folder, FILE).write_text(yaml.safe_dump(study.plain(), sort_keys=False), encoding="utf-8")
            own = own_code(study)
            for file in (place for place in own if place.is_file()):
                shutil.copy(file, folder)
            self._sent(
                entrypoint="exec " + shlex.join(line),  # no shell in between: the driver itself receives signals
                submission_id=f"segstudy-{study.name}-{len(before) + 1}",
                metadata={STUDY: study.name},
                runtime_env={
                    "working_dir": folder,
                    "py_modules": packages() + [whole(place, modules) for place in own if place.is_dir()],
                    "excludes": ["__pycache__"],
                    "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS), **CONNECTIONS},
                },
            )
        return self.find(study.name)

    def _sent(self, **job: Any) -> None:
        """Submit a job; retry while a head that has just started does not accept jobs."""
        deadline = self._clock() + HEAD_START_SECONDS
        while True:
            try:
                self._client.submit_job(**job)
                return
            except RuntimeError as error:
                if "No available agent" not in str(error) or self._clock() > deadline:
                    raise
            self._sleep(POLL)

    def find(self, name: str) -> Job:
        """Return the newest job of a study.

        Raises:
            InputError: There is no such job.
        """
        if found := self._of(name):
            return found[-1]
        known = sorted({job.study for job in self._all()})
        there = f"it has jobs of {', '.join(known)}" if known else "it has no jobs of segstudy"
        raise InputError(f"no job of a study '{name}' at {shown(self.url)}: {there}. Start one with segstudy submit.")

    def log(self, job: Job) -> str:
        """Return a job's output so far."""
        with _told(self.url):
            return str(self._client.get_job_logs(job.id))

    def follow(self, job: Job) -> Iterator[str]:
        """Yield a job's output piece by piece until it ends."""
        said = 0
        while True:
            lives = self.find(job.study).lives  # queried before the log, so that the log is complete
            text = self.log(job)
            if len(text) > said:
                yield text[said:]
                said = len(text)
            if not lives:
                return
            self._sleep(POLL)

    def stop(self, job: Job) -> None:
        """Request a job to stop without loss of results; does not wait."""
        with _told(self.url):
            self._client.stop_job(job.id)

    def _of(self, name: str) -> list[Job]:
        return [job for job in self._all() if job.study == name]

    def _all(self) -> list[Job]:
        """Return the jobs of segstudy, the newest last."""
        with _told(self.url):
            listed = self._client.list_jobs()
        jobs = [
            Job(
                id=each.submission_id,
                study=each.metadata[STUDY],
                status=str(getattr(each.status, "value", each.status)),
                message=(each.message or "").strip().partition("\n")[0],
                began=(each.start_time or 0) / 1000,
                ended=None if each.end_time is None else each.end_time / 1000,
            )
            for each in listed
            if each.submission_id and STUDY in (each.metadata or {})
        ]
        return sorted(jobs, key=lambda job: (job.began, job.id))


def without_password(option: str, url: str | None) -> None:
    """Refuse an address with a password: a cluster shows the command lines of its jobs to all its users.

    Raises:
        InputError: The address has a password.
    """
    if url is not None and shown(url) != url:
        raise InputError(
            f"{option}: has a password, which the cluster's list of jobs would show. Leave it out, and give it to the "
            "cluster's head (a file ~/.pgpass, or PGPASSWORD in its environment)."
        )


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"--cluster {shown(url)}: expected the address of its job server, such as http://head:{PORT}.")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname, port), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        why = hidden_in(str(error), url)
        raise InputError(
            f"--cluster {shown(url)}: nobody answers there ({why}). Is it the dashboard's port, {PORT}?"
        ) from None
    return url.rstrip("/")


def _client(url: str) -> Any:
    from ray.job_submission import JobSubmissionClient

    with token_shown(), _told(url):
        return JobSubmissionClient(url)


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turn errors of the job server into one line."""
    try:
        yield
    except InputError:
        raise
    except (RuntimeError, OSError, ValueError, RayError) as error:
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"--cluster {shown(url)}: {hidden_in(line, url)[:300]}") from error
