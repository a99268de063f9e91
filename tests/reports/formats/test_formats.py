"""Markdown, LaTeX, CSV and HTML: numbers at their places, and nothing that names or reasons can break."""

import base64
import csv
import hashlib
import html.parser
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reports import build
from reports.formats import latex, markdown
from reports.formats.tidy_csv import COLUMNS
from study.design import TrialKey
from study.ledger import Ledger
from tests.reports.conftest import FULL
from tests.reports.ledgers import DIVERGED, Fake
from tests.reports.ledgers import build as build_ledger

HOSTILE = (
    r"""<script>alert('x')</script> & "50 %" | $x_1^2$ \input{/etc/passwd} #1 ~ {a} `b` *c* [d](http://e) 肝 é → −"""
)


@pytest.fixture(scope="module")
def full(full_report: dict[str, Path]) -> dict[str, str]:
    """File name → content."""
    return {name: path.read_text("utf-8") for name, path in full_report.items()}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A study whose case names, reasons, notices and versions are all hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    fates = {"search-a01-r0-f0-n001": f"{HOSTILE}\nsecond line", "final-a00-r0-f0-n001": DIVERGED}
    fake = Fake(name="hostile", fates=fates, suffix=HOSTILE, previews=True)
    build_ledger(folder / "ledger.db", fake)
    with Ledger.open(folder / "ledger.db") as ledger:
        ledger.add_notice(ledger.study("hostile").id, HOSTILE)
    return build.write(folder / "ledger.db", "hostile", folder / "out")


def table_of(text: str, heading: str) -> list[list[str]]:
    """The Markdown table under a heading."""
    part = text[text.index(f"## {heading}") :].split("\n\n")[1]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in part.splitlines()]


def test_markdown_tables_are_rectangular_and_emphasise_the_best(full: dict[str, str]) -> None:
    rows = table_of(full["report.md"], "Test cases: mean over 2 regions")
    assert {len(row) for row in rows} == {9}
    assert rows[0][:2] == ["Arm", "Dice ↑"]
    assert set(rows[1][1:]) == {"---:"}
    focal = next(row for row in rows if row[0].startswith("unet+focal"))
    assert re.fullmatch(r"\*\*0\.\d{3}\*\* \\\[0\.\d{3}, 0\.\d{3}\\\]", focal[1])
    assert next(row for row in rows if row[0].startswith("vnet+tversky"))[1] == "failed"


def test_markdown_escapes_names_and_keeps_lines_whole(hostile: dict[str, Path]) -> None:
    text = hostile["report.md"].read_text("utf-8")
    assert "<script>" not in text.replace("\\<script\\>", "")
    assert "](http" not in text.replace("\\](http", "")
    rows = table_of(text, "Failures")
    assert {len(row) for row in rows} == {5}
    assert "second line" in rows[2][4] + rows[3][4]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("unet3d+focal_tversky", "unet3d+focal_tversky"),
        ("*a* _b_ `c`", r"\*a\* \_b\_ \`c\`"),
        ("a|b\nc", r"a\|b c"),
        ("- item", r"\- item"),
        ("1. item", r"\1. item"),
    ],
)
def test_markdown_escape(text: str, written: str) -> None:
    assert markdown.escape(text) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a_b & 50 % #1 $x", r"a\_b \& 50 \% \#1 \$x"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("Müller, Łódź", r"M\"{u}ller, \L{}\'{o}d\'{z}"),
        ("e\u0301", r"\'{e}"),  # the accent as a letter of its own, as macOS writes file names
        ("−0.1 ↑ ≈ ×", r"$-$0.1 $\uparrow$ $\approx$ $\times$"),
        ("肝 \U0001f600", "[U+809D] [U+1F600]"),
        ("unet+dice +0.1", r"unet+\allowbreak{}dice +0.1"),
        ("a--b ''", r"a{-}{-}b {'}{'}"),
        ("a\n\n b", "a b"),
    ],
)
def test_latex_escape(text: str, written: str) -> None:
    assert latex.escape(text) == written
    assert latex.escape(text).isascii()


def test_latex_is_ascii_and_balanced(full: dict[str, str], hostile: dict[str, Path]) -> None:
    for text in (full["report.tex"], hostile["report.tex"].read_text("utf-8")):
        assert text.isascii()
        plain = re.sub(r"\\[\\{}%]", "", text)
        plain = re.sub(r"(?m)%.*$", "", plain)
        assert plain.count("{") == plain.count("}")
        assert (
            re.findall(r"\\begin\{(\w+)\}", text).count("table")
            == text.count("\\toprule")
            == text.count("\\bottomrule")
        )
        for name in set(re.findall(r"\\begin\{(\w+)\}", text)):
            assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}")
        assert not re.search(r"(?<!\\)[&#_^~]", re.sub(r"[$^]\S*?\$|#1", "", _sentences(text)))


