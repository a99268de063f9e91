import pytest

from study.checking.sides import mirrored_sides
from study.study_file import Study
from tests.study.study_files import changed


def notes(labels: list[str], **more: object) -> list[str]:
    given = {"dataset.labels": {name: value for value, name in enumerate(labels, start=1)}}
    dotted = {key.replace("__", "."): value for key, value in more.items()}
    return list(mirrored_sides(Study.from_plain(changed({**given, **dotted}))))


@pytest.mark.parametrize(
    "labels",
    [["kidney_left", "kidney_right"], ["L-lung", "heart", "R-lung"], ["LeftKidney", "RightKidney"], ["eyeL", "eyeR"]],
)
@pytest.mark.parametrize("augment", [["mirror"], ["rotate", {"mirror": {"probability": 0.2}}], ["miscnn"]])
def test_sides_that_mirroring_exchanges_are_told(labels: list[str], augment: list[object]) -> None:
    (note,) = notes(labels, augment=augment)
    assert f"labels {labels[0]} and {labels[-1]}" in note
    assert "{mirror: {axes: zy}}" in note


def test_the_averaging_of_mirrored_inputs_is_told_too() -> None:
    (note,) = notes(["kidney_left", "kidney_right"], inference__mirror=True)
    assert note.startswith("inference.mirror averages kidney_left and kidney_right over mirrored pictures")


@pytest.mark.parametrize(
    ("labels", "augment"),
    [
        (["kidney_left", "kidney_right"], ["rotate"]),
        (["kidney_left", "kidney_right"], [{"mirror": {"axes": "zy"}}]),
        (["kidney_left", "kidney_right"], [{"mirror": {"probability": 0}}]),
        (["kidney_left", "lung_right"], ["mirror"]),
        (["kidney", "tumor"], ["mirror"]),
        (["left", "kidney"], ["mirror"]),
    ],
)
def test_nothing_is_said_where_sides_stay(labels: list[str], augment: list[object]) -> None:
    assert notes(labels, augment=augment) == []
