"""Declared properties of each loss: activation, channels, aggregation, value on an empty reference, source.

The conformance kit tests a loss against them. They hold for the loss at its defaults.
"""

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """Declared properties of one loss.

    Attributes:
        channels: Which classes have a term of their own: `all`, or `foreground` (all but class 0).
        aggregation: Unit of the average. `voxel`: the batch's voxels. `sample`: each sample by itself, then the mean.
            `batch`: sums run over the whole batch, so a batch is not the mean of its samples.
        clean: Value where the reference is empty and nothing but background is predicted.
        learns_from_empty: Whether false positives in a patch with an empty reference have a gradient to speak of.
        source: Where the formula is from.
        perfect: Value of a perfect prediction of all classes.
        activation: Function from logits to probabilities.
        neighbours: Whether a voxel's neighbours matter, so that the order of the voxels does.
        trap: A property that surprises users.
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
    "dice_sq": Facts(
        "foreground",
        "sample",
        1.0,
        False,
        "V-Net, Milletari et al. 2016, https://arxiv.org/abs/1606.04797",
        trap="A patch without a class costs 1 for it whatever is predicted.",
    ),
    "dice_lin": Facts(
        "foreground",
        "sample",
        0.0,
        False,
        "the Dice part of the chest-ct study's loss; MONAI's DiceLoss(sigmoid=True)",
        trap="False positives in a patch without the class cost about 1 with next to no gradient.",
    ),
    "dice_flat_s1": Facts(
        "foreground",
        "batch",
        0.0,
        True,
        "the liver study's notebook, and Jadon 2020, https://arxiv.org/abs/2006.14822",
        trap="The batch is one image: its value depends on which patches meet.",
    ),
    "weighted_dice": Facts(
        "all",
        "sample",
        0.0,
        True,
        "eq. 13 of the kits19 study, without its weights, which are not published",
        trap="MIScnn's dice_weighted is another function. A heavy class that is absent adds its whole share.",
    ),
    "gdl_sudre": Facts(
        "all",
        "sample",
        0.0,
        True,
        "Sudre et al. 2017, https://arxiv.org/abs/1707.03237",
        trap="On one channel the weights cancel; with a smoothing of 1e-5 it is another loss at real volumes.",
    ),
    "gdl_iw": Facts(
        "all",
        "sample",
        0.0,
        False,
        "the code of Shirokikh et al. 2020, https://arxiv.org/abs/2007.10033",
        trap="Not gdl_sudre: squared terms, and an absent class weighs V² times the background.",
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
    "focal_tversky": Facts(
        "all",
        "sample",
        0.0,
        True,
        "Abraham and Khan 2018, https://arxiv.org/abs/1810.07842; by class and sample as in MIScnn",
        trap="gamma is 4/3 in the paper and 0.75 in its code: both are the exponent 0.75, which turns from hard "
        "classes to those nearly right.",
    ),
    "asl_sq": Facts(
        "foreground",
        "sample",
        1.0,
        False,
        "the code of Shirokikh et al. 2020, https://arxiv.org/abs/2007.10033",
        trap="Not the published linear form, asl_lin.",
    ),
    "asl_lin": Facts(
        "foreground",
        "sample",
        1.0,
        False,
        "Hashemi et al. 2018, https://arxiv.org/abs/1803.11078",
        trap="It is the Tversky loss with other words: beta 1.5 is 0.692 and 0.308.",
    ),
    "log_cosh_dice": Facts(
        "all",
        "batch",
        0.0,
        True,
        "Jadon 2020, https://arxiv.org/abs/2006.14822",
        trap="log cosh of the batch's one number: only the gradient's size changes, by tanh of the loss.",
    ),
    "log_cosh_weighted_dice": Facts(
        "all", "batch", 0.0, True, "the kits19 study", trap="As log_cosh_dice: a matter of step size."
    ),
    "log_cosh_focal_tversky": Facts(
        "all", "batch", 0.0, True, "the kits19 study", trap="Its exponent is not published. As log_cosh_dice."
    ),
    "matthews": Facts(
        "foreground",
        "sample",
        1.0,
        False,
        "Marquez Herrera et al. 2019, LatinX in AI at ICML",
        trap="The poster's formula as printed, `micro_all`, is soft accuracy. A patch without a class "
        "teaches nothing of it with `sample`.",
    ),
    "wasserstein_dice": Facts(
        "foreground",
        "sample",
        0.0,
        False,
        "Fidon et al. 2017, https://arxiv.org/abs/1707.00478",
        trap="With two classes it is dice_lin. The Matthews poster's eq. 3 is not this loss.",
    ),
    "custom": Facts(
        "foreground",
        "sample",
        0.0,
        True,
        "the chest-ct study, JAKO202015555312473; its formula is our reading of the abstract",
        trap="The mean focal loss is so small that the Dice part dominates at every delta of the study.",
    ),
    "dice_cross_entropy": Facts(
        "all",
        "sample",
        0.0,
        True,
        "`dice_crossentropy` of MIScnn, Müller and Kramer 2021, https://arxiv.org/abs/1910.09308",
        trap="Voxel weights make its cross-entropy larger and leave its Dice in [0, 1].",
    ),
    "dice_focal": Facts(
        "all", "sample", 0.0, True, "Zhu et al. 2018, https://arxiv.org/abs/1808.05238", trap="As dice_cross_entropy."
    ),
    "cl_dice": Facts(
        "foreground",
        "sample",
        0.0,
        True,
        "Shit et al. 2021, https://arxiv.org/abs/2003.07311",
        neighbours=True,
        trap="For tubes: what is thicker than about twice the iterations has no middle line.",
    ),
    "hausdorff": Facts(
        "foreground",
        "voxel",
        0.0,
        True,
        "Karimi and Salcudean 2019, https://arxiv.org/abs/1904.10030",
        neighbours=True,
        trap="Alone it seldom leaves the empty prediction: give it a small factor in a sum with Dice, since distances "
        "in voxels, raised to a power, are thousands beside 1. They are computed on the CPU at every iteration.",
    ),
    "unified_focal": Facts(
        "all",
        "sample",
        0.0,
        True,
        "Yeung et al. 2022, https://arxiv.org/abs/2102.04525, the asymmetric variant",
        trap="gamma acts on the background in one part and on the foreground in the other.",
    ),
}
