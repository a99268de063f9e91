"""Storage in an object store (S3-compatible, GCS, …): the same names, under a URL; PyArrow speaks to it.

Credentials come from where the store's own tools have them (environment, files, the machine's role), never from a URL.
A store that does not answer is asked again for two minutes. An object is there as a whole or not at all. A folder is
not: its files come one by one, the manifest last, so whoever reads a folder looks for its manifest. Streams are
opened with `compression=None`: PyArrow would unpack what is called `.gz`.
"""

import contextlib
import dataclasses
import errno
import hashlib
import os
import pathlib
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

from trainables.errors import InputError
from trainables.storage.folder import Storage

T = TypeVar("T")

LAST = "manifest.json"
"""The file of a folder that is written after all others."""
PIECE = 4 << 20
"""Bytes that are copied at a time."""
PATIENCE = 120.0
"""Seconds for which a store that does not answer is asked again."""
PAUSES = (1.0, 15.0)
"""Seconds between two tries: the first, each one twice the one before, and the longest."""
FINAL = re.compile(r"ACCESS_DENIED|NO_SUCH_BUCKET|INVALID_ACCESS_KEY|SIGNATURE_DOES_NOT_MATCH|PERMANENT_REDIRECT")
"""Errors of a store that a retry would not change."""


class StoreAwayError(OSError):
    """An object store refuses, or does not answer. Its number is EIO, its file name the store's URL."""


def storage_at(root: str | os.PathLike[str], *, patience: float = PATIENCE) -> Storage:
    """The storage at a root, a folder or a URL such as `s3://bucket/studies`.

    Args:
        root: Folder or URL.
        patience: Seconds for which an object store that does not answer is asked again.

    Raises:
        InputError: It is no URL that can be used.
    """
    return ObjectStorage(str(root), patience=patience) if is_url(root) else Storage(root)


def is_url(root: str | os.PathLike[str]) -> bool:
    """Tell whether a root is an object store's URL."""
    return "://" in str(root)


def local_copy(url: str) -> pathlib.Path:
    """The folder for this machine's copy of what lies below a URL: in `SEGSTUDY_CACHE`, or `~/.cache/segstudy`."""
    base = pathlib.Path(os.environ.get("SEGSTUDY_CACHE", "~/.cache/segstudy")).expanduser()
    return base / hashlib.sha256(url.encode()).hexdigest()[:16]


@dataclasses.dataclass(frozen=True, slots=True)
class StoredFile:
    """An object: its name below the root or folder asked for, its bytes, and when it was written (ns since 1970)."""

    name: str
    size: int
    changed: int


