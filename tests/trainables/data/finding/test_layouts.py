import json
import os
import pathlib
import unicodedata

import nibabel
import numpy as np
import pytest

from tests.trainables.data.files import affine, pair, picture, save, volume
from trainables.data.finding import layouts
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
        "case 'a' has channels 0000, others have 0000, 0001",
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


def described(root: pathlib.Path, *names: str) -> None:
    root.mkdir(parents=True, exist_ok=True)
    pairs = [{"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"} for name in names]
    (root / "dataset.json").write_text(json.dumps({"modality": {"0": "a", "1": "b"}, "training": pairs}))


def test_the_decathlon_lists_its_cases(tmp_path: pathlib.Path) -> None:
    described(tmp_path, "p1", "p2")
    touch(tmp_path, *(f"{kind}Tr/{name}.nii.gz" for kind in ("images", "labels") for name in ("p1", "p2")))
    touch(tmp_path, "imagesTr/p3.nii.gz", "imagesTr/._p1.nii.gz", "labelsTr/._p1.nii.gz")
    assert list(found(tmp_path)) == ["p1", "p2"]
    touch(tmp_path, "labelsTr/p3.nii.gz", "labelsTr/p4.nii.gz")
    with pytest.raises(InputError, match=r"labelsTr/p3.nii.gz and 1 more: not listed under `training`"):
        layouts.find(tmp_path)


def test_a_listed_case_that_is_not_there_is_missed(tmp_path: pathlib.Path) -> None:
    described(tmp_path, "p1", "p2")
    touch(tmp_path, "imagesTr/p1.nii.gz", "labelsTr/p1.nii.gz")
    with pytest.raises(InputError, match=r"dataset.json: lists imagesTr/p2.nii.gz, which is not there"):
        layouts.find(tmp_path)
    touch(tmp_path, "labelsTr/p2.nii.gz")
    with pytest.raises(InputError, match=r"labelsTr/p2.nii.gz: there is no image for it"):
        layouts.find(tmp_path)


def test_a_list_of_names_without_suffix_is_nnunets(tmp_path: pathlib.Path) -> None:
    described(tmp_path, "p1")
    touch(tmp_path, "imagesTr/p1_0000.nii.gz", "imagesTr/p1_0001.nii.gz", "labelsTr/p1.nii.gz")
    assert found(tmp_path) == {"p1": (["imagesTr/p1_0000.nii.gz", "imagesTr/p1_0001.nii.gz"], "labelsTr/p1.nii.gz")}


@pytest.mark.parametrize("base", ["", "data/"])
def test_kits(tmp_path: pathlib.Path, base: str) -> None:
    touch(tmp_path, f"{base}case_00001/imaging.nii.gz", f"{base}case_00001/segmentation.nii.gz", f"{base}kits.json")
    touch(tmp_path, f"{base}case_00000/imaging.nii.gz", f"{base}case_00000/segmentation.nii.gz")
    assert list(found(tmp_path)) == ["case_00000", "case_00001"]
    touch(tmp_path, f"{base}case_00210/imaging.nii.gz")
    with pytest.raises(InputError, match=r"case_00210/imaging.nii.gz: there is no mask .* list case_00210 under"):
        layouts.find(tmp_path)


def test_wildcards(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "a/deep/down/p_1/t1.nii", "p_2/t1.nii", "m/p_1.nii", "m/p_2.nii", "a/.Trash/p_3/t1.nii")
    assert list(found(tmp_path, images="**/{case}/t1.nii", masks="m")) == ["p_1", "p_2"]
    touch(tmp_path, "scan [1]/p_1-a.nii", "scan [1]/p_2-b.nii", "scan 1/p_1-c.nii")
    assert list(found(tmp_path, images="scan [1]/{case}-?.nii", masks="m/{case}.nii")) == ["p_1", "p_2"]


def test_of_two_ways_to_read_a_name_the_one_that_the_masks_know(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "x/p_1_t1_a.nii", "x/p_2_t1_a.nii", "m/p_1.nii", "m/p_2.nii")
    with pytest.raises(InputError, match="no mask for it"):
        layouts.find(tmp_path, "x/{case}_*.nii", "m")  # p or p_1_t1: neither is known
    touch(tmp_path, "y/p_1_a_b.nii", "y/p_2_a_b.nii")
    assert list(found(tmp_path, images="y/{case}_a_*.nii", masks="m")) == ["p_1", "p_2"]
    touch(tmp_path, "z/q1_a_b.nii", "n/q1.nii")
    assert list(found(tmp_path, images="z/{case}_*.nii", masks="n")) == ["q1"]  # not q1_a


def test_two_files_for_a_case_are_both_named(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "p1/a_flair.mha", "p1/b_flair.mha", "p1/seg.mha")
    with pytest.raises(InputError, match=r"two files for case 'p1': p1/a_flair.mha and p1/b_flair.mha\. Name one"):
        layouts.find(tmp_path, "{case}/*flair.mha", "{case}/seg.mha")


