"""`segstudy predict`: what it writes, goes on with, and refuses in one line."""

import pathlib
import shutil
from collections.abc import Sequence

import nibabel
import numpy as np
import pytest

from study.command.cli import run_command
from study.machines.admission import Node
from study.machines.ray_session import quiet, session, settings
from tests import layout_data
from tests.study.predicting.trained import NAME, file, trained
from tests.trainables.data.files import affine, picture, save
from trainables.data.reading import readers

MATRIX = affine((0.8, 0.9, 2.5))
LEAST = {"patch": {"size": [18, 20, 20]}, "preprocess": {"normalize": "zscore"}}


def write(folder: pathlib.Path, name: str, seed: int, matrix: np.ndarray = MATRIX) -> pathlib.Path:
    image, mask = layout_data.scan((22, 26, 18), seed, (0.7,), low=-80, values=(1,))
    save(folder / "masks" / f"{name}.nii.gz", 3 * mask, matrix)
    return save(folder / "images" / f"{name}.nii.gz", image, matrix)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Two of three folds with two seeds each, on `c0` to `c4`; labels with value 3, nothing is resampled."""
    root = tmp_path_factory.mktemp("predict")
    for number in range(5):
        write(root / "data", f"c{number}", number)
    changes = {"dataset": {"labels": {"blob": 3}, "split": {"folds": 3}}, **LEAST}
    with pytest.MonkeyPatch.context() as patch:
        trained(file(root / "data", changes), root / "home", patch, seeds=2, folds=2)
    write(root / "new", "n1", 11)
    write(root / "new", "n2", 12)
    return root


def predict(root: pathlib.Path, output: pathlib.Path, images: Sequence[pathlib.Path], *more: str) -> int:
    places = ["--home", str(root / "home"), "--output", str(output), "--device", "cpu"]
    return run_command(["predict", NAME, *map(str, images), *places, *more])


def values(path: pathlib.Path) -> np.ndarray:
    return np.asarray(nibabel.load(path).dataobj)


def test_seeds_and_folds_are_averaged_and_everything_is_written(
    root: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    together, alone = tmp_path / "all", tmp_path / "alone"
    assert predict(root, together, [root / "new" / "images"], "--probabilities", "--uncertainty") == 0
    said = capsys.readouterr().out
    assert "2 images, 4 networks (final-a00-r0-f0-n000, final-a00-r0-f0-n001, final-a00-r0-f1-n000" in said
    assert "2 images predicted, 0 not" in said
    files = sorted(path.relative_to(together).as_posix() for path in together.rglob("*.nii.gz"))
    kinds = ("", "disagreement/", "entropy/", "probabilities/")
    assert files == sorted(f"{kind}n{number}.nii.gz" for kind in kinds for number in (1, 2))
    each = []
    for seed in "01":
        for fold in "01":
            output = alone / seed / fold
            one = [root / "new" / "images" / "n1.nii.gz"]
            assert predict(root, output, one, "--seed", seed, "--fold", fold, "--probabilities") == 0
            each.append(values(output / "probabilities" / "n1.nii.gz"))
    mean = values(together / "probabilities" / "n1.nii.gz")
    assert mean.shape == (22, 26, 18, 2)
    np.testing.assert_allclose(mean, np.mean(each, axis=0), atol=1e-6)
    np.testing.assert_allclose(mean.sum(axis=-1), 1, atol=1e-6)
    mask = values(together / "n1.nii.gz")
    np.testing.assert_array_equal(mask, np.where(mean[..., 1] > mean[..., 0], 3, 0))
    entropy, apart = values(together / "entropy" / "n1.nii.gz"), values(together / "disagreement" / "n1.nii.gz")
    np.testing.assert_allclose(entropy, -(mean * np.log(mean)).sum(axis=-1), atol=1e-5)
    unsure = np.mean([-(own * np.log(own)).sum(axis=-1) for own in each], axis=0)
    np.testing.assert_allclose(apart, entropy - unsure, atol=1e-5)
    assert apart.max() > 0


def test_the_header_of_the_image_stays(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    tilted = MATRIX.copy()
    turn = np.radians(20)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    tilted[:3, :3] = rotation @ tilted[:3, :3]
    image = nibabel.Nifti1Image(layout_data.scan((22, 26, 18), 1, (0.7,), values=(1,))[0], tilted)
    image.set_sform(tilted, 2)
    image.set_qform(tilted, 1)
    path = tmp_path / "turned.nii.gz"
    nibabel.save(image, path)
    assert predict(root, tmp_path / "out", [path], "--seed", "0", "--fold", "0") == 0
    written, given = nibabel.load(tmp_path / "out" / "turned.nii.gz"), nibabel.load(path)
    for form in ("get_sform", "get_qform"):
        (mine, code), (theirs, its) = (getattr(one, form)(coded=True) for one in (written, given))
        np.testing.assert_array_equal(mine, theirs)
        assert code == its
    assert written.header.get_zooms() == given.header.get_zooms()
    assert written.get_data_dtype() == np.uint8
    import SimpleITK

    itk = [SimpleITK.ReadImage(str(one)) for one in (path, tmp_path / "out" / "turned.nii.gz")]
    assert itk[0].GetDirection() == itk[1].GetDirection()
    assert itk[0].GetOrigin() == itk[1].GetOrigin()


def test_it_goes_on_where_it_was(
    root: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, output = tmp_path / "images", tmp_path / "out"
    shutil.copytree(root / "new" / "images", images)
    one = ("--seed", "0", "--fold", "0")
    assert predict(root, output, [images / "n1.nii.gz"], *one) == 0
    first = (output / "n1.nii.gz").stat().st_mtime_ns
    assert predict(root, output, [images], *one) == 0
    assert "2 images predicted, 1 of them before" in capsys.readouterr().out
    assert (output / "n1.nii.gz").stat().st_mtime_ns == first
    (output / "n1.nii.gz").write_bytes(b"changed by hand")  # written again
    shutil.copy(root / "data" / "images" / "c0.nii.gz", images / "n2.nii.gz")  # another image under the name
    assert predict(root, output, [images], *one) == 0
    said = capsys.readouterr().out
    assert "of them before" not in said
    assert values(output / "n1.nii.gz").shape == (22, 26, 18)
    assert predict(root, output, [images], "--seed", "1", "--fold", "0") == 0  # other networks
    assert "of them before" not in capsys.readouterr().out
    assert not list(output.rglob(".*.nii.gz"))  # parts


def test_files_that_are_not_its_own_stay(
    root: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tmp_path / "images"
    shutil.copytree(root / "new" / "images", images)
    before = (images / "n1.nii.gz").read_bytes()
    assert predict(root, images, [images / "n1.nii.gz"]) == 2
    assert "no prediction wrote it" in capsys.readouterr().err
    assert (images / "n1.nii.gz").read_bytes() == before


def test_an_image_that_was_trained_on_is_said(
    root: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(root / "data" / "images" / "c0.nii.gz", tmp_path / "other_name.nii.gz")
    assert predict(root, tmp_path / "out", [tmp_path / "other_name.nii.gz"]) == 0
    assert "other_name: the same image as c0, which a network was trained or chosen by" in capsys.readouterr().out


def test_bad_input_is_one_line_each(
    root: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, output = root / "new" / "images" / "n1.nii.gz", tmp_path / "out"
    colour = picture(tmp_path / "flat.png", np.zeros((9, 9), np.uint8))
    two = np.stack([values(good), values(good)], axis=-1)
    save(tmp_path / "two.nii.gz", two, MATRIX)
    write(tmp_path, "coarse", 1, affine((0.8, 0.9, 5.0)))
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "text.txt").write_text("no image")
    coarse = tmp_path / "images" / "coarse.nii.gz"
    for images, more, expected in (
        ([good], ["--seed", "7"], "has no seed 7: expected of 0, 1"),
        ([good], ["--fold", "2"], "has no fold 2"),
        ([tmp_path / "nowhere.nii.gz"], [], "no such file or folder"),
        ([empty], [], "no images in it"),
        ([tmp_path / "text.txt"], [], "unknown kind of file"),
        ([colour], [], "a flat picture, but `patch.size` has 3 sizes"),
        ([tmp_path / "two.nii.gz"], [], "2 channels; unet3d+dice was trained on 1"),
        ([coarse], [], "voxels of 5 x 0.9 x 0.8 mm; those trained on are 2.5 to 2.5 mm along z"),
        ([good, root / "new"], [], "n1: 1 name given twice"),
        ([good], ["--gpus", "1"], "give one of them"),
        ([good], ["--storage", str(tmp_path / "moved")], "weights of final-a00-r0-f0-n000 are not here"),
    ):
        assert predict(root, output, images, *more) == 2, expected
        told = capsys.readouterr().err
        assert expected in told
        assert told.count("\n") == 1
    assert predict(root, output, [good, coarse], "--any-spacing", "--seed", "0") == 0  # let through
    assert readers.read(output / "coarse.nii.gz").sides == (0.8, 0.9, 5.0)
    assert run_command(["predict", f"{NAME}/vnet+dice", str(good), "--output", "o", "--home", str(root / "home")]) == 2
    assert "has no arm 'vnet+dice'. There are unet3d+dice" in capsys.readouterr().err


def test_one_bad_image_does_not_stop_the_others(
    root: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tmp_path / "images"
    shutil.copytree(root / "new" / "images", images)
    (images / "n1.nii.gz").write_bytes((images / "n1.nii.gz").read_bytes()[:2000])
    assert predict(root, tmp_path / "out", [images], "--seed", "0") == 2
    told = capsys.readouterr()
    assert "n1.nii.gz" in told.err
    assert "1 image predicted, 1 not" in told.out
    assert (tmp_path / "out" / "n2.nii.gz").exists()
    assert not (tmp_path / "out" / "n1.nii.gz").exists()


@pytest.mark.slow
def test_tasks_of_ray_write_the_same_files(
    root: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tmp_path / "images"
    shutil.copytree(root / "new" / "images", images)
    (images / "bad.nii.gz").write_bytes(b"no image")
    one = ("--seed", "0", "--fold", "1")
    assert predict(root, tmp_path / "here", [images], *one) == 2
    with settings(), quiet(), session(None, Node("here", 2), print):
        assert predict(root, tmp_path / "there", [images], *one, "--ray", "auto") == 2
    told = capsys.readouterr()
    assert told.out.count("2 images predicted, 1 not") == 2
    assert told.err.count("bad.nii.gz") == 2
    for name in ("n1.nii.gz", "n2.nii.gz"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
