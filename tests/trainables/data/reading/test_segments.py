"""Masks of named structures: labels by name or number, overlaps, structures without label."""

import pathlib

import numpy as np
import pytest

from tests.trainables.data.files import affine, save, volume
from trainables.data.cases import case as cases
from trainables.data.cases.label_values import parse_all
from trainables.data.finding.layouts import CaseFiles
from trainables.data.reading import segments
from trainables.data.reading.raw import Raw, Segment
from trainables.errors import InputError

FILE = pathlib.Path("/data/masks/p1.seg.nrrd")
NONE, FIRST, SECOND, BOTH, THIRD = 0, 1, 2, 3, 4
BITS = np.array([NONE, FIRST, SECOND, THIRD], np.uint8).reshape(4, 1, 1)


def values(
    named: dict[str, float | str], found: list[Segment], bits: np.ndarray = BITS, *, others_count: bool = True
) -> list[int]:
    raw = Raw(bits, np.eye(4), (1.0, 1.0, 1.0), segments=tuple(found))
    return [int(v) for v in segments.as_values(raw, parse_all(named), FILE, others_count=others_count).reshape(-1)]


THREE = [Segment(1, "Tumor"), Segment(2, "left kidney"), Segment(3, "Segment_3")]


def test_a_label_takes_the_structure_of_its_name_whatever_its_number() -> None:
    # in this file the tumour was drawn first; by number alone it would be taken for the kidney
    assert values({"left_kidney": 1, "tumor": 2, "cyst": 3}, THREE) == [0, 2, 1, 3]


def test_without_such_names_numbers_count() -> None:
    assert values({"organ": 1, "lesion": 2, "cyst": 3}, THREE) == [0, 1, 2, 3]


def test_a_structure_whose_number_another_one_took_is_refused_or_left_out() -> None:
    with pytest.raises(InputError, match=r"structure 'left kidney' has the number 2, which `dataset.labels` gives"):
        values({"tumor": 2}, THREE)
    assert values({"tumor": 2}, THREE, others_count=False) == [0, 2, 0, 0]


def test_structures_without_label_keep_their_numbers_or_are_left_out() -> None:
    assert values({"tumor": 1}, THREE) == [0, 1, 2, 3]  # `to_classes` refuses 2 and 3, or ignores them
    assert values({"tumor": 1}, THREE, others_count=False) == [0, 1, 0, 0]


OVERLAP = np.array([FIRST, BOTH, SECOND, BOTH | THIRD], np.uint8).reshape(4, 1, 1)


def test_an_overlap_of_labels_needs_a_label_of_its_own() -> None:
    with pytest.raises(InputError, match=r"structures tumor and left_kidney overlap. .*value 1002 \(`both: 1002`\)"):
        values({"tumor": 1, "left_kidney": 2}, THREE[:2], OVERLAP & BOTH)
    assert values({"tumor": 1, "left_kidney": 2, "both": 1002}, THREE[:2], OVERLAP & BOTH) == [1, 1002, 2, 1002]


def test_what_has_no_label_overlaps_nothing() -> None:
    body = [Segment(1, "tumor"), Segment(2, "BODY")]
    for others_count in (True, False):
        assert values({"tumor": 1}, body, OVERLAP[:2] & BOTH, others_count=others_count) == [1, 1]


def test_a_rule_takes_any_structure() -> None:
    assert values({"lesion": ">0"}, [Segment(None, "a"), Segment(7, "b"), Segment(9, "c")]) == [0, 1, 7, 9]


def test_equal_numbers_and_equal_names() -> None:
    same = [Segment(None, "tumor"), Segment(None, "kidney")]
    assert values({"kidney": 1, "tumor": 2}, same, BITS[:3]) == [0, 2, 1]
    with pytest.raises(InputError, match="structure 'kidney' has no number of its own"):
        values({"tumor": 2}, same, BITS[:3])
    with pytest.raises(InputError, match="two structures in it are called 'tumor'"):
        values({"tumor": 2}, [Segment(1, "tumor"), Segment(2, "Tumor")], BITS[:3])


def test_layers_of_a_seg_nrrd() -> None:
    layers = np.zeros((3, 1, 1, 2), np.uint8)
    layers[:, 0, 0, 0], layers[:, 0, 0, 1] = (1, 2, 9), (1, 1, 0)
    keys = {
        "Segment0_ID": "a", "Segment0_Name": "first", "Segment0_LabelValue": "1", "Segment0_Layer": "0",
        "Segment1_ID": "b", "Segment1_Name": "second", "Segment1_LabelValue": "2", "Segment1_Layer": "0",
        "Segment2_ID": "c", "Segment2_Name": "third", "Segment2_LabelValue": "1", "Segment2_Layer": "1",
    }  # fmt: skip
    bits, found = segments.of_layers(layers, keys, FILE)
    assert bits.reshape(-1).tolist() == [1 | 4, 2 | 4, 8]
    assert found == (Segment(None, "first"), Segment(2, "second"), Segment(None, "third"), Segment(9, ""))
    with pytest.raises(InputError, match="Segment2 has layer 7, value 1"):
        segments.of_layers(layers, {**keys, "Segment2_Layer": "7"}, FILE)


def test_bits_are_as_wide_as_needed() -> None:
    assert [segments.empty_bits((1,), count, FILE).dtype for count in (1, 8, 9, 32, 64)] == [
        np.uint8, np.uint8, np.uint16, np.uint32, np.uint64,
    ]  # fmt: skip
    with pytest.raises(InputError, match="65 structures in one file, 64 at most"):
        segments.empty_bits((1,), 65, FILE)


def test_a_case_whose_segments_overlap_is_refused_until_the_overlap_has_a_label(tmp_path: pathlib.Path) -> None:
    """As 3D Slicer writes nested structures; without a word the overlap would be background."""
    import nrrd

    image, mask = volume()
    layers = np.stack([mask >= 1, mask == 2]).astype(np.uint8)
    space = {"space": "right-anterior-superior", "space origin": affine()[:3, 3]}
    directions = np.vstack([np.full(3, np.nan), affine()[:3, :3].T])
    keys = {}
    for number, name in enumerate(("Organ", "Lesion")):
        keys |= {f"Segment{number}_ID": name, f"Segment{number}_Name": name}
        keys |= {f"Segment{number}_LabelValue": "1", f"Segment{number}_Layer": str(number)}
    nrrd.write(
        str(tmp_path / "m.seg.nrrd"),
        layers,
        {**space, "kinds": ["list", "domain", "domain", "domain"], "space directions": directions, **keys},
    )
    files = CaseFiles("a", (save(tmp_path / "i.nii", image),), tmp_path / "m.seg.nrrd")
    for other in ("refuse", "background", "ignore"):
        with pytest.raises(InputError, match=r"/m.seg.nrrd: structures organ and lesion overlap"):
            cases.read(files, parse_all({"organ": 1, "lesion": 2}), dim=3, other=other)  # type: ignore[arg-type]
    case = cases.read(files, parse_all({"organ": 1, "lesion": 2, "both": 1002}), dim=3)
    assert [int((case.reference == index).sum()) for index in (1, 2, 3)] == [
        int((mask == 1).sum()), 0, int((mask == 2).sum()),
    ]  # fmt: skip
    assert case.warnings == ()
    alone = cases.read(files, parse_all({"lesion": 1}), dim=3, other="background")
    assert int((alone.reference == 1).sum()) == int((mask == 2).sum())
