"""The page of `check`: every case, its outlines and its part; offline, escaped, no scripts."""

import html.parser
import pathlib
import re
from typing import Any

import pytest

from study.checking.check import Check, check
from study.checking.page import COLOURS, page, write_page
from study.command.cli import run_command
from study.machines.admission import Node
from study.study_file import Study
from tests.study.study_files import changed
from tests.trainables.data.files import pair
from trainables.errors import InputError


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("data")
    for number, name in enumerate(("c1", "c2", "c3", "c10", "x&y<b>")):
        pair(folder, name, seed=number)
    pair(folder, "twin", seed=1)  # c2's image
    return folder


def look(data: pathlib.Path, split: Any) -> Check:
    labels = {"organ": 1, "lesion": 2}
    plain = changed({"dataset": {"path": str(data), "labels": labels, "split": split}})
    return check(Study.from_plain(plain), Node("here", 2, 0))


class _Reader(html.parser.HTMLParser):
    """Contents of a page: tags with their attributes, figures' captions."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.captions: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "figcaption":
            self._inside = True
            self.captions.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "figcaption"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.captions[-1] += f"{data}|"

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_every_case_with_its_part_and_outlines(data: pathlib.Path) -> None:
    read = _Reader(page(look(data, {"validation": ["c3"], "test": ["c2", "x&y<b>"]})))
    assert [caption.split("|")[:2] for caption in read.captions] == [
        ["c1", "train"],
        ["c2", "test"],
        ["c3", "validation"],
        ["c10", "train"],
        ["twin", "train"],
        ["x&y<b>", "test"],
    ]
    figures = read.of("figure")
    assert [figure["class"] for figure in figures][1:3] == ["card f1-test is-odd", "card f1-validation"]
    assert "same image as twin" in read.captions[1]
    assert "9 × 8 × 7" not in read.captions[0]
    assert "7 × 8 × 9 of 3 × 2 × 1.5 mm; slice 1" in read.captions[0]
    assert "organ 0.792, lesion 0.108 mL" in read.captions[0]
    colours = [path.get("stroke") for path in read.of("path") if path.get("class") == "line"]
    assert colours == [COLOURS[0]] * 6  # the first of the fullest slices has no lesion
    assert all(str(image["href"]).startswith("data:image/jpeg;base64,") for image in read.of("image"))
    warned = next(item for item in re.findall(r"<li>([^<]*)", page(look(data, {"folds": 3}))) if "WARNING" in item)
    assert "c2, twin: one and the same image" in warned


def test_nothing_from_elsewhere_and_nothing_that_runs(data: pathlib.Path) -> None:
    text = page(look(data, {"validation": ["c3"], "test": ["c1"]}))
    read = _Reader(text)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in read.tags}
    assert not re.search(r"""(?:src|href)=["'](?!data:image/)""", text)
    assert "x&amp;y&lt;b&gt;" in text
    assert "x&y<b>" not in text
    policy = next(meta["content"] for meta in read.of("meta") if meta.get("http-equiv"))
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert "prefers-color-scheme: dark" in text


def test_a_filter_for_each_part_of_each_fold(data: pathlib.Path) -> None:
    text = page(look(data, {"folds": 3}))
    read = _Reader(text)
    radios = [str(each["id"]) for each in read.of("input")]
    parts = [f"f{fold}-{role}" for fold in (1, 2, 3) for role in ("train", "validation", "test")]
    assert radios == ["only-all", *(f"only-{part}" for part in parts), "only-odd"]
    for part in parts:
        assert f".page:has(#only-{part}:checked) .card:not(.{part}) {{ display: none; }}" in text
        assert sum(part in str(figure["class"]).split() for figure in read.of("figure")) == 2
    assert re.fullmatch(r"test in fold \d, validation in fold \d", read.captions[0].split("|")[1])


def test_the_command_writes_it(
    data: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    study = changed({"dataset": {"path": str(data), "labels": {"organ": 1, "lesion": 2}}})
    pathlib.Path("study.yaml").write_text(str(study).replace("'", '"').replace("None", "null"))
    assert run_command(["check", "study.yaml", "--html", "page.html"]) == 0
    assert capsys.readouterr().out.endswith("\npage.html\n")
    assert pathlib.Path("page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert run_command(["check", "study.yaml", "--html", "none/page.html"]) == 2
    assert (
        "--html none/page.html: cannot be written (No such file or directory). Name another" in capsys.readouterr().err
    )


def test_a_page_that_cannot_be_written(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_page(look(data, {"folds": 3}), tmp_path)