def _sentences(text: str) -> str:
    """The text outside tables and preamble, where no bare special character may stand."""
    body = text[text.index(r"\section*") :]
    return re.sub(r"\\begin\{table\}.*?\\end\{table\}", "", body, flags=re.S).replace("^{", "")


def test_latex_rows_have_as_many_cells_as_columns(full: dict[str, str]) -> None:
    for table in re.findall(r"\\toprule\n(.*?)\\bottomrule", full["report.tex"], flags=re.S):
        head, body = table.split("\\midrule")
        rows = [row for row in body.split("\\addlinespace") if row.strip()]
        width = len(re.split(r"(?<!\\)&", head))
        assert {len(re.split(r"(?<!\\)&", row)) for row in rows} == {width}


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("which", ["full", "hostile"])
def test_latex_compiles(which: str, full: dict[str, str], hostile: dict[str, Path], tmp_path: Path) -> None:
    text = full["report.tex"] if which == "full" else hostile["report.tex"].read_text("utf-8")
    (tmp_path / "report.tex").write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull \\hbox" not in done.stdout
    assert (tmp_path / "report.pdf").stat().st_size > 10_000


def lines_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_is_tidy(full: dict[str, str]) -> None:
    assert full["results.csv"].splitlines()[0] == (
        "study,arm,model,loss,weighting,parameters,stage,region,metric,iteration,mean,low,high,n,baseline_p,published"
    )
    lines = lines_of(full["results.csv"])
    # 6 arms x (2 regions and their mean) x 3 metrics x 3 marks, one number a row
    assert len(lines) == 6 * 3 * 3 * 3
    keys = {tuple(line[name] for name in ("arm", "region", "metric", "iteration")) for line in lines}
    assert len(keys) == len(lines)
    assert {line["stage"] for line in lines} == {"final"}
    tested = [line for line in lines if line["baseline_p"]]
    assert {(line["region"], line["metric"], line["iteration"]) for line in tested} == {("mean", "dice", "1000")}
    assert {line["arm"] for line in tested} == {"unet+focal", "vnet+focal"}
    failed = next(line for line in lines if line["arm"] == "vnet+tversky")
    assert (failed["mean"], failed["low"], failed["n"]) == ("", "", "0")


def test_every_case_of_every_final_training_has_a_line(full: dict[str, str], full_ledger: Path) -> None:
    lines = lines_of(full["cases.csv"])
    assert full["cases.csv"].startswith("study,arm,search,fold,seed,case,group,region,metric,iteration,value,note\n")
    # arms 0, 1 and 4 have three trainings, arm 3 three with one diverged, arm 2 two, arm 5 none: 14 × 18 × 2 × 3
    assert len(lines) == 14 * 18 * 2 * 3
    assert {line["seed"] for line in lines if line["arm"] == "unet+tversky"} == {"0", "1"}, "a lost training has none"
    with Ledger.open(full_ledger, read_only=True) as ledger:
        known = {
            (row.trial, row.case, row.region, row.metric): (row.value, row.note or "")
            for row in ledger.scores(ledger.study("fake").id, "final").rows()
            if row.iteration == 1000
        }
    arms = [f"{model}+{loss}" for model in ("unet", "vnet") for loss in ("dice", "focal", "tversky")]
    for line in lines:
        key = TrialKey("final", arms.index(line["arm"]), 0, 0, int(line["seed"]))
        if (line["arm"], line["seed"]) == ("vnet+dice", "1"):
            assert line["note"] == "diverged"
            assert line["metric"] == "hd95" or line["value"] in ("0.0", "")
        else:
            value, note = known[key, line["case"], line["region"], line["metric"]]
            assert (line["value"], line["note"]) == ("" if value is None else str(value), note)


def test_csv_numbers_are_those_of_the_tables(full: dict[str, str]) -> None:
    line = next(
        line
        for line in lines_of(full["results.csv"])
        if (line["arm"], line["region"], line["metric"], line["iteration"]) == ("unet+focal", "lesion", "hd95", "1000")
    )
    low, mean, high = (float(line[name]) for name in ("low", "mean", "high"))
    assert low < mean < high
    row = next(r for r in table_of(full["report.md"], "Test cases: lesion") if r[0].startswith("unet+focal"))
    assert row[3].startswith(f"**{mean:.2f}**")
    assert row[4] == f"{line['n']} of 18"
    assert re.fullmatch(r"training\.learning_rate=0\.\d+", line["parameters"])


