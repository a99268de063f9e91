import base64
import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from reports.gallery import Picture, Shown, gallery, outlines
from reports.records import Pictures, read
from reports.results import Results, results
from tests.reports.ledgers import COLLAPSED, Fake, build


def made(tmp_path: Path, fake: Fake) -> tuple[Results, Pictures]:
    records, pictures = read(build(tmp_path / "ledger.db", fake), fake.name, pictures=True)
    return results(records), pictures


def median(found: Results, pictures: Pictures) -> Shown:
    shown = gallery(found, pictures.previews)
    assert shown is not None
    return next(case for case in shown.cases if case.rank == "Median")


def shown_of(tmp_path: Path, fake: Fake) -> Shown:
    return median(*made(tmp_path, fake))


def points(path: str) -> list[list[tuple[float, float]]]:
    """The closed lines of an SVG path."""
    lines = [[xy.split() for xy in part[:-1].split("L")] for part in path.split("M")[1:]]
    return [[(float(x), float(y)) for x, y in line] for line in lines]


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
    assert len({(picture.width, picture.height, picture.image, picture.reference) for picture in found.pictures}) == 1
    assert len({picture.prediction for picture in found.pictures}) == 3
    assert found.slice_index == 11
    assert 0 < found.pictures[0].width < 120  # cut: the slice is 120 wide


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
    shown = gallery(found, pictures.previews)
    assert shown is not None
    expected = means(found, pictures)
    assert len(expected) == 3
    assert [case.case for case in shown.cases] == sorted(expected, key=lambda case: expected[case])
    assert [case.rank for case in shown.cases] == ["Worst", "Median", "Best"]
    assert shown.cases[0].mean == f"Dice {min(expected.values()):.3f} over arms"
    assert shown.rule.startswith("worst, median and best of the 3 cases kept for pictures, by Dice")


def test_the_worst_distance_is_the_longest(tmp_path: Path) -> None:
    found, pictures = made(tmp_path, Fake(metrics=("hd95", "dice")))
    shown = gallery(found, pictures.previews)
    assert shown is not None
    expected = means(found, pictures)
    assert [case.case for case in shown.cases] == sorted(expected, key=lambda case: -expected[case])


def test_fewer_cases_than_ranks(tmp_path: Path) -> None:
    found, pictures = made(tmp_path, Fake())
    kept = sorted({preview.case for _, preview in pictures.previews})
    for count, ranks in ((1, [""]), (2, ["Worst", "Best"])):
        shown = gallery(found, [pair for pair in pictures.previews if pair[1].case in kept[:count]])
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
    assert found.pictures[1].prediction == ""
    assert found.pictures[1].reference != ""
    assert found.pictures[0].prediction != ""


def test_no_previews_no_gallery(tmp_path: Path) -> None:
    found, pictures = made(tmp_path, Fake(previews=False))
    assert gallery(found, pictures.previews) is None


def test_the_image_is_the_slice(tmp_path: Path) -> None:
    found, pictures = made(tmp_path, Fake())
    shown = median(found, pictures)
    picture = shown.pictures[0]
    data = base64.b64decode(picture.image.removeprefix("data:image/png;base64,"))
    grey = np.asarray(Image.open(io.BytesIO(data)))
    preview = next(one for key, one in pictures.previews if one.case == shown.case and key.arm == 0)
    whole = np.frombuffer(preview.image, np.uint8).reshape(preview.shape)
    assert grey.shape == (picture.height, picture.width)
    rows, columns = (size - part for size, part in zip(whole.shape, grey.shape, strict=True))
    assert any(
        np.array_equal(grey, whole[y : y + grey.shape[0], x : x + grey.shape[1]])
        for y in range(rows + 1)
        for x in range(columns + 1)
    )


def test_folds_show_each_case_by_the_fold_that_tests_it(tmp_path: Path) -> None:
    shown = shown_of(tmp_path, Fake(folds=3, seeds=2))
    assert all("organ 0." in picture.caption for picture in shown.pictures)
