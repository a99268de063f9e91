"""What each loss declares beside its formula: activation, channels, aggregation, an empty reference, its source.

The conformance kit holds a loss against what is said of it here. All of it is said of the loss at its defaults.
"""

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one loss.

    Attributes:
        channels: Which classes have a term of their own: `all`, or `foreground` (all but class 0).
        aggregation: What is averaged. `voxel`: the batch's voxels. `sample`: each sample by itself, then the mean.
            `batch`: sums run over the whole batch, so a batch is not the mean of its samples.
        clean: Value where the reference is empty and nothing but background is predicted.
        learns_from_empty: Whether false positives in a patch with an empty reference have a gradient to speak of.
        source: Where the formula is from.
        perfect: Value of a perfect prediction of all classes.
        activation: What makes probabilities of the logits.
        neighbours: Whether a voxel's neighbours matter, so that the order of the voxels does.
        trap: What surprises its users.
    """

    channels: Literal["all", "foreground"]
    aggregation: Literal["voxel", "sample", "batch"]
    clean: float
    learns_from_empty: bool
    source: str
    perfect: float = 0.0
    activation: Literal["softmax"] = "softmax"
    neighbours: bool = False
    trap: str = ""


FACTS: dict[str, Facts] = {
    "cross_entropy": Facts("all", "voxel", 0.0, True, "Ronneberger et al. 2015, https://arxiv.org/abs/1505.04597"),
    "bce": Facts(
        "foreground",
        "voxel",
        0.0,
        True,
        "each class's cross-entropy against the rest; with two classes Ronneberger et al. 2015",
        trap="With two classes it is cross_entropy, exactly.",
    ),
    "balanced": Facts(
        "all",
        "voxel",
        0.0,
        True,
        "Lin et al. 2017, https://arxiv.org/abs/1708.02002, section 3.1",
        trap="No balance by class frequency: alpha is fixed, and below one half weighs the foreground down.",
    ),
    "weighted_cross_entropy": Facts(
        "foreground",
        "batch",
        0.0,
        True,
        "deep_pipe, of Shirokikh et al. 2020, https://arxiv.org/abs/2007.10033",
        trap="The weight is that of the predictions, moves with them, and knows no bound but max_weight.",
    ),
    "top_k_cross_entropy": Facts(
        "all",
        "batch",
        0.0,
        True,
        "Wu et al. 2016, https://arxiv.org/abs/1605.06885, and nnU-Net's TopKLoss",
        trap="The hardest voxels of the whole batch: a wrongly labelled image can have all of them.",
    ),
    "dice": Facts(
        "all",
        "sample",
        0.0,
        True,
        "`dice_soft_loss` of MIScnn, Müller and Kramer 2021, https://arxiv.org/abs/1910.09308",
        trap="A class that is absent and predicted anywhere adds a constant of about 1 / C, so the training loss "
        "partly monitors the share of patches without it; only the background's term learns there.",
    ),
    "focal": Facts(
        "all",
        "voxel",
        0.0,
        True,
        "Lin et al. 2017, https://arxiv.org/abs/1708.02002",
        trap="alpha weighs both sides (alpha and 1 - alpha): 1 deletes the background, None weighs both with 1.",
    ),
    "tversky": Facts(
        "foreground",
        "sample",
        0.0,
        False,
        "Salehi et al. 2017, https://arxiv.org/abs/1706.05721",
        trap="Papers and packages swap alpha and beta; here the prices have words.",
    ),
}
