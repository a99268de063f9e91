"""Default beside tuned on test cases: shown, never tested, and in no other table."""

from pathlib import Path

import pytest

from reports.build import write
from reports.document import document
from reports.results.records import read
from reports.results.results import Results, results
from tests.reports.ledgers import Fake, build

QUALITY = {"unet+focal": 0.9, "unet+focal+defaults": 0.85}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results, Results]:
    folder, found = tmp_path_factory.mktemp("defaults"), []
    for name, defaults in (("with", True), ("without", False)):
        fake = Fake(losses=("dice", "focal"), quality=QUALITY, defaults=defaults, marks=(100,))
        path = build(folder / f"{name}.db", fake)
        found.append(results(read(path, "fake", pictures=False)[0]))
    return folder / "with.db", found[0], found[1]


def test_by_hand(both: tuple[Path, Results, Results]) -> None:
    found = both[1]
    table = document(found).defaults
    assert table is not None
    assert [row.entries[0].text for row in table.rows] == ["unet+dice", "unet+focal"]
    tuned, usual = (
        found.scores.of(name, 100, "mean", "dice").mean(axis=(0, 1, 2))
        for name in ("unet+focal", "unet+focal+defaults")
    )
    row = [entry.text for entry in table.rows[1].entries]
    assert row[1:4] == [f"{tuned.mean():.3f}", f"{usual.mean():.3f}", f"+{tuned.mean() - usual.mean():.3f}"]
    assert table.rows[1].entries[2].arm == 3  # leads to the trials of the defaults
    assert row[4].startswith("learning_rate ")


def test_nothing_else_changes(both: tuple[Path, Results, Results]) -> None:
    with_them, without = both[1], both[2]
    assert document(without).defaults is None
    assert [arm.row.name for arm in with_them.arms] == ["unet+dice", "unet+focal"]
    assert [arm.row.name for arm in with_them.every_arm][2:] == ["unet+dice+defaults", "unet+focal+defaults"]
    assert with_them.comparisons == without.comparisons
    assert with_them.to_best == without.to_best
    assert with_them.best == without.best
    for mine, theirs in ((document(with_them), document(without)),):
        assert mine.regions == theirs.regions
        assert mine.claims == theirs.claims
        assert len(mine.budget.rows) == len(theirs.budget.rows) + 2
        assert "The default parameters of each tuned arm were trained and tested beside it." in mine.methods[1]


def test_it_stands_on_the_page_and_in_the_numbers(both: tuple[Path, Results, Results], tmp_path: Path) -> None:
    made = write(both[0], "fake", tmp_path, ("html", "csv"))
    page = made["report.html"].read_text("utf-8")
    assert "Default beside tuned, test cases: Dice ↑" in page
    assert 'id="trials-3"' in page
    assert 'aria-label="unet+focal+defaults on case' not in page
    lines = made["results.csv"].read_text("utf-8").splitlines()
    assert sum(line.startswith("fake,unet+focal+defaults,unet,focal,none,") for line in lines) == 9
