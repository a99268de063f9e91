"""2D networks on volumes: each case stays one volume, trained on and predicted slice by slice, scored in 3D."""

import dataclasses
import pathlib
from typing import Any, cast

import numpy as np
import pytest
import torch

from tests.trainables import tiny
from tests.trainables.data.files import affine, options, pair, save
from trainables.data.cache import cache
from trainables.data.cache.cache import Dataset
from trainables.data.cases import case as cases
from trainables.data.cases.case import Case
from trainables.data.finding.layouts import CaseFiles
from trainables.data.patches.patches import PatchSampler
from trainables.data.patches.windows import with_ends
from trainables.data.preparing import preprocess
from trainables.errors import InputError
from trainables.evaluation import inference
from trainables.metrics import score_case
from trainables.training.training import Training
from trainables.trial import TrialSpec

torch.set_num_threads(1)
SHAPE = (7, 40, 36)
PICTURE = ("case1", (5, 3))  # as it was before volumes had slices


def volumes(shape: tuple[int, ...] = SHAPE, channels: int = 1) -> Dataset:
    """The tiny blobs as volumes of a 2D study."""
    how = tiny.options(2)
    made = {}
    for number in range(4):
        blob = tiny.blob(shape, number)
        blob = dataclasses.replace(blob, image=np.concatenate([blob.image + 3 * c for c in range(channels)]))
        made[f"case{number}"] = tiny.TinyCase(f"case{number}", preprocess.prepare(blob, how))
    return Dataset(cast(Any, made), how)


def slices_of(volume: torch.Tensor, context: int, padding: tuple[float, ...] | None = None) -> list[torch.Tensor]:
    """Each slice with its neighbours as channels."""
    deep = with_ends(volume, context, padding)
    return [deep[:, z : z + 2 * context + 1].flatten(0, 1) for z in range(volume.shape[1])]


def test_context_by_hand() -> None:
    # Two channels of three slices of one pixel: 1 2 3 and 10 20 30; 7 and 70 lie beyond the ends.
    volume = torch.tensor([[1.0, 2, 3], [10, 20, 30]]).view(2, 3, 1, 1)
    found = [one.flatten().tolist() for one in slices_of(volume, 1, (7.0, 70.0))]
    assert found == [[7, 1, 2, 70, 10, 20], [1, 2, 3, 10, 20, 30], [2, 3, 7, 20, 30, 70]]
    assert [one.flatten().tolist() for one in slices_of(volume, 0)] == [[1, 10], [2, 20], [3, 30]]


@pytest.mark.parametrize("context", [0, 2])
def test_patches_are_slices_with_their_neighbours(context: int) -> None:
    data = volumes(channels=2)
    sampler = PatchSampler(data, ["case0", "case1"], (8, 6), 0.5, seed=3, margin=(1, 2), context=context)
    seen = set()
    for iteration in range(25):
        images, labels = sampler.batch(iteration, 2)
        assert images.shape == (2, 2 * (2 * context + 1), 10, 10)
        assert labels.shape == (2, 10, 10)
        for slot in range(2):
            place = sampler.place(iteration, slot)
            case = data.cases[place.case]
            z, y, x = place.start
            seen.add(z)
            label = np.pad(np.array(case.label[z]), ((1, 1), (2, 2)))[y : y + 10, x : x + 10]
            assert (labels[slot].numpy() == label).all()
            volume = torch.from_numpy(np.pad(np.array(case.image), ((0, 0), (0, 0), (1, 1), (2, 2))))
            expected = slices_of(volume, context)[z][:, y : y + 10, x : x + 10]
            assert torch.equal(images[slot], expected)
    assert seen == set(range(SHAPE[0]))


def test_foreground_patches_lie_in_slices_that_have_it() -> None:
    data = volumes()
    sampler = PatchSampler(data, ["case0"], (1, 1), 1.0, seed=1)
    label = data.cases["case0"].label
    assert all(label[sampler.place(iteration, 0).start] > 0 for iteration in range(50))


def test_a_picture_draws_what_it_drew() -> None:
    data = tiny.dataset((40, 36))
    place = PatchSampler(data, ["case0", "case1"], (32, 32), 0.5, seed=11).place(3, 1)
    assert (place.case, place.start) == PICTURE


