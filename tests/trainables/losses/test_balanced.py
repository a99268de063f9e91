"""Balanced cross-entropy: values by hand and beside MONAI."""

import math

import pytest
from monai.losses import FocalLoss

from tests.trainables.losses.examples import LOGITS, TARGET
from trainables.losses import balanced_loss
from trainables.losses.conformance import example


@pytest.mark.parametrize("alpha", [0.25, 0.75])
def test_balanced_is_monais_focal_without_focus(alpha: float) -> None:
    logits, target = example(2)
    theirs = FocalLoss(gamma=0.0, alpha=alpha)((logits[:, 1] - logits[:, 0])[:, None], target[:, None])
    assert balanced_loss(logits, target, alpha=alpha).item() == pytest.approx(theirs.item(), rel=1e-6)


def test_value_by_hand() -> None:
    # Foreground voxels (0.9, 0.4) weigh 0.3, the background one (0.8) 0.7.
    expected = -(0.3 * math.log(0.9) + 0.7 * math.log(0.8) + 0.3 * math.log(0.4)) / 3
    assert balanced_loss(LOGITS, TARGET, alpha=0.3).item() == pytest.approx(expected, rel=1e-6)
