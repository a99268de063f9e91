"""The page's drawings: bars under numbers, panels, the table for a terminal."""

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.build import write
from reports.figures.drawing import drawing, loss_panels, mark_panels, search_panels
from reports.figures.page_diagrams import figures
from reports.formats.html import Bar, bars
from reports.formats.terminal import table
from reports.results.records import Pictures, read
from reports.results.results import Results, results
from reports.tables.table import Entry, Row, Table
from tests.reports.ledgers import Fake, build

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@pytest.fixture(scope="module")
def full(full_ledger: Path) -> tuple[Results, Pictures]:
    records, pictures = read(full_ledger, "fake", pictures=True)
    return results(records), pictures


def made(*spans: tuple[float | None, float, float | None] | None, sign: str = "") -> list[Bar | None]:
    entries = [Entry(f"{sign}{span[1]}" if span else "–", span=span) for span in spans]
    found = Table("t", "T", ("Arm", "Dice"), tuple(Row((Entry("a"), entry)) for entry in entries))
    return [row[1] for row in bars(found)]


def test_bars_share_a_scale() -> None:
    assert made((0.6, 0.7, 0.8), (0.7, 0.8, 1.0)) == [Bar(0, 25, 50, None, ""), Bar(25, 50, 100, None, "")]


def test_a_failed_arm_does_not_shrink_the_others() -> None:
    first, second, failed = made((0.78, 0.80, 0.82), (0.80, 0.82, 0.84), (0.0, 0.0, 0.0))
    assert first is not None
    assert second is not None
    assert failed is not None
    assert failed.off == "left"
    assert second.mean - first.mean > 15
    assert (first.off, second.off) == ("", "")


def test_differences_show_where_zero_is() -> None:
    found = made((0.01, 0.02, 0.03), (-0.02, -0.01, 0.0), sign="+")
    assert {bar.zero for bar in found if bar} == {40.0}


def test_no_bars_without_intervals() -> None:
    assert made((None, 0.5, None), (None, 0.7, None)) == [None, None]
    assert made(None, (0.6, 0.7, 0.8))[0] is None


def test_panels_are_drawn_for_arms_that_have_something(full: tuple[Results, Pictures]) -> None:
    found, pictures = full
    for panels in (loss_panels(found, pictures.curves), search_panels(found), mark_panels(found)):
        assert [bool(svg) for svg in panels] == [True, True, True, True, True, False]
        ids = re.findall(r'id="([^"]+)"', "".join(panels))
        assert len(ids) == len(set(ids))


def test_panels_take_the_pages_colours_and_font(full: tuple[Results, Pictures]) -> None:
    svg = loss_panels(full[0], full[1].curves)[0]
    assert set(re.findall(r"(?:fill|stroke): ([^;\"]+)", svg)) <= {
        "none",
        "var(--ink)",
        "var(--muted)",
        "var(--line)",
        "var(--accent)",
    }
    assert "font-family" not in svg
    assert "<style" not in svg
    assert ">training loss</text>" in svg


def test_losses_have_a_line_for_every_training(full: tuple[Results, Pictures]) -> None:
    svg = loss_panels(full[0], full[1].curves)[0]
    assert svg.count("var(--accent)") == 3
    assert len(set(re.findall(r"stroke-dasharray: [^;]+", svg))) == 2  # the first is solid


def test_halved_trials_are_short_dashes_and_the_chosen_one_is_emphasised(full: tuple[Results, Pictures]) -> None:
    svg = search_panels(full[0])[0]
    (others,) = re.findall(r'<path d="([^"]+)" clip-path="[^"]+" style="fill: none; stroke: var\(--muted\)', svg)
    assert others.count("M") == 5  # six trials, one chosen: two whole and three halved
    assert svg.count("var(--accent)") > 1


def test_wide_plain_tables_come_in_parts() -> None:
    row = Row((Entry("arm"), Entry("0.5", "[0.4, 0.6]"), Entry("0.25"), Entry("1")))
    found = Table("t", "Title", ("Arm", "Dice", "Recall", "n"), (row,))
    assert table(found, 20).splitlines() == [
        "Title",
        "Arm            Dice",
        "───────────────────",
        "arm  0.5 [0.4, 0.6]",
        "",
        "Arm  Recall  n",
        "──────────────",
        "arm    0.25  1",
        "*: best of its column",
    ]
    assert len(table(found, 40).splitlines()) == 5


