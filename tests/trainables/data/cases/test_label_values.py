import numpy as np
import pytest

from trainables.data.cases.label_values import CHUNK, parse, parse_all, to_classes
from trainables.errors import InputError


def test_class_indices_follow_the_study_files_order_and_not_the_values() -> None:
    labels = parse_all({"tumor": 2, "kidney": 1})
    classes = to_classes(np.array([[0, 1], [2, 2]], np.uint8), labels)
    assert classes.dtype == np.uint8
    assert classes.tolist() == [[0, 2], [1, 1]]


@pytest.mark.parametrize(
    ("rule", "belong"),
    [
        (">127", [128, 255]),
        (">=127", [127, 128, 255]),
        ("<3", [0, 2]),
        ("<=3", [0, 2, 3]),
        ("!=0", [2, 3, 127, 128, 255]),
    ],
)
def test_a_rule_takes_what_it_says_and_leaves_the_rest_to_the_background(rule: str, belong: list[int]) -> None:
    values = np.array([0, 2, 3, 127, 128, 255], np.uint8)
    assert values[to_classes(values, parse_all({"liver": rule})) == 1].tolist() == belong


def test_equals_rule_is_a_value() -> None:
    assert parse("a", "==2") == parse("a", 2)
    with pytest.raises(InputError, match="value 1 is covered by no label"):
        to_classes(np.array([0, 1, 2]), parse_all({"a": "==2"}))


@pytest.mark.parametrize("rule", ["", "one", "=1", ">", True, None, [1], "1..2", "> 1 2"])
def test_what_is_no_rule_is_refused(rule: object) -> None:
    with pytest.raises(InputError, match="neither a value"):
        parse("organ", rule)  # type: ignore[arg-type]


def test_two_labels_with_one_value_are_refused() -> None:
    with pytest.raises(InputError, match="'a' and 'b' both name ==1"):
        parse_all({"a": 1, "b": "==1"})


def test_rules_that_overlap_on_a_value_are_refused_where_it_occurs() -> None:
    labels = parse_all({"low": ">0", "high": ">=2"})
    assert to_classes(np.array([0, 1]), labels).tolist() == [0, 1]
    with pytest.raises(InputError, match=r"value 3 belongs to two labels \(low: >0; high: >=2\)"):
        to_classes(np.array([0, 1, 3]), labels)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_values_that_no_label_names_are_refused_by_name_wherever_they_are(dtype: type) -> None:
    mask = np.zeros(CHUNK + 3, dtype)
    mask[0], mask[-1] = 1, 7
    with pytest.raises(InputError, match=r"value 7 is covered by no label \(organ: 1, lesion: 2\)"):
        to_classes(mask, parse_all({"organ": 1, "lesion": 2}))
    assert to_classes(mask, parse_all({"organ": 1}), other="background")[[0, -1]].tolist() == [1, 0]


def test_many_strange_values_are_not_all_listed() -> None:
    with pytest.raises(InputError, match=r"values 3, 4, 5, 6, 7, … are covered by no label"):
        to_classes(np.arange(100), parse_all({"organ": 1, "lesion": 2}))


def test_floats_off_by_rounding_are_whole_and_others_are_refused() -> None:
    labels = parse_all({"organ": 1, "lesion": 2})
    assert to_classes(np.array([0.0, 0.9999, 1.9995, 1e-4], np.float32), labels).tolist() == [0, 1, 2, 0]
    with pytest.raises(InputError, match="re-export it without smoothing"):
        to_classes(np.array([0.0, 0.99, 2.0], np.float32), labels)


def test_a_fraction_can_be_a_labels_value() -> None:
    assert to_classes(np.array([0.0, 0.5, 1.0], np.float32), parse_all({"half": 0.5, "full": 1})).tolist() == [0, 1, 2]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_mask_with_nan_is_refused(bad: float) -> None:
    with pytest.raises(InputError, match="NaN or infinite"):
        to_classes(np.array([0, 1, bad]), parse_all({"organ": 1}))


def test_values_beyond_the_dtype_name_nothing() -> None:
    assert to_classes(np.array([0, 1], np.uint8), parse_all({"a": 1, "b": 300, "c": -1})).tolist() == [0, 1]


def test_transposed_masks_keep_their_places() -> None:
    mask = np.arange(6, dtype=np.uint8).reshape(2, 3)
    expected = (mask.T == 4).astype(np.uint8)
    assert (to_classes(mask.T, parse_all({"four": 4}), "background") == expected).all()
