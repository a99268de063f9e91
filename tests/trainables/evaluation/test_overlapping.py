"""Overlapping regions: learned by a sigmoid each, restored and scored each by itself."""

import io
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainables import tiny
from trainables.evaluation import inference
from trainables.evaluation.overlapping import class_map, over_regions, two_probabilities
from trainables.losses import LOSSES
from trainables.metrics import measure_case
from trainables.training.training import Training
from trainables.trial import TrialSpec

torch.set_num_threads(1)
DATA = tiny.dataset((40, 36))
REGIONS = ((1, 2), (2,))


def spec(**changes: Any) -> TrialSpec:
    return tiny.spec(2, **{"train_on": "regions", **changes})


def test_the_loss_is_the_mean_of_the_regions_own() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, target = torch.randn(2, 2, 5, 6, generator=generator), torch.randint(0, 3, (2, 5, 6), generator=generator)
    found = over_regions(LOSSES["bce"], REGIONS)(logits, target)
    both, lesion = (torch.isin(target, torch.tensor(region)).float() for region in REGIONS)
    expected = torch.nn.functional.binary_cross_entropy_with_logits
    assert found == pytest.approx(
        ((expected(logits[:, 0], both) + expected(logits[:, 1], lesion)) / 2).item(), rel=1e-5
    )


def test_any_loss_takes_maps_of_voxels() -> None:
    logits, target = torch.randn(1, 2, 6, 6), torch.randint(0, 3, (1, 6, 6))
    ignore = torch.zeros(1, 6, 6, dtype=torch.bool)
    ignore[:, :3] = True
    loss = over_regions(LOSSES["dice_lin"], REGIONS)
    assert torch.allclose(loss(logits, target, ignore=ignore), loss(logits[:, :, 3:], target[:, 3:]), atol=1e-5)


def test_probabilities_of_overlapping_regions_do_not_compete() -> None:
    image = torch.zeros(1, 4, 5)
    logits = torch.tensor([3.0, 2.0, -1.0]).view(1, 3, 1, 1)
    for average in ("logits", "probabilities"):
        found = inference.predict(
            lambda windows: logits.expand(len(windows), 3, 4, 4),
            image,
            window=(4, 4),
            overlap=(2, 2),
            average=average,
            overlapping=True,
        )
        assert torch.allclose(found, torch.sigmoid(logits[0]).expand(3, 4, 5))


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_logits_and_probabilities_are_averaged_as_asked(average: str) -> None:
    def network(windows: torch.Tensor) -> torch.Tensor:  # 4 where the image is as it was, -1 where it is mirrored
        return windows[:, :, :, :1].sign().expand(-1, 1, 4, 4) * torch.where(windows[:, :, :, :1] > 0, 4.0, 1.0)

    image = torch.ones(1, 4, 4)
    image[..., 2:] = -1
    found = inference.predict(
        network, image, window=(4, 4), overlap=(0, 0), mirror=True, average=average, overlapping=True
    )
    mean = torch.sigmoid(torch.tensor(1.5)) if average == "logits" else torch.sigmoid(torch.tensor([4.0, -1.0])).mean()
    assert torch.allclose(found, mean.expand(1, 4, 4))


def test_a_voxel_has_the_class_that_fits_its_regions_best() -> None:
    masks = np.array([[True, True, False, False], [True, False, False, True]])
    assert class_map(masks, REGIONS, 3).tolist() == [2, 1, 0, 0]  # the lesion alone: as near to nothing as to both
    assert class_map(masks, REGIONS, 3).dtype == np.uint8


def test_each_region_is_scored_by_its_own_mask_on_the_original_grid() -> None:
    data = tiny.dataset((40, 36), spacing=(2.0, 2.0))
    learner = Training(spec(metrics=("dice", "recall")), data)
    learner.advance(12)
    found = learner.evaluate(("case2", "case3"), previews=("case3",))
    assert [(s.case, s.region, s.metric) for s in found.scores] == [
        (c, r, m) for c in ("case2", "case3") for r in ("both", "lesion") for m in ("dice", "recall")
    ]
    probabilities = learner._examiner.probabilities("case3")
    assert probabilities.shape == (2, *data.cases["case3"].label.shape)
    assert data.cases["case3"].label.shape != (40, 36)
    for index, (region, classes) in enumerate({"both": (1, 2), "lesion": (2,)}.items()):
        wide = torch.nn.functional.interpolate(probabilities[None, index : index + 1], (40, 36), mode="bilinear")[0, 0]
        mask = (wide > 0.5).numpy().astype(np.uint8)
        reference = np.isin(data.cases["case3"].reference, classes).astype(np.uint8)
        expected = measure_case(
            "case3",
            reference,
            mask,
            regions={region: (1,)},
            metrics=("dice", "recall"),
            spacing=(1.5, 1.5),
            empty="missing",
            unscored=0,
            odds={},
            lesions=False,
        )
        assert found.scores[4 + 2 * index : 6 + 2 * index] == expected.scores
    assert [p.case for p in found.previews] == ["case3"]
    assert learner.predict("case3").max() <= 2


def test_it_learns_regions_that_overlap() -> None:
    how = {"width": 4, "norm": "batch"}
    long = spec(loss="bce", iterations=60, marks=(60,), learning_rate=1e-2, model_parameters=how, augment=("mirror",))
    learner = Training(long, DATA)
    learner.advance(60)
    values = [s.value or 0.0 for s in learner.evaluate(("case2", "case3")).scores if s.metric == "dice"]
    assert min(values) > 0.7


def test_cut_and_resumed_it_is_the_same() -> None:
    straight, first, second = (Training(spec(), DATA) for _ in range(3))
    straight.advance(6)
    first.advance(3)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    second.advance(6)
    assert second.digest() == straight.digest()
    assert second.evaluate(("case2",)) == straight.evaluate(("case2",))


def test_two_probabilities_are_a_softmax() -> None:
    (only,) = two_probabilities(torch.tensor([[0.25, 1.0]]))
    assert only.tolist() == [[0.75, 0.0], [0.25, 1.0]]
