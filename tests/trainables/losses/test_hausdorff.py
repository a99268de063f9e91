"""Hausdorff loss: value by hand and beside MONAI."""

import pytest
from monai.losses import HausdorffDTLoss

from tests.trainables.losses.examples import LOGITS, TARGET, with_empty_sample
from trainables.losses import hausdorff_loss


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_hausdorff_beside_monai(classes: int, power: float) -> None:
    logits, target = with_empty_sample(classes)
    theirs = HausdorffDTLoss(softmax=True, to_onehot_y=True, alpha=power)(logits, target[:, None])
    assert hausdorff_loss(logits, target, power=power).item() == pytest.approx(theirs.item(), rel=1e-6)


def test_value_by_hand() -> None:
    # Reference (1, 0, 1): all voxels are 1 from its surface. Predicted (1, 0, 0): 1, 1 and 2. Squared errors 0.01,
    # 0.04 and 0.36, each times the sum of both squared distances.
    expected = (0.01 * (1 + 1) + 0.04 * (1 + 1) + 0.36 * (1 + 4)) / 3
    assert hausdorff_loss(LOGITS, TARGET).item() == pytest.approx(expected, rel=1e-9)
