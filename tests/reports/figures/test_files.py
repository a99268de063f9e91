"""Figures as files: what is there is drawn, also for print in grey, to the same bytes; and ranks by hand."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reports.build import write
from reports.figures.drawing import ARM_COLOURS
from reports.figures.files import LINES, PRINT, figures
from reports.figures.rank_stability import rank_shares, rank_stability
from reports.figures.shared_style import arm_style
from reports.results.records import Pictures, read
from reports.results.results import results
from study.ledger import Ledger
from tests.reports.ledgers import Fake, add, build
from trainables.errors import InputError


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fake = Fake(losses=("dice", "focal"), patients=(1,) * 6, seeds=2, pixels=32, slices=4, trials=2, empty=0)
    return build(tmp_path_factory.mktemp("drawn") / "ledger.db", fake)


@pytest.fixture(scope="module")
def drawn(ledger: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write(ledger, "fake", tmp_path_factory.mktemp("figures"), ("figures",))


def test_each_figure_in_three_formats_and_nothing_that_has_nothing_to_show(drawn: dict[str, Path]) -> None:
    names = ("training-loss", "metric-by-iteration", "cost-and-quality", "scores-by-case", "paired-differences")
    names += ("rank-stability", "gallery", "response")
    expected = {f"figures/{name}.{end}" for name in names for end in ("svg", "pdf", "png")}
    assert set(drawn) == expected  # one n only, since one of two trials was halved away: no best-of-n
    assert drawn["figures/scores-by-case.pdf"].read_bytes().startswith(b"%PDF")


def test_the_same_bytes_and_no_dates(ledger: Path, drawn: dict[str, Path], tmp_path: Path) -> None:
    again = write(ledger, "fake", tmp_path, ("figures",))
    for name, path in drawn.items():
        assert again[name].read_bytes() == path.read_bytes(), name
        assert b"CreationDate" not in path.read_bytes()
        assert b"dc:date" not in path.read_bytes()


def test_they_print_in_grey(drawn: dict[str, Path]) -> None:
    for name in ("scores-by-case", "gallery"):
        pixels = np.asarray(Image.open(drawn[f"figures/{name}.png"]).convert("RGB")).astype(int)
        assert (pixels.max(axis=2) == pixels.min(axis=2)).all(), name
        assert pixels.min() < 64
    assert PRINT["pdf.fonttype"] == 42


def test_arms_that_share_axes_differ_in_colour_and_without_it() -> None:
    styles = [arm_style(index) for index in range(84)]
    assert len({tuple(map(str, style.values())) for style in styles}) == 84
    in_grey = {(str(style["linestyle"]), style["marker"]) for style in styles[:45]}
    assert len(in_grey) == 45
    assert len({style["color"] for style in styles[:8]}) == len({style["marker"] for style in styles[:8]}) == 8


def test_colours_of_arms_are_dark_enough_on_white() -> None:
    assert all(contrast(colour) >= 3 for colour in ARM_COLOURS)
    assert contrast("#767676") == pytest.approx(4.54, abs=0.01), "as WCAG 2.2 works it out"


def contrast(colour: str) -> float:
    """Returns a colour's contrast with white, WCAG 2.2."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def test_soft_dice_by_class_is_drawn_where_it_was_recorded(tmp_path: Path) -> None:
    fake = Fake(losses=("dice", "focal"), trials=0, marks=(100,), seeds=2, log_every=20, previews=False)
    records, pictures = read(build(tmp_path / "ledger.db", fake), "fake", pictures=True)
    figure = dict(figures(results(records), pictures))["training-soft-dice"]
    dice, _ = figure.axes
    assert [line.get_label() for line in dice.lines] == ["lesion", "organ", "background"]
    assert dice.lines[0].get_xdata().tolist() == [20, 40, 60, 80, 100]
    first, second = (curve.values for curve in pictures.soft if curve.trial.arm == 0 and "lesion" in curve.name)
    assert dice.lines[0].get_ydata() == pytest.approx((first + second) / 2)
    assert len(figure.legends[0].get_texts()) == 3


def test_every_arm_is_named(tmp_path: Path) -> None:
    fake = Fake(losses=("dice", "focal"), trials=8, marks=(100,), previews=False, pixels=8)
    found = results(read(build(tmp_path / "ledger.db", fake), "fake", pictures=False)[0])
    made = dict(figures(found, Pictures((), ())))
    assert "metric-by-iteration" not in made  # one mark
    (axes,) = made["best-of-n"].axes
    assert [line.get_label() for line in axes.lines] == ["unet+dice", "unet+focal"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "3", "5", "8"]
    assert set(LINES) == {"metric-by-iteration", "best-of-n", "cost-and-quality"}


def test_figures_are_of_one_study(full_ledger: Path, tmp_path: Path) -> None:
    path = build(tmp_path / "ledger.db", Fake(losses=("dice",), previews=False, patients=(1, 1)))
    with Ledger.open(path) as opened:
        add(opened, Fake(name="other", losses=("dice",), previews=False, patients=(1, 1)))
    with pytest.raises(InputError, match="figures of several studies are ranks over data sets"):
        write(path, ["fake", "other"], tmp_path, ("figures",))


def test_rank_shares_by_hand() -> None:
    # Two groups drawn twice: both the first (1/4): A; both the second (1/4): B; one each (1/2): A by 0.5 to 0.25.
    values = np.array([[[1.0, 0.0]], [[0.0, 0.5]]])
    shares = rank_shares(values, np.array([0, 1]), greater=True, draws=20_000)
    assert shares == pytest.approx(np.array([[0.75, 0.25], [0.25, 0.75]]), abs=0.02)
    assert rank_shares(values, np.array([0, 1]), greater=False, draws=20_000)[0, 0] == pytest.approx(0.25, abs=0.02)


def test_trainings_are_drawn_too() -> None:
    # A is 0.9 and 0.5 by training, B always 0.6: A is second where it draws its second training twice (1/4).
    values = np.array([[[0.9, 0.9], [0.5, 0.5]], [[0.6, 0.6], [0.6, 0.6]]])
    shares = rank_shares(values, np.array([0, 1]), greater=True, draws=20_000)
    assert shares == pytest.approx(np.array([[0.75, 0.25], [0.25, 0.75]]), abs=0.02)


def test_groups_stay_together_and_equal_arms_share_the_rank() -> None:
    values = np.array([[[0.9, 0.1, 0.5]], [[0.1, 0.9, 0.5]], [[0.2, 0.2, np.nan]]])
    shares = rank_shares(values, np.array([0, 0, 1]), greater=True, draws=500)
    assert shares[0, 0] == shares[1, 0] == 1.0  # within the group they are equal
    assert shares[2].tolist() == [0.0, 0.0, 1.0]  # draws without its group are left out


def test_ranks_ask_for_enough_patients(full_ledger: Path, tmp_path: Path) -> None:
    records, _ = read(full_ledger, "fake", pictures=False)
    found = rank_stability(results(records))
    assert found is not None
    assert found["unet+focal"][0] > 0.9  # the best by far
    few = build(tmp_path / "ledger.db", Fake(patients=(1,) * 5, previews=False))
    assert rank_stability(results(read(few, "fake", pictures=False)[0])) is None
