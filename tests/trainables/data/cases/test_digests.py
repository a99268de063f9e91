import concurrent.futures
import gc
import importlib
import os
import pathlib
import shutil
import time
from collections.abc import Callable

import numpy as np
import pytest

from tests.trainables.data.files import affine, volume
from tests.trainables.data.formats import write, write_series
from trainables.data.cases import digests
from trainables.data.reading import parts
from trainables.errors import InputError

IMAGE, _ = volume()


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("ObjectType = Image\nElementDataFile = LOCAL\nElementDataFile = x.raw\n", []),
        ("NDims = 3\r\nElementDataFile = a b.raw\r\n", ["a b.raw"]),
        ("NDims = 3\nElementDataFile = LIST\ns1.raw\n\ns2.raw\n", ["s1.raw", "s2.raw"]),
        ("ElementDataFile = s%03d.raw 8 12 2\n", ["s008.raw", "s010.raw", "s012.raw"]),
        ("ElementDataFile = s%d.raw 3 1 -1\n", ["s1.raw", "s2.raw", "s3.raw"]),
        ("NRRD0004\ntype: short\ndata file: a.raw\n", ["a.raw"]),
        ("NRRD0004\ndatafile: LIST\na.raw\nb.raw\n\n", ["a.raw", "b.raw"]),
        ("NRRD0004\ntype: short\n\ndata file: in the voxels.raw\n", []),
        ("", []),
    ],
)
def test_the_data_files_that_a_header_names(tmp_path: pathlib.Path, header: str, named: list[str]) -> None:
    path = tmp_path / "a.mhd"
    path.write_bytes(header.encode())
    assert parts.of(path) == (path, *(tmp_path / name for name in named))


def test_other_files_are_themselves_and_folders_their_slices(tmp_path: pathlib.Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"ElementDataFile = x.raw\n")
    assert parts.of(picture) == (picture,)
    (tmp_path / ".hidden").touch()
    (tmp_path / "b").touch()
    assert parts.of(tmp_path) == (picture, tmp_path / "b")


@pytest.mark.parametrize("ending", [".mhd", ".nhdr"])
def test_a_digest_covers_the_data_file(tmp_path: pathlib.Path, ending: str) -> None:
    path = write(tmp_path / f"a{ending}", IMAGE, affine())
    before = digests.of_file(path)
    write(tmp_path / "x" / f"a{ending}", IMAGE + 1, affine())
    shutil.copy(tmp_path / "x" / "a.raw", tmp_path / "a.raw")
    assert digests.of_file(path) != before
    (tmp_path / "a.raw").unlink()
    with pytest.raises(InputError, match=r"/a.raw: cannot be read \(No such file"):
        digests.of_file(path)


def test_a_digest_of_a_series_covers_its_slices_whatever_their_names(tmp_path: pathlib.Path) -> None:
    folder = write_series(tmp_path / "ct", IMAGE, affine() @ np.diag([-1.0, -1.0, 1.0, 1.0]))
    before = digests.of_file(folder)
    first = min(folder.iterdir())
    first.rename(folder / "zzz.dcm")
    assert digests.of_file(folder) == before
    (folder / "zzz.dcm").unlink()
    assert digests.of_file(folder) != before


