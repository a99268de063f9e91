import base64
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from reports.build import write
from reports.figures.files import figures
from reports.figures.gallery import Picture, Shown, gallery
from reports.figures.outlines import outlines
from reports.results.records import Pictures, read
from reports.results.results import Results, results
from study.design import TrialKey
from tests.reports.ledgers import COLLAPSED, Fake, build
from trainables.pictures.kept import Stack


def made(tmp_path: Path, fake: Fake) -> tuple[Results, Pictures]:
    records, pictures = read(build(tmp_path / "ledger.db", fake), fake.name, pictures=True)
    return results(records), pictures


def median(found: Results, pictures: Pictures) -> Shown:
    shown = gallery(found, pictures)
    assert shown is not None
    return next(case for case in shown.cases if case.rank == "Median")


def shown_of(tmp_path: Path, fake: Fake) -> Shown:
    return median(*made(tmp_path, fake))


def points(path: str) -> list[list[tuple[float, float]]]:
    """The corners of the closed lines of an SVG path: an absolute start, then moves relative to the corner before."""
    found = []
    for part in path.split("M")[1:]:
        first, _, moves = part.removesuffix("Z").partition("l")
        steps = np.array(f"{first} {moves}".split(), np.float64).reshape(-1, 2)
        found.append([(x, y) for x, y in np.cumsum(steps, axis=0).tolist()])
    return found


def test_a_straight_side_has_its_ends_alone() -> None:
    labels = np.zeros((5, 9), np.uint8)
    labels[1:4, 1:8] = 1  # seven wide, three high: a rectangle with its corners cut
    (line,) = points(outlines(labels))
    assert sorted(line) == [(1, 1.5), (1, 3.5), (1.5, 1), (1.5, 4), (7.5, 1), (7.5, 4), (8, 1.5), (8, 3.5)]


def test_one_pixel_is_outlined_by_a_diamond_around_its_centre() -> None:
    labels = np.zeros((4, 5), np.uint8)
    labels[1, 3] = 1  # x in [3, 4], y in [1, 2]
    (line,) = points(outlines(labels))
    assert sorted(line) == [(3.0, 1.5), (3.5, 1.0), (3.5, 2.0), (4.0, 1.5)]


def test_every_class_and_every_hole_has_its_line() -> None:
    labels = np.ones((9, 9), np.uint8)
    labels[3:6, 3:6] = 2
    labels[4, 4] = 0
    lines = points(outlines(labels))
    # class 1: its outside, closed at the picture's edge, and its hole; class 2: outside and hole
    assert len(lines) == 4
    xs = [x for line in lines for x, _ in line]
    assert (min(xs), max(xs)) == (0.0, 9.0)
    assert all(path.endswith("Z") for path in re.findall(r"M[^M]*", outlines(labels)))


def test_nothing_to_outline() -> None:
    assert outlines(np.zeros((3, 3), np.uint8)) == ""


def test_all_arms_show_the_same_cut_of_the_middle_case(tmp_path: Path) -> None:
    found = shown_of(tmp_path, Fake())
    assert [picture.arm for picture in found.pictures] == ["unet+dice", "unet+focal", "unet+tversky"]
    assert [len(part) for part in (found.images, found.references)] == [1, 1]
    assert len({picture.predictions for picture in found.pictures}) == 3
    assert (found.slices, found.start) == ((11,), 0)
    assert 0 < found.width < 120  # cut: the slice is 120 wide


def means(found: Results, pictures: Pictures) -> dict[str, float]:
    """Case → the objective of the arms' first trainings, averaged."""
    names, how = [case.name for case in found.scores.cases], found.protocol
    return {
        case: float(
            np.mean(
                [
                    found.scores.of(arm, how.last, "mean", how.metric)[0, 0, 0, names.index(case)]
                    for arm in found.scores.arms
                ]
            )
        )
        for case in {preview.case for _, preview in pictures.previews}
    }


