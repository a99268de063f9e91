"""Several studies in one report: a column each, nothing tested across them, every format."""

from pathlib import Path

import pytest
from sqlalchemy import select, update

from reports import build
from reports.document import Document
from reports.results.records import read
from reports.results.results import Results, results
from reports.side_by_side import together
from study.design import TrialKey
from study.ledger import Ledger
from study.ledger.database import schema
from tests.reports.ledgers import LOST, Fake, add
from trainables.errors import InputError

LIVER = Fake(name="liver", losses=("dice", "focal"), previews=False, quality={"unet+focal": 0.9}, seeds=2)
LUNG = Fake(
    name="lung", losses=("dice", "tversky"), previews=False, region="lesion", metrics=("recall", "dice"), seeds=2,
    fates={str(TrialKey("final", 1, 0, 0, seed)): LOST for seed in range(2)}, published=("kits19",),
)  # fmt: skip


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("several") / "ledger.db"
    with Ledger.open(path) as opened:
        add(opened, LIVER)
        add(opened, LUNG)
    return path


@pytest.fixture(scope="module")
def both(ledger: Path) -> tuple[list[Results], Document]:
    found = [results(read(ledger, name, pictures=False)[0]) for name in ("liver", "lung")]
    return found, together(found)


def test_arms_meet_studies(both: tuple[list[Results], Document]) -> None:
    (liver, lung), said = both
    (table,) = said.requested
    assert table.columns == (
        "Arm",
        "liver: Dice ↑, mean over 2 regions, at 1k iterations",
        "lung: Recall ↑, lesion, at 1k iterations",
    )
    cells = {row.entries[0].text: [entry.text for entry in row.entries[1:]] for row in table.rows}
    assert cells == {
        "unet+dice": [_mean(liver, 0), _mean(lung, 0)],
        "unet+focal": [_mean(liver, 1), "–"],
        "unet+tversky": ["–", "failed"],
    }
    assert [row.entries[0].text for row in table.rows if row.entries[1].best] == ["unet+focal"]
    assert table.rows[0].state == "baseline"  # in both


def _mean(found: Results, arm: int) -> str:
    return f"{found.arms[arm].cells[found.objective].mean:.3f}"


def test_sentences_name_their_study_and_nothing_is_tested_across(both: tuple[list[Results], Document]) -> None:
    said = both[1]
    assert all(line.startswith(("liver: ", "lung: ")) for line in (*said.claims, *said.missing, *said.remarks))
    assert any("better Dice" in line for line in said.claims if line.startswith("liver"))
    assert said.missing == ("lung: unet+tversky: no result, all 2 final trainings were lost.",)
    assert said.differences is None
    assert "Nothing is tested across studies" in said.requested[0].notes[-1]
    assert [row.entries[0].text for row in said.budget.rows] == ["liver"] * 2 + ["lung"] * 2


def test_equal_objectives_stand_in_the_title(ledger: Path) -> None:
    found = results(read(ledger, "liver", pictures=False)[0])
    (table,) = together([found, found]).requested
    assert table.title == "By arm and study, test cases: Dice ↑, mean over 2 regions, at 1k iterations"
    assert table.columns == ("Arm", "liver", "liver")


def test_every_format_is_written(ledger: Path, tmp_path: Path) -> None:
    written = build.write(ledger, ["liver", "lung"], tmp_path)
    texts = {name: path.read_text("utf-8") for name, path in written.items()}
    assert set(texts) == {file for files in build.FORMATS.values() for file in files}
    for name in ("report.md", "report.tex", "report.html"):
        assert "liver and lung" in texts[name]
        assert "Methods, for the manuscript" in texts[name]
        assert "no such arm" in texts[name]
    assert "segstudy report liver lung --format csv" in texts["report.html"]
    lines = texts["results.csv"].splitlines()
    assert sum(line.startswith("study,") for line in lines) == 1
    assert {line.split(",")[0] for line in lines[1:]} == {"liver", "lung", "kits19"}
    assert "salehi2017" in texts["references.bib"]
    assert "lin2017" in texts["references.bib"]
    assert build.text(ledger, ["liver", "lung"]).startswith("liver and lung: 2 studies\n")


def test_a_paragraph_of_the_methods_that_studies_share_stands_once(both: tuple[list[Results], Document]) -> None:
    said = both[1].methods
    (shared,) = together([both[0][0], both[0][0]]).methods[:1]
    assert shared.startswith("We used ")
    assert sum("Each training ran" in text for text in said) in (1, 2)
    assert {"liver", "lung"} == {text.partition(": ")[0] for text in said if "Data digest" in text}


def test_one_name_in_a_list_is_that_study(ledger: Path, tmp_path: Path) -> None:
    alone = build.write(ledger, "liver", tmp_path / "a", ("md",))["report.md"].read_bytes()
    assert build.write(ledger, ["liver"], tmp_path / "b", ("md",))["report.md"].read_bytes() == alone


def test_a_study_twice_is_refused(ledger: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="study 'liver' is named twice"):
        build.write(ledger, ["liver", "lung", "liver"], tmp_path)


def test_hours_on_a_gpu_have_a_column_where_one_study_had_any(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger.open(path) as opened:
        for name in ("calm", "loud"):
            add(opened, Fake(name=name, losses=("dice",), previews=False, patients=(1, 1), trials=0))
        loud = select(schema.trials.c.id).where(schema.trials.c.study_id == opened.study("loud").id)
        row = schema.segments
        opened.write(lambda c: c.execute(update(row).where(row.c.trial_id.in_(loud)).values(device="H200")))
    budget = together([results(read(path, name, pictures=False)[0]) for name in ("calm", "loud")]).budget
    assert budget.columns[-1] == "GPU h"
    assert [len(found.entries) for found in budget.rows] == [len(budget.columns)] * 2
    assert [found.entries[-1].text for found in budget.rows] == ["–", "0.81"]  # 900, 970, 1040 s


def test_two_data_sets_of_one_paper_stand_in_one_table_with_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger.open(path) as opened:
        for name in ("promise12", "brats15"):
            fake = Fake(name=name, models=("vnet",), losses=("dice_sq", "cross_entropy"), region="organ", trials=0,
                        marks=(100,), metrics=("dice",), previews=False, published=(f"matthews/{name}",))  # fmt: skip
            add(opened, fake)
    found = [results(read(path, name, pictures=False)[0]) for name in ("promise12", "brats15")]
    said = together(found)
    table = said.requested[0]
    printed = {
        row.entries[0].text: [entry.text for entry in row.entries[1:]] for row in table.rows if row.state == "printed"
    }
    assert printed["V-Net, Dice"] == ["0.402", "0.732"]  # at 30k, the paper's last
    names = [row.entries[0].text for row in table.rows]
    assert names.index("vnet+dice_sq") + 1 == names.index("V-Net, Dice")  # beside ours
    row = next(row for row in table.rows if row.entries[0].text == "V-Net, Dice")
    assert "training" in row.badges
    assert [each.title.split(":")[0] for each in said.protocols] == ["promise12", "brats15"]
    assert len({each.key for each in said.tables}) == len(said.tables)
