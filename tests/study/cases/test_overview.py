"""A data set as a whole, worked by hand on made-up facts."""

import dataclasses
import json
import math
from typing import Any

import pytest

from study.cases.outliers import far, outliers, robust_z
from study.cases.overview import diameter, duplicates, overview, stratum
from study.cases.splits import Role
from study.checking.notices import of_data, of_grid
from trainables.data.inspecting.inspect import CaseFacts


def fact(name: str, **changes: Any) -> CaseFacts:
    given: dict[str, Any] = {
        "name": name,
        "group": name,
        "channels": 1,
        "shape": (10, 20, 30),
        "spacing": (5.0, 1.0, 1.0),
        "prepared_shape": (10, 20, 30),
        "intensities": ((-100.0, 900.0),),
        "quantiles": ((-90.0, 40.0, 800.0),),
        "voxels": {"organ": 400, "lesion": 40},
        "lesions": {"lesion": (30, 10)},
        "ceilings": {"lesion": 1.0},
        "content": name,
        "warnings": (),
    }
    return CaseFacts(**{**given, **changes})


FACTS = [
    fact("a", group="p"),
    fact("b", group="p", voxels={"organ": 200, "lesion": 0}, lesions={"lesion": ()}, intensities=((-200.0, 5.0),)),
    fact("c", voxels={"organ": 1000, "lesion": 900}, lesions={"lesion": (900,)}, quantiles=((-80.0, 50.0, 700.0),)),
]
ROLES: dict[str, Role] = {"a": "train", "b": "train", "c": "test"}


def test_volumes_and_lesions_in_millimetres() -> None:
    seen = overview(FACTS, [ROLES])
    assert (seen.cases, seen.groups, seen.length, seen.volume) == (3, 2, "mm", "mm³")
    organ = seen.labels["organ"]  # 400, 200 and 1000 voxels of 5 mm³
    assert (organ.cases, organ.volume) == (3, (1000.0, 1500.0, 2000.0, 3500.0, 5000.0))
    assert seen.labels["lesion"].volume == (200.0, 1275.0, 2350.0, 3425.0, 4500.0)  # of the two that have one
    lesion = seen.lesions["lesion"]  # 150, 50 and 4500 mm³: balls of 6.6, 4.6 and 20.5 mm
    assert (lesion.count, lesion.cases, lesion.most) == (3, 2, 2)
    assert lesion.strata == {"< 5": 1, "5 to 10": 1, "10 to 20": 0, "≥ 20": 1}
    assert lesion.diameter is not None
    assert lesion.diameter[2] == pytest.approx((6 * 150 / math.pi) ** (1 / 3))
    assert seen.intensities == ((-200.0, -90.0, 40.0, 800.0, 900.0),)
    assert seen.shape[0] == (10.0,) * 5
    json.dumps(seen.plain(), allow_nan=False)


def test_parts() -> None:
    (parts,) = overview(FACTS, [ROLES]).parts
    assert (parts["train"].cases, parts["train"].groups) == (2, 1)
    assert parts["train"].labels["lesion"].cases == 1
    assert parts["test"].labels["organ"].volume == (5000.0,) * 5
    assert parts["validation"].labels["organ"].volume is None


@pytest.mark.parametrize("changes", [{"spacing": None}, {}])
def test_in_voxels_where_a_size_is_unknown_or_not_wanted(changes: dict[str, Any]) -> None:
    facts = [*FACTS[:2], dataclasses.replace(FACTS[2], **changes)]
    seen = overview(facts, [ROLES], in_voxels=not changes)
    assert (seen.length, seen.volume) == ("voxels", "voxels")
    assert seen.labels["organ"].volume == (200.0, 300.0, 400.0, 700.0, 1000.0)


def test_volumes_beside_flat_images() -> None:
    flat = fact("d", shape=(20, 30), spacing=(1.0, 1.0))
    seen = overview([*FACTS, flat], [{**ROLES, "d": "test"}])
    assert len(seen.shape) == len(seen.spacing or ()) == 3
    assert (seen.length, seen.volume) == ("voxels", "voxels")  # mm³ and mm² have no common scale
    assert not outliers([*FACTS, flat, flat, flat])