def test_worst_median_and_best_by_rule(tmp_path: Path) -> None:
    found, pictures = made(tmp_path, Fake())
    shown = gallery(found, pictures)
    assert shown is not None
    expected = means(found, pictures)
    assert len(expected) == 3
    assert [case.case for case in shown.cases] == sorted(expected, key=lambda case: expected[case])
    assert [case.rank for case in shown.cases] == ["Worst", "Median", "Best"]
    assert shown.cases[0].mean == f"Dice {min(expected.values()):.3f} over arms"
    assert shown.rule.startswith("worst, median and best of the 3 cases kept for pictures, by Dice")


def test_the_worst_distance_is_the_longest(tmp_path: Path) -> None:
    found, pictures = made(tmp_path, Fake(metrics=("hd95", "dice")))
    shown = gallery(found, pictures)
    assert shown is not None
    expected = means(found, pictures)
    assert [case.case for case in shown.cases] == sorted(expected, key=lambda case: -expected[case])


def test_fewer_cases_than_ranks(tmp_path: Path) -> None:
    found, pictures = made(tmp_path, Fake())
    kept = sorted({preview.case for _, preview in pictures.previews})
    for count, ranks in ((1, [""]), (2, ["Worst", "Best"])):
        some = [pair for pair in pictures.previews if pair[1].case in kept[:count]]
        shown = gallery(found, Pictures(pictures.curves, some))
        assert shown is not None
        assert [case.rank for case in shown.cases] == ranks


def test_captions_say_what_this_training_scored(tmp_path: Path) -> None:
    found, pictures = made(tmp_path, Fake())
    shown = median(found, pictures)
    case = [one.name for one in found.scores.cases].index(shown.case)
    value = found.scores.of("unet+focal", 1000, "organ", "dice")[0, 0, 0, case]
    assert f"organ {value:.3f}" in shown.pictures[1].caption


def test_an_arm_without_a_prediction_is_shown_as_such(tmp_path: Path) -> None:
    lost = {f"search-a01-r0-f0-n00{number}": "ValueError: no" for number in range(4)}
    found = shown_of(tmp_path, Fake(fates=lost))
    assert found.pictures[1] == Picture(arm="unet+focal", caption="no prediction")


def test_a_collapsed_arm_has_a_reference_and_no_prediction_outline(tmp_path: Path) -> None:
    fates = {f"final-a01-r0-f0-n00{seed}": COLLAPSED for seed in range(3)}
    found = shown_of(tmp_path, Fake(fates=fates))
    assert found.pictures[1].predictions == ("",)
    assert found.references[0] != ""
    assert found.pictures[0].predictions[0] != ""


def test_no_previews_no_gallery(tmp_path: Path) -> None:
    found, pictures = made(tmp_path, Fake(previews=False))
    assert gallery(found, pictures) is None


def test_the_image_is_the_slice(tmp_path: Path) -> None:
    found, pictures = made(tmp_path, Fake())
    shown = median(found, pictures)
    data = base64.b64decode(shown.images[0].removeprefix("data:image/png;base64,"))
    grey = np.asarray(Image.open(io.BytesIO(data)))
    preview = next(one for key, one in pictures.previews if one.case == shown.case and key.arm == 0)
    whole = np.frombuffer(preview.image, np.uint8).reshape(preview.shape)
    assert grey.shape == (shown.height, shown.width)
    rows, columns = (size - part for size, part in zip(whole.shape, grey.shape, strict=True))
    assert any(
        np.array_equal(grey, whole[y : y + grey.shape[0], x : x + grey.shape[1]])
        for y in range(rows + 1)
        for x in range(columns + 1)
    )


def test_folds_show_each_case_by_the_fold_that_tests_it(tmp_path: Path) -> None:
    shown = shown_of(tmp_path, Fake(folds=3, seeds=2))
    assert all("organ 0." in picture.caption for picture in shown.pictures)