def _reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose content is digested from now on."""
    read: list[str] = []
    whole = digests.hashlib.file_digest

    def noted(file: object, name: str) -> object:
        read.append(pathlib.Path(file.name).name)  # type: ignore[attr-defined]
        return whole(file, name)  # type: ignore[type-var, arg-type]

    monkeypatch.setattr(digests.hashlib, "file_digest", noted)
    return read


def test_a_digest_is_remembered_once_the_file_has_settled(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, root = tmp_path / "a.png", tmp_path / "cache"
    path.write_bytes(b"1")
    read = _reads(monkeypatch)
    for _ in range(2):
        digests.of_file(path, root)
    assert read == ["a.png"] * 2  # changed a moment ago: a second change need not show in its times
    later = time.time() + 10
    monkeypatch.setattr(digests.time, "time", lambda: later)
    for _ in range(3):
        digests.of_file(path, root)
    assert read == ["a.png"] * 3


@pytest.mark.parametrize("how", ["same size and time", "another file of that name"])
def test_a_changed_file_is_noticed_though_its_size_and_time_are_as_before(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path, root = tmp_path / "a.png", tmp_path / "cache"
    path.write_bytes(b"1")
    monkeypatch.setattr(digests, "SETTLED", -1e9)
    before, times = digests.of_file(path, root), path.stat()
    time.sleep(0.02)  # over a tick of the file system's clock
    if how == "same size and time":
        path.write_bytes(b"2")
    else:
        (tmp_path / "b").write_bytes(b"2")
        (tmp_path / "b").replace(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_mtime_ns == times.st_mtime_ns
    assert digests.of_file(path, root) != before


def test_a_file_that_changes_while_it_is_read_is_not_remembered(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, root = tmp_path / "a.png", tmp_path / "cache"
    path.write_bytes(b"1")
    monkeypatch.setattr(digests, "SETTLED", -1e9)
    whole = digests.hashlib.file_digest

    def slow(file: object, name: str) -> object:
        digest = whole(file, name)  # type: ignore[type-var, arg-type]
        path.write_bytes(b"22")
        return digest

    monkeypatch.setattr(digests.hashlib, "file_digest", slow)
    digests.of_file(path, root)
    assert not (root / "digests").exists()


CODE = """\"\"\"Halves numbers.\"\"\"

import math

def half(value: float) -> float:
    \"\"\"Return a half.\"\"\"
    return math.floor(value) * 0.5
"""


@pytest.fixture
def code_of(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Name and source of a module → digest of its code."""
    monkeypatch.syspath_prepend(tmp_path)

    def digest(name: str, source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        importlib.invalidate_caches()
        return digests.of_code([name])

    return digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Halves numbers.", "Numbers are halved here."),
        ("Return a half.", "Half of it."),
        ("    return", "    # rounded down\n\n    return"),
        ("import math", "import sys\nfrom os import path\nimport math"),
        ("math.floor(value) * 0.5", "(math.floor(value)\n            * 0.50)"),
    ],
)
def test_documentation_layout_imports_and_names_of_modules_do_not_change_the_digest_of_code(
    code_of: Callable[[str, str], str], old: str, new: str
) -> None:
    assert CODE.count(old) == 1
    assert code_of("halves_again", CODE.replace(old, new)) == code_of("halves", CODE)


@pytest.mark.parametrize(("old", "new"), [("0.5", "0.25"), ("floor", "ceil"), ("math.floor(value)", "value")])
def test_other_code_has_another_digest(code_of: Callable[[str, str], str], old: str, new: str) -> None:
    assert code_of("halves_other", CODE.replace(old, new)) != code_of("halves", CODE)


def test_the_order_of_modules_counts(code_of: Callable[[str, str], str]) -> None:
    code_of("halves_a", CODE)
    code_of("halves_b", CODE.replace("0.5", "0.25"))
    assert digests.of_code(["halves_a", "halves_b"]) != digests.of_code(["halves_b", "halves_a"])


def test_code_is_read_by_several_threads_at_once() -> None:
    # A collection that gives another thread its turn in the middle of a parse: Python 3.11 then raises SystemError.
    def give_way(phase: str, info: dict[str, int]) -> None:
        time.sleep(1e-4)

    modules = ["trainables.data.cases.digests", "trainables.data.cases.keys"]
    before = gc.get_threshold()
    gc.callbacks.append(give_way)
    gc.set_threshold(50)
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            found = set(pool.map(lambda _: digests.of_code(modules), range(12)))
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(give_way)
    assert found == {digests.of_code(modules)}
