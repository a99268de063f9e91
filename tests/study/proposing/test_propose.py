"""The study file proposed for made-up data sets: `check` passes it as it is, and it says what the data are."""

import pathlib
from typing import Any

import pytest

from search_spaces.grammar import Fixed
from study.checking.check import check
from study.events import ignore
from study.machines.admission import Node
from study.planning.cohort_sampling import is_tuned
from study.proposing.propose import propose
from study.study_file import Study, load
from study.study_file.yaml_subset import read
from tests.study.proposing import layouts
from trainables.data.phantom.phantom import generate
from trainables.errors import InputError

HERE = Node("here", 2, 0)


def written(root: pathlib.Path, **changes: Any) -> tuple[str, Study]:
    """The text proposed for a folder, and the study that it gives; its whole and its small version pass `check`."""
    given: dict[str, Any] = {"hours": 1.0, "gpus": 0, "probe": False, "ask": None, "tell": ignore}
    out = root.parent / "study.yaml"
    made = propose(root, out, HERE, **{**given, **changes})
    assert not out.exists()
    out.write_text(made.text)
    studies = [load(out), load(out, small=True)]
    for study in studies:
        check(study, HERE)
    return made.text, studies[0]


def test_nnunet_with_ct(tmp_path: pathlib.Path) -> None:
    layouts.nnunet(tmp_path / "Liver Data")
    text, study = written(tmp_path / "Liver Data")
    assert text.splitlines()[0].startswith("# yaml-language-server: $schema=")
    assert (study.name, read(text).value["dataset"]["path"]) == ("liver-data", "Liver Data")
    assert dict(study.dataset.labels) == {"liver": 1, "tumour_core": 2}
    assert study.preprocess.percentiles == (0.5, 99.5)
    assert study.preprocess.normalize == "zscore_training"
    assert study.dataset.group == "unknown"  # a case may be one of several of a patient
    assert study.dim == 3


def test_decathlon_with_two_channels(tmp_path: pathlib.Path) -> None:
    layouts.decathlon(tmp_path / "data")
    text, study = written(tmp_path / "data")
    assert dict(study.dataset.labels) == {"PZ": 1, "TZ": 2}
    assert "T2, ADC" in text
    assert study.preprocess.normalize == "zscore"
    assert study.dataset.group == "unknown"


def test_bids(tmp_path: pathlib.Path) -> None:
    layouts.bids(tmp_path / "data")
    _, study = written(tmp_path / "data")
    assert study.dataset.images == "{case}/anat/{case}_FLAIR.nii.gz"
    assert study.dataset.masks == "derivatives/labels/{case}/anat/{case}_FLAIR_desc-lesion_mask.nii.gz"
    assert study.dataset.group == "case"


def test_brains_of_four_channels(tmp_path: pathlib.Path) -> None:
    layouts.brains(tmp_path / "data")
    _, study = written(tmp_path / "data")
    assert study.dataset.images == {name: f"{{case}}/{{case}}_{name}.nii.gz" for name in ("flair", "t1", "t1ce", "t2")}
    assert study.dataset.masks == "{case}/{case}_seg.nii.gz"
    assert dict(study.dataset.scored)["core"] == ("necrosis", "enhancing")
    assert study.dataset.train_on == "regions"
    assert study.preprocess.normalize == "zscore_nonzero"
    assert study.preprocess.crop is not None


def test_retina_with_fields_of_view(tmp_path: pathlib.Path) -> None:
    layouts.retina(tmp_path / "data")
    _, study = written(tmp_path / "data")
    assert study.dataset.masks == "1st_manual/{case}_manual1.png"
    assert study.dataset.roi == "masks/{case}_training_mask.png"
    assert study.dataset.colour == "channels"
    assert study.preprocess.spacing == "unknown"
    assert dict(study.dataset.labels) == {"foreground": 255}


def test_flat_slices_of_patients(tmp_path: pathlib.Path) -> None:
    layouts.flat(tmp_path / "data")
    text, study = written(tmp_path / "data")
    assert "12 groups" not in text
    assert study.dataset.images is None
    assert study.dim == 2
    assert study.dataset.group not in ("case", "unknown")
    assert study.models["unet"]["norm"].value == "instance"


def test_jpeg_masks(tmp_path: pathlib.Path) -> None:
    layouts.jpeg(tmp_path / "data")
    _, study = written(tmp_path / "data")
    assert dict(study.dataset.labels) == {"foreground": ">127"}