def test_slices_of_the_first_training_are_scrolled_and_start_at_the_fullest(tmp_path: Path) -> None:
    found, pictures = made(tmp_path, Fake(slices=5, pixels=48))
    shown = median(found, pictures)
    assert (shown.slices, shown.start) == ((9, 10, 11, 12, 13), 2)
    assert [len(part) for part in (shown.images, shown.references)] == [5, 5]
    assert len(set(shown.images)) == 3  # two on each side are equally dark
    assert all(shown.references)
    for picture in shown.pictures:
        assert [bool(path) for path in picture.predictions] == [False, True, True, True, False]
    alone = next(one for key, one in pictures.previews if one.case == shown.case and key.arm == 1)
    whole = np.frombuffer(alone.prediction, np.uint8).reshape(alone.shape)
    assert len(points(shown.pictures[1].predictions[2])) == len(points(outlines(whole)))


def test_where_one_arm_kept_no_slices_all_show_the_one_that_all_have(tmp_path: Path) -> None:
    found, pictures = made(tmp_path, Fake(slices=5, pixels=48))

    def but_the_last_arm(trials: Sequence[TrialKey], cases: Sequence[str]) -> dict[tuple[TrialKey, str], Stack]:
        every = pictures.slices(trials, cases)
        return {(key, case): stack for (key, case), stack in every.items() if key.arm != 2}

    shown = median(found, Pictures(pictures.curves, pictures.previews, but_the_last_arm))
    assert shown.slices == (11,)
    assert [len(picture.predictions) for picture in shown.pictures] == [1, 1, 1]


def test_only_an_arms_first_training_is_read(tmp_path: Path) -> None:
    _, pictures = made(tmp_path, Fake(pixels=24))
    assert {key.number for key, _ in pictures.previews} == {0}
    assert len(pictures.previews) == 3 * 3


def test_the_page_scrolls_all_arms_by_one_labelled_bar(tmp_path: Path) -> None:
    path = build(tmp_path / "ledger.db", Fake(slices=4, pixels=48))
    page = write(path, "fake", tmp_path / "out", ("html",))["report.html"].read_text("utf-8")
    bars = re.findall(r'<input type="range" min="0" max="3" value="2" aria-label="Slice of (\S+), 4 of them"', page)
    assert len(bars) == 3
    assert page.count('data-slices="9 10 11 12"') == 3
    assert page.count('class="slice on"') == 3 * 3  # cases × arms
    assert page.count('class="slice"') == 3 * 3 * 3
    assert page.count("data:image/png") == 3 * 4  # an image once for all arms
    used = set(re.findall(r'<use [^>]*href="#([^"]+)"', page))
    assert used == set(re.findall(r'<(?:image|path) id="([^"]+)"', page))
    drawn = re.findall(r'<g class="of-prediction">(.*?)</g>', page)
    assert len(drawn) == 3 * 3 * 3  # cases × arms × slices with a prediction
    assert all(one.count(' d="') == 1 for one in drawn)  # casing and line share the outline


def test_for_print_every_arm_has_a_row_and_the_dashed_line_is_its_prediction(tmp_path: Path) -> None:
    fates = {f"final-a01-r0-f0-n00{seed}": COLLAPSED for seed in range(3)}
    found, pictures = made(tmp_path, Fake(slices=5, pixels=48, fates=fates))
    figure = dict(figures(found, Pictures((), pictures.previews, pictures.slices)))["gallery"]
    assert len(figure.axes) == 3 * 3
    shown = gallery(found, pictures)
    assert shown is not None
    assert [axes.get_title() for axes in figure.axes[:3]] == [f"{case.rank}: {case.case}" for case in shown.cases]
    for place, axes in enumerate(figure.axes):
        case = shown.cases[place % 3]
        (grey,) = axes.images
        assert np.shape(grey.get_array()) == (case.height, case.width)
        dashed = [one for one in axes.collections if one.get_linestyle()[0][1] is not None]
        assert bool(dashed) is (place // 3 != 1)  # the second arm found nothing
        words = [text.get_text().replace("\n", " ") for text in axes.texts]
        assert case.pictures[place // 3].caption.removeprefix("Dice: ") in words