def test_a_missing_channel_is_named_as_the_study_file_does(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "p1/f.mha", "p1/t.mha", "p1/s.mha", "p2/t.mha", "p2/s.mha")
    with pytest.raises(InputError, match=r"case 'p2' has channels t1, others have flair, t1\. Add the missing"):
        layouts.find(tmp_path, {"flair": "{case}/f.mha", "t1": "{case}/t.mha"}, "{case}/s.mha")


@pytest.mark.parametrize(
    "template", ["/data/{case}.nii", "../{case}.nii", "{case}*.nii", "*{case}.nii", "{case}{case}"]
)
def test_templates_that_cannot_be_used(tmp_path: pathlib.Path, template: str) -> None:
    touch(tmp_path, "m/a.nii")
    with pytest.raises(InputError, match="leads out of the data" if "/" in template else "beside a wildcard") as caught:
        layouts.find(tmp_path, template, "m")
    assert "\n" not in str(caught.value)


def _write_pair(root: pathlib.Path, image: str, mask: str) -> None:
    array, labels = volume()
    save(root / "imagesTr" / image, array)
    save(root / "labelsTr" / mask, labels)


def test_composed_and_decomposed_letters_are_one_name(tmp_path: pathlib.Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "münster") for form in ("NFC", "NFD"))
    _write_pair(tmp_path, f"{decomposed}_0000.nii.gz", f"{composed}.nii.gz")
    (case,) = layouts.find(tmp_path)
    assert case.name == composed
    for name in (composed, decomposed):
        assert layouts.find(tmp_path, "imagesTr/{case}_0000.nii.gz", "labelsTr/{case}.nii.gz") == [case]
        template = f"imagesTr/{name[:3]}{{case}}_0000.nii.gz"
        (found,) = layouts.find(tmp_path, template, f"labelsTr/{name[:3]}{{case}}.nii.gz")
        assert (found.images, found.mask) == (case.images, case.mask)
        with pytest.raises(InputError, match="no cases in"):
            layouts.find(tmp_path, exclude=[name])


def test_a_pair_of_header_and_voxels_is_one_image(tmp_path: pathlib.Path) -> None:
    _write_pair(tmp_path, "p1_0000.nii.gz", "p1.nii.gz")
    (tmp_path / "imagesTr" / "p1_0000.nii.gz").unlink()
    nibabel.save(nibabel.Nifti1Pair(volume()[0], affine()), tmp_path / "imagesTr" / "p1_0000.img")
    (case,) = layouts.find(tmp_path)
    assert case.images == (tmp_path / "imagesTr" / "p1_0000.hdr",)


def test_files_of_kinds_without_a_reader_are_named_and_not_passed_over(tmp_path: pathlib.Path) -> None:
    _write_pair(tmp_path, "p1_0000.nii.gz", "p1.nii.gz")
    (tmp_path / "imagesTr" / "p1_0000.npz").write_bytes(b"")  # beside an image that is read: left alone
    (tmp_path / "imagesTr" / "notes.txt").write_text("")
    assert [case.name for case in layouts.find(tmp_path)] == ["p1"]
    (tmp_path / "imagesTr" / "p2_0000.mrc").write_bytes(b"")
    save(tmp_path / "labelsTr" / "p2.nii.gz", volume()[1])
    with pytest.raises(
        InputError, match=r"imagesTr/p2_0000.mrc: no reader for this kind of file, so case 'p2' has no image"
    ):
        layouts.find(tmp_path)
    (tmp_path / "labelsTr" / "p2.nii.gz").unlink()
    (tmp_path / "labelsTr" / "p2.mrc").write_bytes(b"")
    with pytest.raises(InputError, match=r"imagesTr/p2_0000.mrc: no reader for this kind of file. Convert"):
        layouts.find(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "link to a device"])
def test_what_is_no_ordinary_file_is_refused_and_not_opened(tmp_path: pathlib.Path, kind: str) -> None:
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "a.png").touch()
    (tmp_path / "images/b.png").touch()
    if kind == "pipe":
        os.mkfifo(tmp_path / "masks/b.png")
    else:
        (tmp_path / "masks/b.png").symlink_to("/dev/zero")
    with pytest.raises(InputError, match=r"masks/b.png: no ordinary file"):
        layouts.find(tmp_path)
    assert [case.name for case in layouts.find(tmp_path, exclude=["b"])] == ["a"]


@pytest.mark.parametrize(
    ("named", "refused"),
    [("../../secret.raw", True), ("/etc/hostname", True), ("../more/a.raw", False), ("a.raw", False), ("pipe", True)],
)
@pytest.mark.parametrize("ending", [".mhd", ".nhdr"])
def test_headers_name_files_of_the_data_set_alone(
    tmp_path: pathlib.Path, ending: str, named: str, refused: bool
) -> None:
    root = tmp_path / "data"
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    text = f"NDims = 3\nElementDataFile = {named}\n" if ending == ".mhd" else f"NRRD0004\ndata file: {named}\n"
    (root / f"images/a{ending}").write_text(text)
    (root / "masks/a.nii").touch()
    os.mkfifo(root / "images/pipe")
    if refused:
        with pytest.raises(InputError, match=f"images/a{ending}: its header names .*, which is no file of"):
            layouts.find(root)
    else:
        assert [case.name for case in layouts.find(root)] == ["a"]