class ObjectStorage(Storage):
    """`Storage` whose root is a URL.

    Args:
        url: `s3://bucket/prefix`; another S3-compatible one with `?endpoint_override=host:port&scheme=http`.
        patience: Seconds for which a store that does not answer is asked again; then a method raises `StoreAwayError`.

    Raises:
        InputError: It is no such URL, or holds a password.
    """

    def __init__(self, url: str, *, patience: float = PATIENCE) -> None:
        super().__init__(url)
        try:
            parts = urlsplit(url)
            secret = parts.username or parts.password
        except ValueError as error:
            raise InputError(f"{url}: {error}. Expected a URL such as s3://bucket/studies.") from None
        if secret:
            raise InputError(
                "an object store's URL has a key or password in it, which logs would show. Leave it out; the "
                "environment gives it (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for S3)."
            )
        self._files, self._root = _connected(url)
        self._patience = patience

    def read(self, name: str) -> bytes:
        """See `Storage.read`."""

        def ask() -> bytes:
            with self._files.open_input_stream(self._at(name), compression=None) as stream:
                content: bytes = stream.read()
                return content

        return self._asked(ask)

    def write(self, name: str, content: bytes) -> None:
        """See `Storage.write`."""

        def ask() -> None:
            with self._files.open_output_stream(self._at(name), compression=None) as stream:
                stream.write(content)

        self._asked(ask)

    @contextlib.contextmanager
    def publish(self, folder: str) -> Iterator[pathlib.Path]:
        """See `Storage.publish`; what a failure leaves behind has no manifest."""
        if self.has(folder):
            raise FileExistsError(f"{self.root}: {folder} is there already")
        with tempfile.TemporaryDirectory(prefix="segstudy-upload-") as local:
            path = pathlib.Path(local)
            yield path
            files = sorted(file for file in path.rglob("*") if file.is_file())
            try:
                for file in sorted(files, key=lambda file: file.name == LAST):
                    self.write(f"{folder}/{file.relative_to(path).as_posix()}", file.read_bytes())
            except BaseException:
                with contextlib.suppress(OSError):
                    self.remove(folder)
                raise

    @contextlib.contextmanager
    def fetch(self, folder: str) -> Iterator[pathlib.Path]:
        """See `Storage.fetch`."""
        with tempfile.TemporaryDirectory(prefix="segstudy-download-") as local:
            self.download(folder, pathlib.Path(local))
            yield pathlib.Path(local)

    def download(self, folder: str, local: pathlib.Path) -> None:
        """Copies the files of a folder into a local one.

        Raises:
            FileNotFoundError: There is no such folder.
        """
        files = self.files(folder)
        if not files:
            raise FileNotFoundError(f"no folder {self.root}: {folder}")
        for file in files:
            target = local / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            self.copy(f"{folder}/{file.name}", target)

    def files(self, folder: str | None = None) -> list[StoredFile]:
        """All files below the root, or below a folder of it, sorted by name; empty where there is none.

        Raises:
            InputError: A name would lead out of the folder that it is copied to.
        """
        from pyarrow.fs import FileSelector, FileType

        base = self._root if folder is None else self._at(folder)
        selector = FileSelector(base, recursive=True, allow_not_found=True)
        files = []
        for each in self._asked(lambda: self._files.get_file_info(selector)):
            name = each.path.removeprefix(base).lstrip("/")
            if ".." in name.split("/"):
                raise InputError(f"{self.root}: a file is called {each.path!r}; rename it, without `..`.")
            if each.type == FileType.File:
                files.append(StoredFile(name, each.size, each.mtime_ns or 0))
        return sorted(files, key=lambda file: file.name)

    def copy(self, name: str, target: pathlib.Path) -> None:
        """Copies a file's content into a local one, a piece at a time, and makes it durable."""

        def ask() -> None:
            with self._files.open_input_stream(self._at(name), compression=None) as stream, target.open("wb") as file:
                shutil.copyfileobj(stream, file, PIECE)
                file.flush()
                os.fsync(file.fileno())

        self._asked(ask)

    def has(self, name: str) -> bool:
        """See `Storage.has`."""
        from pyarrow.fs import FileType

        there: bool = self._kind(name) != FileType.NotFound
        return there

    def names(self, folder: str) -> list[str]:
        """See `Storage.names`."""
        from pyarrow.fs import FileSelector

        selector = FileSelector(self._at(folder), recursive=False, allow_not_found=True)
        return sorted(each.base_name for each in self._asked(lambda: self._files.get_file_info(selector)))

    def remove(self, name: str) -> None:
        """See `Storage.remove`."""
        from pyarrow.fs import FileType

        kind = self._kind(name)
        with contextlib.suppress(FileNotFoundError):
            if kind == FileType.Directory:
                self._asked(lambda: self._files.delete_dir(self._at(name)))
            elif kind == FileType.File:
                self._asked(lambda: self._files.delete_file(self._at(name)))

    def _kind(self, name: str) -> Any:
        return self._asked(lambda: self._files.get_file_info(self._at(name)).type)

    def _asked(self, ask: Callable[[], T]) -> T:
        """Return the store's answer; retry with exponential backoff."""
        deadline, (pause, longest) = time.monotonic() + self._patience, PAUSES
        while True:
            try:
                return ask()
            except OSError as error:
                if error.errno is not None:  # this machine's, or a file that is not there; a store's have no number
                    raise
                said = " ".join(str(error).split())[:300] or type(error).__name__
                if FINAL.search(said) or time.monotonic() + pause > deadline:
                    text = f"the object store does not answer as it should ({said})"
                    raise StoreAwayError(errno.EIO, text, self.root.partition("?")[0]) from error
            time.sleep(pause)
            pause = min(2 * pause, longest)

    def _at(self, name: str) -> str:
        return f"{self._root}/{self._relative(name)}"


def _connected(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    from pyarrow import ArrowException
    from pyarrow.fs import FileSystem

    try:
        files, path = FileSystem.from_uri(url)
    except (ArrowException, ValueError, OSError, NotImplementedError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{url}: {line}. Expected a folder, or a URL such as s3://bucket/studies.") from error
    return files, path.rstrip("/")