def test_a_coarse_grid_is_told() -> None:
    facts = [fact("a", ceilings={"lesion": 0.8, "organ": 0.99}), fact("b", ceilings={"lesion": 0.7, "organ": None})]
    (told,) = of_grid(facts)
    assert told.startswith("ceiling of lesion: a network without any error reaches a Dice of 0.75 at this voxel size")


def test_diameters() -> None:
    assert diameter(4 / 3 * math.pi * 27, 3) == pytest.approx(6)
    assert diameter(math.pi * 9, 2) == pytest.approx(6)
    assert [stratum(width) for width in (4.9, 5, 10, 20, 200)] == ["< 5", "5 to 10", "10 to 20", "≥ 20", "≥ 20"]


def test_robust_z_by_hand() -> None:
    # Median 3, deviations 2 1 0 1 97, MAD 1: the last lies 97 * 0.6745 away.
    assert robust_z([1, 2, 3, 4, 100]) == pytest.approx([-1.349, -0.6745, 0, 0.6745, 97 * 0.6745])
    # MAD 0, mean absolute deviation 10 / 5 = 2.
    assert robust_z([7, 7, 7, 7, 17]) == pytest.approx([0, 0, 0, 0, 10 / (1.2533 * 2)])
    assert robust_z([4.0] * 6) == [0.0] * 6


def test_what_is_near_is_never_far() -> None:
    values = {str(n): 1.0 for n in range(20)} | {"odd": 1.04}
    assert robust_z(list(values.values()))[-1] > 10
    assert not list(far("spacing", values, math.log, math.log(1.05)))
    found = list(far("spacing", {**values, "far": 2.0}, math.log, math.log(1.05)))
    assert [(each.case, each.value, each.usual) for each in found] == [("far", 2.0, 1.0)]
    assert not list(far("spacing", {"a": 1.0, "b": 1.0, "c": 1.0, "d": 9.0}, math.log, 0.0))  # too few to tell


def test_outliers_of_a_dataset() -> None:
    facts = [fact(f"c{n}", quantiles=((-90.0 - n, 40.0 + n, 800.0 + n),)) for n in range(12)]
    facts[3] = dataclasses.replace(facts[3], spacing=(1.0, 1.0, 1.0))
    facts[5] = dataclasses.replace(facts[5], shape=(10, 200, 30))
    facts[7] = dataclasses.replace(facts[7], quantiles=((-90.0, 600.0, 800.0),))
    facts[9] = dataclasses.replace(facts[9], quantiles=((0.0, 45.0, 90.0),))
    facts = [dataclasses.replace(each, voxels={**each.voxels, "cyst": int(each.name == "c2")}) for each in facts]
    assert [(each.case, each.what) for each in outliers(facts)] == [
        ("c2", "label cyst"),
        ("c3", "spacing z"),
        ("c5", "shape y"),
        ("c7", "middle of channel 0"),
        ("c9", "contrast of channel 0"),
    ]
    assert outliers(facts[:4]) == ()


def test_duplicates_in_different_parts_are_a_warning() -> None:
    facts = [fact("a"), fact("b", content="x"), fact("c", content="x"), fact("d", content="a")]
    folds: list[dict[str, Role]] = [
        {"a": "train", "b": "train", "c": "test", "d": "train"},
        {"a": "train", "b": "validation", "c": "train", "d": "train"},
    ]
    first, second = duplicates(facts, folds)
    assert (first.cases, first.parts) == (("a", "d"), ())
    assert (second.cases, second.parts) == (("b", "c"), ("train and test", "train and validation"))
    told = list(of_data(overview(facts, folds)))
    assert told[0].startswith("a, d: one and the same image; take out all but one")
    assert told[1].startswith("WARNING: b, c: one and the same image, in train and test; train and validation: what is")


def test_a_label_that_a_part_lacks() -> None:
    roles: dict[str, Role] = {"a": "train", "b": "validation", "c": "test"}
    (told,) = of_data(overview(FACTS, [roles]))
    assert told.startswith("lesion is in no validation case: nothing is learnt or scored of it there")
    told = next(of_data(overview(FACTS, [roles, {"a": "validation", "b": "train", "c": "test"}, roles])))
    assert told.startswith("lesion is in no validation (fold 1, 3) case")