def test_search_csv_holds_validation_values_only(full: dict[str, str]) -> None:
    assert tuple(csv.DictReader(io.StringIO(full["search.csv"])).fieldnames or ()) == COLUMNS
    lines = lines_of(full["search.csv"])
    assert {line["stage"] for line in lines} == {"search"}
    assert {line["n"] for line in lines} == {"2"}
    assert all(line["mean"] and not line["low"] and not line["baseline_p"] for line in lines)
    # 6 trials an arm: all have the first mark, 3 go on; one of arm 3 and all of arm 5 failed before
    assert len([line for line in lines if line["arm"] == "unet+dice"]) == 3 * 3 + 3
    assert not any(line["arm"] == "vnet+tversky" for line in lines)


class Page(html.parser.HTMLParser):
    """Checks that tags nest, and collects what a page holds."""

    VOID = frozenset({"meta", "input", "br", "wbr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._collect(tag, attrs)
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._collect(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def _collect(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "xlink:href", "src", "aria-labelledby") and value is not None:
                self.targets.append(value)


def test_html_nests_and_its_links_lead_somewhere(full: dict[str, str]) -> None:
    found = Page(full["report.html"])
    assert len(found.ids) == len(set(found.ids))
    for target in found.targets:
        assert target.startswith("data:image/png;base64,") or target.removeprefix("#") in found.ids, target


def test_html_needs_nothing_from_outside_and_runs_its_own_script_only(full: dict[str, str]) -> None:
    found = Page(full["report.html"])
    (script,) = re.findall(r"<script>(.*?)</script>", full["report.html"], re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in full["report.html"]
    assert found.tags.count("script") == 1
    assert not {"link", "iframe", "object", "embed", "base", "form"} & set(found.tags)
    assert not [attribute for attribute in found.attributes if attribute[1].startswith("on")]
    outside = set(re.findall(r"https?://[^\s\"'<]+", full["report.html"])) - {"http://www.w3.org/1999/xlink"}
    assert outside == set()
    assert "@import" not in full["report.html"]
    assert "default-src 'none'" in full["report.html"]


def test_html_escapes_everything_that_others_wrote(hostile: dict[str, Path]) -> None:
    text = hostile["report.html"].read_text("utf-8")
    found = Page(text)
    assert found.tags.count("script") == 1
    assert HOSTILE in "".join(found.words)
    assert text.count("<script>") == 1


def test_html_shows_table_curves_and_gallery(full: dict[str, str]) -> None:
    found = Page(full["report.html"])
    labels = [value for tag, name, value in found.attributes if tag == "svg" and name == "aria-label"]
    # every arm but the one without a result: a picture, its curve by mark, losses, search trials
    assert sum("outlines of reference and prediction" in label for label in labels) == 5 * 3  # three cases
    assert sum(label.startswith("Training loss of") for label in labels) == 5
    assert sum(label.startswith("Validation objective of") for label in labels) == 5
    assert sum("on test cases by iteration" in label for label in labels) == 5
    words = " ".join(found.words)
    assert "reference (solid)" in words
    assert "prediction (dashed)" in words
    assert "prefers-color-scheme: dark" in full["report.html"]
    assert "width=device-width" in full["report.html"]
    # by mark, by region, differences, spread, quartiles, search and cost, checklist; trials of every arm with some
    assert found.tags.count("table") == len(FULL.marks) + 3 + 1 + 2 + 4 + 1 + 5


def test_every_mean_leads_to_its_trials(full: dict[str, str]) -> None:
    page = full["report.html"]
    row = re.search(r'<th scope="row">unet\+<wbr>focal<.*?</tr>', page, re.DOTALL)
    assert row is not None
    assert re.search(r'<a href="#trials-1">0\.\d{3}</a>', row.group())
    trials = page[page.index('id="trials-1"') : page.index('id="trials-2"')]
    assert all(f"final-a01-r0-f0-n00{seed}" in trials for seed in range(3))
    assert "learning_rate" in trials
    lost = page[page.index('id="trials-2"') : page.index('id="trials-3"')]
    assert ">lost<" in lost
    assert "No final training." in page[page.index('id="trials-5"') :]


def test_html_without_pictures_or_tuning(plain_ledger: Path, tmp_path: Path) -> None:
    page = build.write(plain_ledger, "fake", tmp_path, ("html",))["report.html"].read_text("utf-8")
    Page(page)
    assert 'id="gallery"' not in page
    assert "Training loss" in page
    assert "Search: validation cases" not in page