@pytest.mark.parametrize("context", [0, 1])
def test_inference_goes_slice_by_slice(context: int) -> None:
    volume = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 4, 20, 18)).astype(np.float32))
    torch.manual_seed(0)
    network = torch.nn.Conv2d(2 * (2 * context + 1), 3, 3, padding=1)
    how: dict[str, Any] = {"window": (16, 16), "overlap": (8, 8), "padding": None}
    found = inference.predict(network, volume, **how, context=context)
    assert found.shape == (3, 4, 20, 18)
    for z, one in enumerate(slices_of(volume, context)):
        assert torch.allclose(found[:, z], inference.predict(network, one, **how), atol=1e-6)


def test_small_slices_are_padded_with_their_channels_values() -> None:
    volume = torch.ones(2, 3, 4, 4)
    seen = []

    def network(windows: torch.Tensor) -> torch.Tensor:
        seen.append(windows.clone())
        return windows[:, :2]

    inference.predict(network, volume, window=(6, 6), overlap=(0, 0), padding=(5.0, 9.0), context=1)
    assert seen[1][0, :, 0, 0].tolist() == [5, 5, 5, 9, 9, 9]
    assert seen[0][0, :, 3, 3].tolist() == [5, 1, 1, 9, 1, 1]


@pytest.mark.parametrize("context", [0, 1])
def test_a_2d_network_learns_volumes_and_is_scored_on_them(context: int) -> None:
    data = volumes()
    spec = tiny.spec(dim=2, context=context, augment=("mirror", "rotate"), iterations=2, marks=(2,))
    training = Training(spec, data)
    training.advance(2)
    prediction = training.predict("case2")
    assert prediction.shape == SHAPE
    case = data.cases["case2"]
    expected = score_case(
        "case2",
        case.reference,
        prediction,
        regions=spec.regions,
        metrics=spec.metrics,
        spacing=case.reference_spacing,
    )
    assert training.evaluate(("case2",)).scores == expected
    again = Training(spec, data)
    again.advance(1)
    resumed = Training(spec, data)
    resumed.load_state_dict(again.state_dict())
    resumed.advance(2)
    assert resumed.digest() == training.digest()
    assert TrialSpec.from_json(spec.to_json()) == spec


def test_context_changes_what_is_learned_and_flat_cases_have_none() -> None:
    digests = set()
    for context in (0, 1):
        training = Training(tiny.spec(dim=2, context=context, iterations=1, marks=(1,)), volumes())
        training.advance(1)
        digests.add(training.digest())
    assert len(digests) == 2
    with pytest.raises(InputError, match="case case0 is flat and has no neighbouring slices"):
        Training(tiny.spec(dim=2, context=1), tiny.dataset((40, 36)))


def test_volumes_from_files(tmp_path: pathlib.Path) -> None:
    files = pair(tmp_path)
    how = options(dim=2, spacing=(4.0, 3.0))
    record = cache.prepare_case(files, how, tmp_path / "cache")
    data = Dataset.open(cache.write_index(tmp_path / "cache", [record], how))
    case = data.cases["case_1"]
    assert case.reference.shape == (7, 8, 9)  # 3 x 2 x 1.5 mm
    assert case.label.shape == (7, 4, 5)  # slices keep their distance
    assert case.spacing == (3.0, 4.0, 2.7)
    assert data.spacing == (4.0, 3.0)
    native = options(dim=2)
    record = cache.prepare_case(files, native, tmp_path / "cache")
    assert Dataset.open(cache.write_index(tmp_path / "cache", [record], native)).spacing == (2.0, 1.5)


@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 1)])
def test_single_slices_are_flat(tmp_path: pathlib.Path, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 99, shape).astype(np.int16)
    mask = (image > 50).astype(np.uint8)
    files = CaseFiles("a", (save(tmp_path / "i.nii.gz", image, affine()),), save(tmp_path / "m.nii.gz", mask, affine()))
    case = cases.read(files, options().labels, dim=2)
    assert isinstance(case, Case)
    assert case.reference.shape == (8, 9)
    assert case.spacing == (2.0, 1.5)
    assert (case.reference == mask.reshape(9, 8).transpose()).all()
    record = cache.prepare_case(files, options(dim=2, regions={}), tmp_path / "cache")
    assert record.facts.shape == (8, 9)
