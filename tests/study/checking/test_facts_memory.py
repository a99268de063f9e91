"""Where check remembers: in a home that exists, in a new one when all is well, nowhere after bad input."""

import pathlib

import pytest

from study.checking import check as checks
from study.checking.check import check
from study.checking.facts_memory import facts_memory
from study.machines.admission import Node
from study.study_file import Study
from tests.study.study_files import changed
from tests.trainables.data.files import pair
from trainables.data.cases import digests
from trainables.data.inspecting import inspect


def test_a_home_is_made_when_the_block_ends_well(tmp_path: pathlib.Path) -> None:
    home = tmp_path / "deep" / "home"
    with facts_memory(home) as memory:
        assert memory is not None
        (memory / "seen").write_text("x")
        assert not home.exists()
    assert [path.name for path in home.rglob("*")] == ["cache", "seen"]
    assert not memory.exists()


def test_bad_input_makes_no_home_but_a_home_remembers(tmp_path: pathlib.Path) -> None:
    def look(home: pathlib.Path) -> None:
        with facts_memory(home) as memory:
            assert memory is not None
            memory.mkdir(exist_ok=True)
            (memory / "seen").write_text("x")
            raise RuntimeError("bad input")

    with pytest.raises(RuntimeError):
        look(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    with pytest.raises(RuntimeError):
        look(tmp_path / "old")
    assert (tmp_path / "old/cache/seen").exists()


def test_where_nothing_can_be_kept_nothing_is(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("x")
    with facts_memory(tmp_path / "file") as memory:
        assert memory is None
    with facts_memory(tmp_path / "file" / "home") as memory:
        assert memory is not None
    assert (tmp_path / "file").read_text() == "x"


def test_a_second_check_opens_nothing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        pair(tmp_path / "data", f"c{number}", seed=number)
    labels = {"organ": 1, "lesion": 2}
    study = Study.from_plain(changed({"dataset.path": str(tmp_path / "data"), "dataset.labels": labels}))
    monkeypatch.setattr(digests, "SETTLED", 0.0)
    here = Node("here", 2, 0)
    with facts_memory(tmp_path / "home") as memory:
        first = check(study, here, memory)

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("opened again")

    monkeypatch.setattr(inspect, "read_for", opened)
    with facts_memory(tmp_path / "home") as memory:
        again = check(study, here, memory)
    assert again.plain() == first.plain()
    with pytest.raises(AssertionError, match="opened again"):
        checks.check(study, here)