def test_plain_tables_are_aligned() -> None:
    found = Table(
        "t",
        "Title",
        ("Arm", "Dice", "p"),
        (Row((Entry("a"), Entry("0.9", "[0.8, 1.0]", best=True, span=(0.8, 0.9, 1.0)), Entry("–"))),
         Row((Entry("long"), Entry("0.8", like_best=True), Entry("0.012")))),
    )  # fmt: skip
    assert table(found).splitlines() == [
        "Title",
        "Arm              Dice      p",
        "────────────────────────────",
        "a     0.9* [0.8, 1.0]      –",
        "long             0.8≈  0.012",
        "*: best of its column; ≈: close to the best, within the declared margin",
    ]


def test_every_number_of_an_arm_leads_to_its_trials(full_report: dict[str, Path]) -> None:
    text = full_report["report.html"].read_text("utf-8")
    names = ("region-0", "differences", "marks-0", "search", "budget")
    trials = set(re.findall(r'<h3 id="(trials-\d+)"', text))
    assert len(trials) == 6
    for name in names:
        found = re.search(rf'<table aria-labelledby="{name}">.*?</table>', text, re.S)
        assert found is not None, name
        body = found.group().partition("<tbody>")[2]
        cells = re.findall(r"<td[^>]*>(.*?)</td>", body, re.S)
        numeric = [cell for cell in cells if re.match(r"(<a [^>]*>)?[+−<&lt;]*\d", cell)]
        linked = [cell for cell in numeric if cell.startswith("<a href")]
        if name in ("search", "differences", "marks-0", "budget"):
            assert len(linked) == len(numeric) > 0, name
        else:
            assert len(linked) >= 3 * 5, name  # metrics × arms with a result
        assert {cell[10:].partition('"')[0] for cell in linked} <= trials
    row = re.search(r'<table aria-labelledby="trials-1">.*?</table>', text, re.S)
    assert row is not None
    for word in ("final-a01-r0-f0-n000", "search-a01-r0-f0-n002", "learning_rate", "Seed", "Weights"):
        assert word in row.group()
    for word in ("Data digest dddddddddddddddd", "segstudy 0.1.0", "In MLflow a trial is the run whose tag"):
        assert word in text


def test_long_names_break_and_a_head_keeps_its_arrow(tmp_path: Path) -> None:
    fake = Fake(losses=("log_cosh_weighted_dice", "dice"), trials=0, seeds=1, marks=(100,), previews=False)
    page = write(build(tmp_path / "ledger.db", fake), "fake", tmp_path, ("html",))["report.html"].read_text("utf-8")
    heads = re.findall(r'<th scope="row">(.*?)[ <]?(?: <span|<small|</th>)', page)
    assert "unet+<wbr>log_<wbr>cosh_<wbr>weighted_<wbr>dice" in heads
    assert not [head for head in heads if re.search(r"\w{15}", head)]  # a phone's first column has room for 14 letters
    columns = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', page)
    assert "Dice&nbsp;↑" in columns
    assert not [column for column in columns if re.search(" [↑↓]", column)]


def test_what_stands_on_an_axis_keeps_its_digits_and_follows_the_page(full: tuple[Results, Pictures]) -> None:
    def draw(axes: "Axes") -> None:
        axes.plot([0, 1], [0.2251, 0.2399], color="#707070")
        axes.set_yticks([0.225, 0.2375], ["0.225", "0.2375"])

    svg = drawing(draw, "label", "x", (3.0, 2.0))
    assert ">0.225</text>" in svg
    assert ">0.2375</text>" in svg
    assert not re.search(r' d="[^"]*\d\.\d{3}', svg)
    assert "#707070" not in svg
    assert "var(--muted)" in svg


def test_the_papers_figures_stand_on_the_page(full: tuple[Results, Pictures]) -> None:
    found = figures(full[0])
    assert [title for title, _, _ in found] == [
        "Scores by case", "Paired differences", "Stability of ranks", "Cost and quality",
    ]  # fmt: skip
    for title, seen, svg in found:
        assert f'aria-label="{title}. {html.escape(seen, quote=False)}"' in svg
        assert not re.search(r"(?:fill|stroke): #", svg), title
    assert all(arm.row.name in found[0][2] for arm in full[0].arms[:5])
