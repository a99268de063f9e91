"""Labels that lie in one order along an axis."""

from study.proposing.orders import ordered_axes

FRONT, BACK = (0.5, 0.3, 0.5), (0.52, 0.6, 0.5)


def cases(count: int, **labels: tuple[float, ...]) -> list[dict[str, tuple[float, ...]]]:
    return [dict(labels) for _ in range(count)]


def test_two_parts_of_an_organ_lie_in_an_order_along_one_axis() -> None:
    assert ordered_axes(cases(20, head=FRONT, tail=BACK)) == "y"  # 0.02 along z is no distance
    assert ordered_axes(cases(20, head=(0.1, 0.3, 0.9), tail=(0.3, 0.6, 0.2))) == "zyx"
    assert ordered_axes(cases(20, head=(0.3, 0.9), tail=(0.6, 0.2))) == "yx"
    assert ordered_axes(cases(20, vein=(0.5, 0.2), artery=(0.5, 0.4))) == "x"


def test_an_order_that_one_case_in_twenty_lacks_is_one_and_two_are_not() -> None:
    there, mirrored = cases(1, head=FRONT, tail=BACK), cases(1, head=BACK, tail=FRONT)
    assert ordered_axes(there * 19 + mirrored) == "y"
    assert ordered_axes(there * 18 + mirrored * 2) == ""


def test_few_cases_or_one_label_show_no_order() -> None:
    assert ordered_axes(cases(4, head=FRONT, tail=BACK)) == ""
    assert ordered_axes(cases(20, head=FRONT)) == ""
    assert ordered_axes(cases(20)) == ""
    assert ordered_axes([]) == ""
    # cases with one of the labels do not count
    assert ordered_axes(cases(5, head=FRONT, tail=BACK) + cases(95, head=BACK)) == "y"


def test_a_lesion_that_lies_anywhere_in_an_organ_has_no_order() -> None:
    around = [(0.5, 0.5 + 0.2 * (-1) ** number, 0.5 - 0.1 * (-1) ** (number // 2)) for number in range(20)]
    assert ordered_axes([{"organ": (0.5, 0.5, 0.5), "lesion": place} for place in around]) == ""
