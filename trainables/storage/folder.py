"""Where trials keep their files: one root that every machine of the study can read and write.

What a name stands for is always whole: a file or folder is written beside its place, made durable, then renamed.
"""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator


class Storage:
    """Files and folders by names relative to a root, `/` between parts, whatever the root is.

    The root is a folder; an object store's URL has a class of its own (`object_storage`).
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = str(root)

    def read(self, name: str) -> bytes:
        """A file's content.

        Raises:
            FileNotFoundError: There is none.
        """
        return self._path(name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """Puts a file in place, also over an older one; folders above it are made."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        with open(beside, "wb") as file:
            file.write(content)
            _sync(file.fileno())
        os.replace(beside, path)
        _sync_folder(path.parent)

    @contextlib.contextmanager
    def publish(self, folder: str) -> Iterator[pathlib.Path]:
        """A fresh local folder to write files in; it becomes `folder` when the block ends well, else it goes away.

        The caller writes whole files; they are made durable here.

        Raises:
            FileExistsError: `folder` is there already.
        """
        path = self._path(folder)
        if path.exists():
            raise FileExistsError(f"{path} is there already")
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            yield beside
            for file in sorted(beside.rglob("*")):
                if file.is_file():
                    _sync_file(file)
            _sync_folder(beside)
            os.rename(beside, path)
            _sync_folder(path.parent)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise

    @contextlib.contextmanager
    def fetch(self, folder: str) -> Iterator[pathlib.Path]:
        """A local folder with the files of `folder`, to be read only while the block runs.

        Raises:
            FileNotFoundError: There is no such folder.
        """
        path = self._path(folder)
        if not path.is_dir():
            raise FileNotFoundError(f"no folder {path}")
        yield path

    def has(self, name: str) -> bool:
        """Tell whether a file or folder of this name exists."""
        return self._path(name).exists()

    def names(self, folder: str) -> list[str]:
        """List a folder, sorted, with unfinished writes (`.….part`); empty where there is no such folder."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return sorted(os.listdir(self._path(folder)))
        return []

    def remove(self, name: str) -> None:
        """Removes a file, or a folder with all that is in it; nothing happens where there is none."""
        path = self._path(name)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> pathlib.Path:
        return pathlib.Path(self.root) / self._relative(name)

    def _relative(self, name: str) -> pathlib.PurePosixPath:
        parts = pathlib.PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or not parts.parts:
            raise ValueError(f"expected a name below the storage's root, found {name!r}")
        return parts


def _sync(descriptor: int) -> None:
    os.fsync(descriptor)


def _sync_file(path: pathlib.Path) -> None:
    with open(path, "rb") as file:
        _sync(file.fileno())


def _sync_folder(path: pathlib.Path) -> None:
    """Makes names in a folder durable; some network file systems refuse, and then their own rules hold."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            _sync(descriptor)
    finally:
        os.close(descriptor)
