"""`segstudy score`: two folders of masks, from the command line to its files."""

import csv
import json
import pathlib

import nibabel as nib
import numpy as np
import pytest

from study.cli import run_command
from study.scoring.matching import match, short_name

AFFINE = np.diag([1.0, 2.0, 3.0, 1.0])


def save(path: pathlib.Path, array: np.ndarray, affine: np.ndarray = AFFINE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array.astype(np.uint8), affine), path)


def block(*sides: slice, value: int = 1, shape: tuple[int, ...] = (8, 9, 10)) -> np.ndarray:
    array = np.zeros(shape, np.uint8)
    array[sides] = value
    return array


@pytest.fixture
def folders(tmp_path: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Case a: 8 voxels against 12, 8 shared. Case b: nothing predicted of 3 voxels. Names differ as users' do."""
    predictions, references = tmp_path / "predictions", tmp_path / "labels"
    save(references / "a.nii.gz", block(slice(2, 4), slice(2, 4), slice(2, 5)))
    save(predictions / "a_pred.nii", block(slice(2, 4), slice(2, 4), slice(2, 4)))
    save(references / "b_seg.nii.gz", block(slice(2, 5), slice(3, 4), slice(3, 4)))
    save(predictions / "b.nii.gz", block(slice(0, 0), slice(0, 0), slice(0, 0)))
    return predictions, references


def rows(folder: pathlib.Path) -> dict[tuple[str, str, str], str]:
    with (folder / "scores.csv").open() as file:
        return {(row["case"], row["region"], row["metric"]): row["value"] for row in csv.DictReader(file)}


def test_scores_by_hand(
    folders: tuple[pathlib.Path, pathlib.Path], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run_command(["score", *map(str, folders), "--labels", "organ=1", "--output", str(out)]) == 0
    found = rows(out)
    assert float(found["a", "organ", "dice"]) == pytest.approx(16 / 20)
    assert float(found["a", "organ", "hd95"]) == 3.0  # the third plane, 3 mm from the second
    assert float(found["a", "organ", "volume_error"]) == pytest.approx(4 * 6 / 1000)
    assert float(found["b_seg", "organ", "dice"]) == 0.0
    assert float(found["b_seg", "organ", "hd95"]) == pytest.approx(np.hypot(np.hypot(8, 18), 30))
    assert float(found["b_seg", "organ", "lesion_recall"]) == 0.0
    told = capsys.readouterr().out
    assert "organ" in told
    assert "miss: 1 case" in told
    assert "0.400" in told  # the mean Dice of both
    page = (out / "scores.html").read_text()
    assert "<h2" in page
    assert "0.400" in page
    assert not (set(found) & {("a", "organ", "brier"), ("a", "organ", "average_precision")})


def test_orientation_and_format_do_not_matter(
    folders: tuple[pathlib.Path, pathlib.Path], tmp_path: pathlib.Path
) -> None:
    predictions, _ = folders
    stored = nib.load(predictions / "a_pred.nii")
    turned = stored.as_reoriented(nib.io_orientation(np.diag([-1, 1, -1, 1]) @ np.eye(4)[[2, 0, 1, 3]]))
    (predictions / "a_pred.nii").unlink()
    nib.save(turned, predictions / "a_pred.nii.gz")
    assert run_command(["score", *map(str, folders), "--metric", "dice", "--output", str(tmp_path / "out")]) == 0
    assert float(rows(tmp_path / "out")["a", "label 1", "dice"]) == pytest.approx(16 / 20)


def test_cases_without_a_partner_are_named(
    folders: tuple[pathlib.Path, pathlib.Path], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions, references = folders
    save(references / "c.nii.gz", block(slice(1, 2), slice(1, 2), slice(1, 2)))
    save(predictions / "d.nii.gz", block(slice(1, 2), slice(1, 2), slice(1, 2)))
    assert run_command(["score", *map(str, folders)]) == 2
    told = capsys.readouterr().err
    assert "no prediction of c; no reference of d" in told
    assert "--partial" in told
    out = tmp_path / "out"
    assert run_command(["score", *map(str, folders), "--partial", "--output", str(out)]) == 0
    assert (out / "scores.csv").read_text().splitlines()[-2:] == ["c,,,,no prediction", "d,,,,no reference"]
    assert "no prediction of c" in (out / "scores.html").read_text()


def test_other_grids_are_refused_or_resampled(
    folders: tuple[pathlib.Path, pathlib.Path], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions, _ = folders
    fine = np.repeat(block(slice(2, 4), slice(2, 4), slice(2, 4)), 2, axis=2)
    affine = np.diag([1.0, 2.0, 1.5, 1.0])
    affine[2, 3] = -0.75  # the first fine plane begins where the first coarse one does
    (predictions / "a_pred.nii").unlink()
    save(predictions / "a_pred.nii.gz", fine, affine)
    assert run_command(["score", *map(str, folders)]) == 2
    assert "differs from its reference's 10x9x8" in (told := capsys.readouterr().err)
    assert "--resample" in told
    assert run_command(["score", *map(str, folders), "--resample", "--output", str(tmp_path / "out")]) == 0
    assert float(rows(tmp_path / "out")["a", "label 1", "dice"]) == pytest.approx(16 / 20)
    assert "was resampled" in capsys.readouterr().out


def test_labels_come_from_dataset_json(folders: tuple[pathlib.Path, pathlib.Path], tmp_path: pathlib.Path) -> None:
    _, references = folders
    described = {"background": 0, "whole": [1, 2], "core": 2, "ignore": 3}
    (references.parent / "dataset.json").write_text(json.dumps({"labels": described}))
    truth = block(slice(2, 4), slice(2, 4), slice(2, 5))
    truth[2, 2, 2], truth[3, 3, 3] = 2, 3
    save(references / "a.nii.gz", truth)
    assert run_command(["score", *map(str, folders), "--metric", "dice", "--output", str(tmp_path / "out")]) == 0
    found = rows(tmp_path / "out")
    assert float(found["a", "whole", "dice"]) == pytest.approx(
        14 / 18
    )  # the predicted voxel that is ignored is in neither
    assert float(found["a", "core", "dice"]) == 0.0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--labels", "organ"], "--labels: 'organ' is no NAME=VALUE"),
        (["--labels", "organ=1", "--regions", "all=organ+lesion"], "--regions all: no label 'lesion'"),
        (
            ["--labels", "lesion=2"],
            "value 1 is covered by no label (lesion: 2). Name them by `--labels`, or give `--other-labels`.",
        ),
        (["--metric", "brier"], "--metric brier: needs probabilities"),
        (["--metric", "dise"], "no metric named 'dise'"),
        (["--study", "demo", "--labels", "organ=1"], "--study gives labels"),
    ],
)
def test_bad_input_is_one_line(
    folders: tuple[pathlib.Path, pathlib.Path], options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["score", *map(str, folders), *options]) == 2
    assert said in capsys.readouterr().err


def test_nnunets_results_are_read_by_fold(
    folders: tuple[pathlib.Path, pathlib.Path], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, references = folders
    results, out = tmp_path / "nnUNetTrainer__nnUNetPlans__3d_fullres", tmp_path / "out"
    mask = block(slice(2, 4), slice(2, 4), slice(2, 4))
    save(results / "fold_0" / "validation" / "a.nii.gz", mask)
    save(results / "fold_1" / "validation" / "b.nii.gz", mask)
    save(results / "crossval_results_folds_0_1" / "a.nii.gz", mask * 0)
    common = [str(results), str(references), "--metric", "dice"]
    assert run_command(["score", *common, "--output", str(out)]) == 0
    assert float(rows(out)["a", "label 1", "dice"]) == pytest.approx(16 / 20)
    save(results / "fold_1" / "validation" / "a.nii.gz", mask)
    assert run_command(["score", *common]) == 2
    assert "a was predicted in fold_0 and fold_1" in capsys.readouterr().err
    (results / "fold_2").mkdir()
    (results / "fold_1" / "validation" / "a.nii.gz").unlink()
    assert run_command(["score", *common]) == 2
    assert "fold_2: no predictions" in capsys.readouterr().err


def test_names_are_matched_by_a_rule(tmp_path: pathlib.Path) -> None:
    assert short_name("liver_3_pred_seg") == "liver_3"
    assert short_name("sub-01_ses-2_space-orig_label-lesion_mask") == "sub-01_ses-2"
    assert short_name("case_0000") == "case"
    assert short_name("masked") == "masked"
    truths = {"sub-01_dseg": tmp_path / "t1", "sub-02_dseg": tmp_path / "t2", "x_1": tmp_path / "t3"}
    found = match({"x_1": tmp_path / "p3", "sub-02_T1w": tmp_path / "p2", "y": tmp_path / "p4"}, truths)
    assert [(pair.name, pair.prediction.name) for pair in found.pairs] == [("sub-02_dseg", "p2"), ("x_1", "p3")]
    assert (found.without_prediction, found.without_reference) == (("sub-01_dseg",), ("y",))


def test_many_pairs_with_one_reason_are_three_lines_and_a_count(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions, references = tmp_path / "predictions", tmp_path / "labels"
    for number in range(7):
        name = f"case_{number}.nii.gz"
        save(references / name, block(slice(2, 4), slice(2, 4), slice(2, 5)))
        save(predictions / name, block(slice(2, 4), slice(2, 4), slice(2, 4), shape=(8, 9, 9 + (number > 4))))
    save(predictions / "case_6.nii.gz", block(slice(2, 4), slice(2, 4), slice(2, 4), value=7))
    assert run_command(["score", str(predictions), str(references), "--labels", "organ=1"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert [line.split(": ")[1] for line in lines[:3]] == ["case_0", "case_1", "case_2"]
    assert lines[3] == "Error: 2 more pairs have the same"
    assert lines[4].startswith("Error: case_6: ")
    assert "7" in lines[4]


def test_the_output_is_tried_before_anything_is_scored(
    folders: tuple[pathlib.Path, pathlib.Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.scoring.scored.read_pair", lambda *given, **options: pytest.fail("scored"))
    there = folders[0] / "b.nii.gz"
    assert run_command(["score", *map(str, folders), "--labels", "organ=1", "--output", str(there)]) == 2
    assert "--output" in capsys.readouterr().err
