"""Groups that are proposed from names and folders, and the refusal to go on without a word on them."""

import pathlib

import pytest

from study.cases.patient_groups import grouped, proposal, refuse_unsaid
from study.study_file import SpecError, Study
from tests.study.study_files import changed
from trainables.data.finding.layouts import CaseFiles

ONE_PATIENT_TWICE = {
    "frames": (["patient000_frame01", "patient000_frame13", "patient001_frame01"], "^(patient[0-9]+)", 2),
    "slices": (["patient000_slice00", "patient000_slice01", "patient003_slice01"], "^(patient[0-9]+)", 2),
    "BIDS": (["sub-A1_ses-1_T1w", "sub-A1_ses-2_T1w", "sub-B_ses-1_T1w"], "^(sub-[A-Za-z0-9]+)", 2),
    "numbers": (["10092_76", "10092_77", "10093_1"], "^([0-9]+)", 2),
    "numbers after words": (
        ["TCGA_CS_49_1996_1", "TCGA_CS_49_1996_2", "TCGA_CS_42_97_2"],
        "^(TCGA_CS_[0-9]+)",
        2,
    ),
    "letters": (["phantom_p000a", "phantom_p000b", "phantom_p001a"], "^(phantom_p[0-9]+)", 2),
    "sides": (["patient07_L", "patient07_R", "patient08_L"], "^(patient[0-9]+)", 2),
    "visits and slices": (["p1_visit1_slice2", "p1_visit2_slice2", "p2_visit1_slice1"], "^(p[0-9]+)", 2),
    "dates": (["BraTS-GLI-00002-000", "BraTS-GLI-00002-001", "BraTS-GLI-00003-000"], "^(BraTS-GLI-[0-9]+)", 2),
    "names": (["anna_slice1", "anna_slice2", "bert_slice1", "carl_slice1"], "^(.+)_slice[0-9]+$", 3),
}
NOTHING = {
    "one number": [f"case_{number:05d}" for number in range(6)],
    "a number in the name of the set": [f"Task04_hippocampus_{number:03d}" for number in range(6)],
    "short": ["t1", "t2", "s3", "z4"],
    "centres": ["a_1", "a_2", "b_1"],
    "modalities": ["ct_scan_1", "ct_scan_2", "mr_scan_1"],
    "UIDs": ["1.3.6.1.4.6279.6001.1002", "1.3.6.1.4.6279.6001.1003", "1.3.6.1.4.7777.9002.10"],
    "one scan a patient": ["BraTS19_2013_0_1", "BraTS19_2013_1_1", "BraTS19_CBICA_AAB_1"],
    "one stack": [f"slice{number:02d}" for number in range(6)],
}


@pytest.mark.parametrize(("names", "pattern", "groups"), ONE_PATIENT_TWICE.values(), ids=ONE_PATIENT_TWICE)
def test_a_pattern_is_proposed_that_makes_the_groups(names: list[str], pattern: str, groups: int) -> None:
    found = proposal(names)
    assert found is not None
    assert found[0] == pattern
    assert len({group for _, group in found[1]}) == groups


@pytest.mark.parametrize("names", NOTHING.values(), ids=NOTHING)
def test_other_names_are_left_alone(names: list[str]) -> None:
    assert proposal(sorted(names)) is None


def study(tmp_path: pathlib.Path, **dataset: str) -> Study:
    """A study whose file says of its data no more than this."""
    made = Study.from_plain(changed({"dataset.path": str(tmp_path)}))
    said = {key: value for key, value in made.dataset.model_dump().items() if key != "group"} | dataset
    return made.model_copy(update={"dataset": type(made.dataset).model_validate(said)})


def cases(tmp_path: pathlib.Path, *images: str) -> list[CaseFiles]:
    return [CaseFiles(pathlib.Path(image).stem, (tmp_path / image,), tmp_path / "m.png") for image in images]


def test_a_file_that_says_nothing_is_refused_and_one_word_is_enough(tmp_path: pathlib.Path) -> None:
    files = cases(tmp_path, "p10_slice1.png", "p2_slice1.png", "p2_slice2.png")
    with pytest.raises(SpecError, match=r"dataset.group: missing, and p2_slice1 and p2_slice2 look like two") as caught:
        refuse_unsaid(study(tmp_path), files)
    assert "`group: '^(p[0-9]+)'` (2 groups)" in str(caught.value)
    for word in ("case", "unknown", "^(p[0-9]+)"):
        refuse_unsaid(study(tmp_path, group=word), files)
    refuse_unsaid(study(tmp_path), files[:2])


def test_numbered_folders_are_proposed_and_taken_as_patients(tmp_path: pathlib.Path) -> None:
    files = cases(tmp_path, "patient1/a.png", "patient1/b.png", "patient2/c.png")
    with pytest.raises(SpecError, match=r"`group: folder` \(2 groups\)"):
        refuse_unsaid(study(tmp_path), files)
    assert grouped(study(tmp_path, group="folder"), files) == [("a", "patient1"), ("b", "patient1"), ("c", "patient2")]
    for folders in (("benign", "benign", "malignant"), ("fold_0", "fold_0", "fold_1"), ("images",) * 3):
        other = cases(tmp_path, *(f"{folder}/{letter}.png" for folder, letter in zip(folders, "abc", strict=True)))
        refuse_unsaid(study(tmp_path), other)