def test_one_object_in_two_codings(tmp_path: pathlib.Path) -> None:
    layouts.two_codings(tmp_path / "data")
    _, study = written(tmp_path / "data")
    assert dict(study.dataset.labels) == {"foreground": ">0"}


def test_tiff_in_one_folder(tmp_path: pathlib.Path) -> None:
    layouts.tiff(tmp_path / "data")
    _, study = written(tmp_path / "data")
    assert (study.dataset.images, study.dataset.masks) == ("{case}.tif", "{case}_seg.tif")
    assert dict(study.dataset.labels) == {"foreground": 1}


def test_anisotropic_visits_of_few_patients(tmp_path: pathlib.Path) -> None:
    layouts.anisotropic(tmp_path / "data")
    _, study = written(tmp_path / "data")
    # distances of slices 3 to 8 mm: the 10th percentile is 3.5
    assert study.preprocess.spacing == (3.5, 0.5, 0.5)
    assert study.dataset.split.folds == 3
    assert study.dataset.group == "^(patient[0-9]+)"


@pytest.mark.parametrize("dim", [2, 3])
def test_phantom(tmp_path: pathlib.Path, dim: int) -> None:
    generate(tmp_path / "data", 24, dim)
    _, study = written(tmp_path / "data")
    assert list(study.dataset.labels.values()) == [1, 2]
    assert study.dim == dim
    assert study.dataset.group == "^(phantom_p[0-9]+)"


def test_the_answer_about_patients(tmp_path: pathlib.Path) -> None:
    layouts.tiff(tmp_path / "data")
    asked: list[int] = []
    text, study = written(tmp_path / "data", ask=lambda cases: asked.append(cases) or True)
    assert asked == [12]
    assert study.dataset.group == "case"
    assert "as you said" in text


def test_a_study_for_a_gpu(tmp_path: pathlib.Path) -> None:
    layouts.tiff(tmp_path / "data")
    _, study = written(tmp_path / "data", gpus=1)
    assert study.training.parameters["batch_size"] == Fixed("auto")
    assert study.resources.gpu == "auto"
    assert study.training.iterations == 10_000


def test_probed_time(tmp_path: pathlib.Path) -> None:
    layouts.tiff(tmp_path / "data")
    text, study = written(tmp_path / "data", probe=True, hours=1e-6)
    assert study.training.iterations == 100
    assert not any(is_tuned(arm) for arm in study.arms)  # no time for a search
    assert "the shortest training was taken" in " ".join(text.replace("#", " ").split())


def _no_images(root: pathlib.Path) -> None:
    (root / "notes.txt").write_text("no image")


def _no_masks(root: pathlib.Path) -> None:
    layouts.tiff(root)
    for mask in root.glob("*_seg.tif"):
        mask.unlink()


def _lone_image(root: pathlib.Path) -> None:
    layouts.tiff(root)
    (root / "cell3_seg.tif").unlink()


def _two_references(root: pathlib.Path) -> None:
    layouts.tiff(root)
    for mask in list(root.glob("*_seg.tif")):
        mask.with_name(mask.name.replace("_seg", "_gt")).write_bytes(mask.read_bytes())


def _lesions_as_area(root: pathlib.Path) -> None:
    layouts.flat(root)
    (root / "annotations").mkdir()
    for mask in (root / "masks").iterdir():
        (root / "annotations" / mask.name).write_bytes(mask.read_bytes())


def _two_patients(root: pathlib.Path) -> None:
    layouts.anisotropic(root)
    for file in root.glob("*/patient2*"):
        file.unlink()


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (pathlib.Path.rmdir, "no folder"),
        (_no_images, "no image in it"),
        (_no_masks, "no masks found by name"),
        (_lone_image, r"cell3.tif: there is no mask for it. Add it"),
        (_two_references, "two sets of masks of the same cases"),
        (_lesions_as_area, "masks/.*: the first is hardly larger than the second"),
        (_two_patients, "2 groups of cases"),
    ],
)
def test_folders_without_a_study(tmp_path: pathlib.Path, make: Any, line: str) -> None:
    (tmp_path / "data").mkdir()
    make(tmp_path / "data")
    with pytest.raises(InputError, match=line) as raised:
        written(tmp_path / "data")
    assert "\n" not in str(raised.value)
