"""Ranks over data sets, by hand, by SciPy and by Demšar's printed numbers; the diagram in every format."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from reports import build
from reports.results.records import read
from reports.results.results import results
from reports.statistics.friedman_nemenyi import cliques, critical_difference, friedman, ranks
from reports.tables.ranks_over_datasets import Ranked, ranked
from study.ledger import Ledger
from tests.reports.ledgers import Fake, add
from trainables.errors import InputError

# Demšar 2006: C4.5, with m, with cf, with both, on 14 data sets; the third .975 has a fourth digit, since he ranks it
# before the other.
PRINTED = np.array(
    [[.763, .768, .771, .798], [.599, .591, .590, .569], [.954, .971, .968, .967], [.628, .661, .654, .657],
     [.882, .888, .886, .898], [.936, .931, .916, .931], [.661, .668, .609, .685], [.583, .583, .563, .625],
     [.775, .838, .866, .875], [1.000, 1.000, 1.000, 1.000], [.940, .962, .965, .962], [.619, .666, .614, .669],
     [.972, .981, .9751, .975], [.957, .978, .946, .970]]
)  # fmt: skip


def test_ranks_by_hand() -> None:
    found = ranks(np.array([[0.9, 0.7, 0.9, 0.1], [5.0, 2.0, 9.0, 2.0]]), [True, False])
    assert found.tolist() == [[1.5, 3, 1.5, 4], [3, 1.5, 4, 1.5]]


def test_demsars_own_example() -> None:
    found = ranks(PRINTED, [True] * 14)
    assert found.mean(axis=0) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    test = friedman(found)
    untied = 12 * 14 / (4 * 5) * (float((found.mean(axis=0) ** 2).sum()) - 4 * 25 / 4)
    assert untied == pytest.approx(9.28, abs=0.01)  # as printed, ties left alone
    centred = found - 2.5  # corrected for ties: (A - 1) sum_j (R_j - D (A + 1) / 2)^2 / sum_ij (r_ij - (A + 1) / 2)^2
    assert test.chi_square == pytest.approx(3 * (centred.sum(axis=0) ** 2).sum() / (centred**2).sum())
    assert test.chi_square > untied
    assert test.statistic == pytest.approx(13 * test.chi_square / (42 - test.chi_square))
    assert test.freedom == (3, 39)
    assert test.p == pytest.approx(stats.f.sf(test.statistic, 3, 39))
    # Nemenyi at 0.10 is printed as 1.12 with q = 2.291
    assert critical_difference(4, 14, alpha=0.1) == pytest.approx(2.291 * np.sqrt(4 * 5 / (6 * 14)), abs=1e-3)


def test_nemenyis_numbers_are_the_printed_ones() -> None:
    # Demšar 2006, table 5: q at 0.05 for 2 to 10 classifiers; with 6 D = A (A + 1) the difference is q itself.
    printed = (1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164)
    for arms, q in enumerate(printed, 2):
        scale = np.sqrt(arms * (arms + 1) / 60)
        assert critical_difference(arms, 10) / scale == pytest.approx(q, abs=1e-3)


def test_friedman_by_hand_and_at_its_ends() -> None:
    # Rank sums 6, 9, 9 - (1,2,3), (1,3,2), (1,2,3), (3,2,1): mean 8 each; squares 4 + 1 + 1 = 6; total 8. chi2 = 2*6/8.
    found = np.array([[1, 2, 3], [1, 3, 2], [1, 2, 3], [3, 2, 1]], dtype=float)
    test = friedman(found)
    assert test.chi_square == pytest.approx(1.5)
    assert test.statistic == pytest.approx(3 * 1.5 / (8 - 1.5))
    assert friedman(np.full((5, 3), 2.0)).p == 1.0
    alike = friedman(np.tile([1.0, 2.0, 3.0], (5, 1)))
    assert (alike.p, alike.statistic) == (0.0, np.inf)


def test_cliques_are_the_longest_runs() -> None:
    assert cliques([1.0, 1.4, 2.6, 3.0, 4.9], 1.7) == ((0, 2), (1, 3))
    assert cliques([1.0, 3.0, 5.0], 1.0) == ()
    assert cliques([1.0, 2.0, 3.0], 2.0) == ((0, 2),)


NAMES = ("ankle", "brain", "chest", "dorsum", "elbow")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("datasets") / "ledger.db"
    with Ledger.open(path) as opened:
        for index, name in enumerate(NAMES):
            losses = ("dice", "focal", "tversky", *(("cross_entropy",) if index == 2 else ()))
            quality = {"unet+focal": 0.92, "unet+tversky": 0.86, "unet+dice": 0.72}
            add(
                opened,
                Fake(name=name, losses=losses, quality=quality, patients=(1,) * 3, seeds=2, trials=0, marks=(100,),
                     previews=False, empty=0, metrics=("hd95", "dice") if index == 1 else ("dice", "recall")),
                digest=str(index) * 64,
            )  # fmt: skip
        add(opened, Fake(name="twice", previews=False, trials=0, patients=(1, 1)), digest="4" * 64)
    return path


def found(ledger: Path, *names: str) -> Ranked | str:
    return ranked([results(read(ledger, name, pictures=False)[0]) for name in names])


def test_arms_that_all_studies_have_are_ranked_each_by_its_own_metric(ledger: Path) -> None:
    shown = found(ledger, *NAMES)
    assert isinstance(shown, Ranked)
    assert shown.arms == ("unet+focal", "unet+tversky", "unet+dice")  # the chest's fourth is not everywhere
    assert shown.ranks.tolist() == [[1, 2, 3]] * 5  # the brain's distances too: the shortest first
    assert shown.difference == pytest.approx(2.343 * np.sqrt(12 / 30), abs=1e-3)
    assert shown.cliques == ((0, 1), (1, 2))


def test_why_there_is_no_diagram(ledger: Path) -> None:
    assert found(ledger, *NAMES[:4]) == "Arms are ranked from 5 data sets on; here are 4."
    assert "6 studies have 5 between them" in str(found(ledger, *NAMES, "twice"))


def test_it_stands_in_every_format(ledger: Path, tmp_path: Path) -> None:
    made = build.write(ledger, NAMES, tmp_path, ("md", "tex", "html", "xlsx", "figures"))
    text = made["report.md"].read_text("utf-8")
    assert "## Ranks over 5 data sets" in text
    assert "Across studies ranks alone are tested." in text
    assert "Critical difference of mean ranks (Nemenyi, 0.05): 1.48" in text
    assert "all data sets agree with 2 and 8 degrees of freedom, p \\<0.001" in text
    assert {name for name in made if name.startswith("figures/")} == {
        f"figures/critical-difference.{end}" for end in ("svg", "pdf", "png")
    }
    page = made["report.html"].read_text("utf-8")
    assert 'aria-label="Critical-difference diagram of 3 arms over 5 data sets' in page
    assert "CD = 1.48" in page
    again = build.write(ledger, NAMES, tmp_path / "again", ("html", "figures"))
    assert all(path.read_bytes() == made[name].read_bytes() for name, path in again.items())


def test_four_studies_have_no_figure_and_say_why(ledger: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="figures of several studies are ranks over data sets: Arms are ranked from 5"):
        build.write(ledger, NAMES[:4], tmp_path, ("figures",))
    text = build.write(ledger, [*NAMES, "twice"], tmp_path, ("md",))["report.md"].read_text("utf-8")
    assert "Arms are ranked over data sets, and these 6 studies have 5 between them." in text
    assert "Ranks over" not in text
