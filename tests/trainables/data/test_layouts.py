import json
import pathlib

import numpy as np
import pytest

from tests.trainables.data.files import pair, picture, save, volume
from trainables.data import layouts
from trainables.errors import InputError


def touch(root: pathlib.Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def found(root: pathlib.Path, **how: object) -> dict[str, tuple[list[str], str]]:
    cases = layouts.find(root, **how)  # type: ignore[arg-type]
    assert [case.name for case in cases] == sorted(case.name for case in cases)
    return {
        case.name: ([str(file.relative_to(root)) for file in case.images], str(case.mask.relative_to(root)))
        for case in cases
    }


def test_nnunet_with_channel_suffixes(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, *(f"imagesTr/p{i}_000{c}.nii.gz" for i in (2, 1) for c in (1, 0)))
    touch(tmp_path, "labelsTr/p1.nii.gz", "labelsTr/p2.nii.gz")
    assert found(tmp_path) == {
        "p1": (["imagesTr/p1_0000.nii.gz", "imagesTr/p1_0001.nii.gz"], "labelsTr/p1.nii.gz"),
        "p2": (["imagesTr/p2_0000.nii.gz", "imagesTr/p2_0001.nii.gz"], "labelsTr/p2.nii.gz"),
    }


def test_nnunet_without_suffix_and_names_that_end_in_four_digits(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "imagesTr/scan_2019.nii.gz", "labelsTr/scan_2019.nii.gz", "imagesTr/b.nii", "labelsTr/b.nii.gz")
    assert found(tmp_path) == {
        "b": (["imagesTr/b.nii"], "labelsTr/b.nii.gz"),
        "scan_2019": (["imagesTr/scan_2019.nii.gz"], "labelsTr/scan_2019.nii.gz"),
    }


@pytest.mark.parametrize("masks", ["masks", "labels"])
def test_two_folders_are_matched_by_stem_whatever_the_endings(tmp_path: pathlib.Path, masks: str) -> None:
    touch(tmp_path, "images/a.jpg", "images/b.PNG", "images/c.d.nii.gz", "images/e.tif")
    touch(tmp_path, f"{masks}/a.png", f"{masks}/b.png", f"{masks}/c.d.nii", f"{masks}/e.tiff")
    assert list(found(tmp_path)) == ["a", "b", "c.d", "e"]


def test_litter_is_not_a_case(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "images/a.png", "images/._a.png", "images/.DS_Store", "images/Thumbs.db", "images/readme.txt")
    touch(tmp_path, "masks/a.png", "masks/._a.png", "masks/.DS_Store")
    (tmp_path / "images" / "folder.png").mkdir()
    assert list(found(tmp_path)) == ["a"]


def test_templates_find_named_channels_and_never_the_mask(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "HG/p1/p1_t1.nii.gz", "HG/p1/p1_flair.nii.gz", "HG/p1/p1_seg.nii.gz")
    touch(tmp_path, "LG/p2/p2_t1.nii.gz", "LG/p2/p2_flair.nii.gz", "LG/p2/p2_seg.nii.gz", "LG/p2/._p2_t1.nii.gz")
    assert found(
        tmp_path,
        images={"flair": "*/{case}/{case}_flair.nii.gz", "t1": "*/{case}/*_t1.nii.gz"},
        masks="*/{case}/*_seg.nii.gz",
    ) == {
        "p1": (["HG/p1/p1_flair.nii.gz", "HG/p1/p1_t1.nii.gz"], "HG/p1/p1_seg.nii.gz"),
        "p2": (["LG/p2/p2_flair.nii.gz", "LG/p2/p2_t1.nii.gz"], "LG/p2/p2_seg.nii.gz"),
    }
    touch(tmp_path, "flat/a.nii.gz", "flat/a_seg.nii.gz")
    assert list(found(tmp_path, images="flat/{case}.nii.gz", masks="flat/{case}_seg.nii.gz")) == ["a"]


def test_other_folders_can_be_named(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "scans/a.png", "truth/a.png")
    assert found(tmp_path, images="scans", masks="truth") == {"a": (["scans/a.png"], "truth/a.png")}


def test_excluded_cases_are_left_out_before_anything_is_missed(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "images/a1.png", "images/a2.png", "images/b.png", "masks/b.png")
    assert list(found(tmp_path, exclude=["a*"])) == ["b"]


BAD = {
    "no folder": ([], {}, "no folder"),
    "no layout": (["pictures/a.png"], {}, "none of the known layouts"),
    "no cases": (["images/.DS_Store", "masks/notes.txt"], {}, "no cases in images and masks"),
    "image without mask": (
        ["imagesTr/a_0000.nii.gz", "imagesTr/b_0000.nii.gz", "labelsTr/b.nii.gz"],
        {},
        r"^imagesTr/a_0000.nii.gz: there is no mask for it in imagesTr and labelsTr. Add it, or list a under",
    ),
    "mask without image": (
        ["images/a.png", "masks/a.png", "masks/b.png", "masks/c.png"],
        {},
        r"^masks/b.png: there is no image for it in images and masks \(1 more like it\)",
    ),
    "channels differ": (
        [
            "imagesTr/a_0000.nii.gz",
            "imagesTr/b_0000.nii.gz",
            "imagesTr/b_0001.nii.gz",
            "labelsTr/a.nii",
            "labelsTr/b.nii",
        ],
        {},
        r"case 'a' has channels \[0\], others have \[0, 1\]",
    ),
    "two files for a case": (["images/a.png", "images/a.jpg", "masks/a.png"], {}, "a.jpg and a.png are one case"),
    "unknown exclusion": (["images/case_1.png", "masks/case_1.png"], {"exclude": ["case1"]}, "Did you mean 'case_1'"),
    "all excluded": (["images/a.png", "masks/a.png"], {"exclude": ["*"]}, "no cases"),
    "images only": (["x/a.png"], {"images": "x"}, "given together"),
    "unknown template folder": (["x/a.png"], {"images": "y", "masks": "x"}, "no folder 'y'"),
    "ambiguous template": (
        ["x/1/a.png", "x/2/a.png", "m/a.png"],
        {"images": "x/*/{case}.png", "masks": "m"},
        "finds two files for case 'a'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_folders_are_refused_in_one_line(tmp_path: pathlib.Path, name: str) -> None:
    files, how, message = BAD[name]
    root = tmp_path / "data"
    touch(root, *files)
    with pytest.raises(InputError, match=message) as caught:
        layouts.find(root, **how)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_missing_is_compared_with_those_beside_it(tmp_path: pathlib.Path) -> None:
    pair(tmp_path / "hippocampus")
    with pytest.raises(InputError, match="Did you mean 'hippocampus'"):
        layouts.find(tmp_path / "hipocampus")


def test_dataset_json_is_not_needed_and_not_contradicted(tmp_path: pathlib.Path) -> None:
    image, mask = volume()
    for channel in (0, 1):
        save(tmp_path / f"imagesTr/a_000{channel}.nii.gz", image)
    save(tmp_path / "labelsTr/a.nii.gz", mask)
    described = tmp_path / "dataset.json"
    described.write_text(json.dumps({"channel_names": {"0": "T1", "1": "T2"}}))
    assert len(layouts.find(tmp_path)[0].images) == 2
    described.write_text(json.dumps({"modality": {"0": "T1", "1": "T2", "2": "FLAIR"}}))
    with pytest.raises(InputError, match="names 3 channels, but imagesTr has 2"):
        layouts.find(tmp_path)
    described.write_text("[1, 2")
    with pytest.raises(InputError, match="no JSON object"):
        layouts.find(tmp_path)


def test_a_file_is_no_dataset(tmp_path: pathlib.Path) -> None:
    file = picture(tmp_path / "a.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(InputError, match="no folder"):
        layouts.find(file)
