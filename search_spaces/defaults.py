"""Defaults: value and search range of every parameter that a study file does not mention, with reasons.

A parameter that the study file does not mention is searched over `search` where there is one, else fixed at `value`.
Plain data: no network or loss is imported, and a test holds the names and values against their signatures.
"""

import dataclasses

from search_spaces.grammar import Parameter, Range, Scalar


@dataclasses.dataclass(frozen=True, slots=True)
class Default:
    """Default, search range and limits of one parameter.

    Attributes:
        value: Value in an arm's first trial, and where the study file gives none. Its type is the parameter's type: a
            float allows any number, an int whole numbers, a str one of `words`.
        search: Range that is searched where the study file gives none; None: fixed at `value`.
        reason: Why this value and this range.
        at_least: Smallest allowed value.
        above: Values must be greater than this.
        at_most: Greatest allowed value.
        below: Values must be smaller than this.
        words: Allowed words of a str.
        optional: Whether null is allowed (if `value` is null, the parameter is a number).
        auto: Whether `auto` is allowed, which is determined once for the whole study.
    """

    value: Scalar
    search: Parameter | None
    reason: str
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    words: tuple[str, ...] = ()
    optional: bool = False
    auto: bool = False


LOSSES: dict[str, dict[str, Default]] = {
    "cross_entropy": {},
    "bce": {},
    "balanced": {
        "alpha": Default(
            0.25, Range(0.1, 0.9), "the chest-ct paper's with a U-Net; it searched 0.25 to 0.75", at_least=0, at_most=1
        ),
    },
    "weighted_cross_entropy": {
        "detach": Default(False, None, "the authors' code lets the gradient through the weight"),
        "max_weight": Default(1e12, None, "far above what untrained networks give, and finite", above=0),
    },
    "top_k_cross_entropy": {
        "fraction": Default(0.1, Range(0.02, 0.5, log=True), "a tenth is nnU-Net's", above=0, at_most=1),
    },
    "dice": {
        "eps": Default(1e-5, None, "MIScnn's and MONAI's smoothing; it matters in empty patches only", above=0),
    },
    "dice_sq": {
        "eps": Default(1e-7, None, "deep_pipe's; V-Net has none, which is 0 / 0 where nothing is", above=0),
    },
    "dice_lin": {
        "eps": Default(1e-5, None, "MONAI's smoothing; it matters in empty patches only", above=0),
    },
    "dice_flat_s1": {
        "smooth": Default(1.0, None, "the liver notebook's", above=0),
    },
    "weighted_dice": {
        "ratio": Default(2.0, Range(1.0, 4.0, log=True), "1:2:4 for kits19, which publishes no weights", above=0),
        "eps": Default(1e-5, None, "that of dice", above=0),
    },
    "gdl_sudre": {},
    "gdl_iw": {},
    "focal": {
        "alpha": Default(
            None, None, "no class weighting, so that gamma 0 is cross-entropy", at_least=0, at_most=1, optional=True
        ),
        "gamma": Default(
            2.0, Range(0.5, 5.0), "2 is the focal-loss paper's; published searches cover 0 to 5", at_least=0
        ),
    },
    "tversky": {
        "fn_weight": Default(
            0.7, Range(0.1, 0.9), "0.7 against 0.3 is Salehi's best; only the ratio of the prices matters", at_least=0
        ),
        "fp_weight": Default(0.3, None, "fixed, so that fn_weight alone moves the ratio from 1/3 to 3", at_least=0),
        "reduction": Default("mean", None, "Salehi's; MIScnn sums", words=("mean", "sum")),
        "background": Default(False, None, "Salehi's; MIScnn has a term for every class"),
        "eps": Default(1e-6, None, "MIScnn's smoothing", above=0),
    },
    "focal_tversky": {
        "exponent": Default(
            0.75, Range(0.5, 2.0, log=True), "all public code's; kits19 also prints 5, perhaps 0.5", above=0
        ),
        "fn_weight": Default(0.7, Range(0.1, 0.9), "kits19's and Abraham's, as Salehi's best", at_least=0),
        "fp_weight": Default(0.3, None, "fixed, so that fn_weight alone moves the ratio", at_least=0),
        "focus": Default("loss", None, "kits19 tried the index too, without its formula", words=("loss", "index")),
        "reduction": Default("mean", None, "MIScnn's; eq. 6 of kits19 sums", words=("mean", "sum")),
        "background": Default(True, None, "MIScnn has a term for every class"),
        "eps": Default(1e-6, None, "MIScnn's smoothing", above=0),
    },
    "asl_sq": {
        "beta": Default(1.5, Range(1.0, 3.0), "Hashemi's best, and the inverse-weighting paper's", above=0),
        "eps": Default(1e-7, None, "deep_pipe's; it keeps 0 / 0 away", above=0),
    },
    "asl_lin": {
        "beta": Default(1.5, Range(1.0, 3.0), "Hashemi's best: prices 0.692 and 0.308", above=0),
        "eps": Default(1e-7, None, "that of asl_sq", above=0),
    },
    "log_cosh_dice": {
        "eps": Default(1e-5, None, "that of dice", above=0),
    },
    "log_cosh_weighted_dice": {
        "ratio": Default(2.0, Range(1.0, 4.0, log=True), "that of weighted_dice", above=0),
        "eps": Default(1e-5, None, "that of dice", above=0),
    },
    "log_cosh_focal_tversky": {
        "exponent": Default(0.75, Range(0.5, 2.0, log=True), "that of focal_tversky; not published", above=0),
        "fn_weight": Default(0.7, Range(0.1, 0.9), "that of focal_tversky", at_least=0),
        "fp_weight": Default(0.3, None, "that of focal_tversky", at_least=0),
        "reduction": Default("mean", None, "a sum is nearly linear under log cosh", words=("mean", "sum")),
        "background": Default(True, None, "that of focal_tversky"),
        "eps": Default(1e-6, None, "that of focal_tversky", above=0),
    },
    "matthews": {
        "form": Default(
            "sample",
            None,
            "of the foreground; micro_all is the poster's formula as printed, soft accuracy",
            words=("sample", "batch", "micro_all"),
        ),
    },
    "wasserstein_dice": {
        "matrix": Default(
            "uniform",
            None,
            "right for any classes; the BRATS ones are NiftyNet's",
            words=("uniform", "brats5", "brats4"),
        ),
        "eps": Default(1e-5, None, "MONAI's; Fidon's 2.2e-16 vanishes in float32", above=0),
    },
    "custom": {
        "delta": Default(0.7, Range(0.1, 0.9), "the chest-ct paper's, and its grid", at_least=0, at_most=1),
        "alpha": Default(0.25, Range(0.25, 0.75), "the chest-ct paper's, and its grid", at_least=0, at_most=1),
        "gamma": Default(4.0, Range(1.0, 5.0), "the chest-ct paper's, and its grid", at_least=0),
        "swap": Default(False, None, "delta on the focal loss; the paper does not say"),
        "focal_reduction": Default("mean", None, "the study's other losses are means", words=("mean", "positives")),
        "eps": Default(1e-5, None, "that of dice_lin", above=0),
    },
    "dice_cross_entropy": {
        "dice_weight": Default(1.0, None, "fixed, so that the other weight alone moves the ratio", at_least=0),
        "cross_entropy_weight": Default(1.0, Range(0.1, 10.0, log=True), "MIScnn's and nnU-Net's", at_least=0),
        "eps": Default(1e-5, None, "that of dice", above=0),
    },
    "dice_focal": {
        "dice_weight": Default(1.0, None, "fixed, so that the other weight alone moves the ratio", at_least=0),
        "focal_weight": Default(1.0, Range(0.1, 10.0, log=True), "equal parts, as MONAI's DiceFocalLoss", at_least=0),
        "alpha": Default(None, None, "no class weighting, as focal's", at_least=0, at_most=1, optional=True),
        "gamma": Default(2.0, None, "that of the focal-loss paper", at_least=0),
        "eps": Default(1e-5, None, "that of dice", above=0),
    },
    "cl_dice": {
        "share": Default(0.5, Range(0.1, 0.5), "equal parts, as MONAI's; never less Dice", at_least=0, at_most=1),
        "iterations": Default(3, None, "MONAI's; at least half a tube's thickness in voxels", at_least=0),
        "smooth": Default(1.0, None, "the authors' code's", above=0),
    },
    "hausdorff": {
        "power": Default(2.0, None, "Karimi's best of 0.5 to 3", above=0),
    },
    "unified_focal": {
        "share": Default(0.5, None, "equal parts, Yeung's advice", at_least=0, at_most=1),
        "delta": Default(0.6, Range(0.4, 0.9), "Yeung's advice: foreground somewhat dearer", at_least=0, at_most=1),
        "gamma": Default(0.5, Range(0.1, 0.9), "Yeung's advice, in the middle of its range", at_least=0, below=1),
        "eps": Default(1e-6, None, "that of tversky", above=0),
    },
}

MODELS: dict[str, dict[str, Default]] = {
    "unet": {
        "width": Default(
            64, None, "Ronneberger's; a network's size is the study's question, not its noise", at_least=1
        ),
        "norm": Default("none", None, "Ronneberger's", words=("none", "batch", "instance")),
    },
    "unet3d": {
        "width": Default(
            16, None, "MIScnn's standard is 32, which has 4 times the weights and takes 3.5 times as long", at_least=1
        ),
        "norm": Default(
            "instance", None, "published on 3D U-Nets: instance 0.78, batch 0.73", words=("instance", "batch")
        ),
    },
    "vnet": {
        "width": Default(16, None, "V-Net's own", at_least=1),
        "activation": Default("elu", None, "MONAI's; the paper has PReLU", words=("elu", "prelu", "relu")),
        "dropout": Default(0.5, None, "V-Net's and MONAI's", at_least=0, below=1),
    },
    "segnet": {
        "width": Default(64, None, "VGG16's, as the paper", at_least=1),
    },
    "enet": {
        "width": Default(16, None, "Paszke's; a multiple of 4", at_least=4),
    },
    "resunet3d": {
        "width": Default(16, None, "Shirokikh's", at_least=1),
    },
    "dynunet": {
        "width": Default(32, None, "nnU-Net's first level", at_least=1),
        "residual": Default(False, None, "nnU-Net's plain blocks; its later versions have residual ones"),
        "norm": Default("instance", None, "nnU-Net's choice", words=("instance", "batch")),
        "dropout": Default(0.0, None, "nnU-Net has none", at_least=0, below=1),
        "deep_supervision": Default(
            False, None, "nnU-Net trains with it; off, so that a loss is compared on the one output that is scored"
        ),
    },
    "segresnet": {
        "width": Default(32, None, "Myronenko's; MONAI's own default is 8", at_least=1),
        "norm": Default("group", None, "Myronenko's, 8 groups", words=("group", "instance", "batch")),
        "dropout": Default(0.0, None, "Myronenko's 0.2 belongs to his autoencoder", at_least=0, below=1),
        "upsample": Default("interpolate", None, "Myronenko's", words=("interpolate", "transposed")),
    },
    "attention_unet": {
        "width": Default(16, None, "Oktay's, a quarter of U-Net's", at_least=2),
        "dropout": Default(0.0, None, "MONAI's default", at_least=0, below=1),
    },
    "unetplusplus": {
        "width": Default(32, None, "MONAI's and Zhou's", at_least=1),
        "norm": Default("instance", None, "MONAI's default", words=("instance", "batch")),
        "dropout": Default(0.0, None, "MONAI's default", at_least=0, below=1),
    },
    "mednext": {
        "width": Default(32, None, "Roy's, all variants", at_least=1),
        "variant": Default("S", None, "the smallest of the paper's", words=("S", "B", "M", "L")),
        "kernel_size": Default(3, None, "the paper trains 3 and widens to 5", at_least=1),
    },
    "swin_unetr": {
        "width": Default(48, None, "Hatamizadeh's, a multiple of 12; MONAI's own default is 24", at_least=12),
        "heads": Default(3, None, "Hatamizadeh's and Swin's", at_least=1),
        "blocks": Default(2, None, "Hatamizadeh's, at every level", at_least=1),
        "window_size": Default(7, None, "Hatamizadeh's and Swin's", at_least=2),
        "norm": Default("instance", None, "MONAI's default", words=("instance", "batch")),
        "dropout": Default(0.0, None, "MONAI's default", at_least=0, below=1),
    },
    "unetr": {
        "width": Default(16, None, "Hatamizadeh's and MONAI's", at_least=1),
        "hidden_size": Default(768, None, "Hatamizadeh's, that of ViT-B", at_least=1),
        "heads": Default(12, None, "Hatamizadeh's, as ViT-B", at_least=1),
        "norm": Default("instance", None, "MONAI's default", words=("instance", "batch")),
        "dropout": Default(0.0, None, "MONAI's default", at_least=0, below=1),
    },
}

TRAINING: dict[str, Default] = {
    "optimizer": Default("adam", None, "the least sensitive to its step size", words=("adam", "adamw", "sgd")),
    "learning_rate": Default(
        1e-3,
        Range(1e-4, 1e-2, log=True),
        "losses differ in the size of their gradients: each finds its own; at 3e-3 `unet` learnt nothing by Dice",
        above=0,
    ),
    "weight_decay": Default(0.0, None, "the papers used none", at_least=0),
    "momentum": Default(0.9, None, "Nesterov, as the inverse-weighting paper; for sgd only", at_least=0, below=1),
    "eps": Default(1e-8, None, "PyTorch's; Keras has 1e-7; for adam and adamw only", above=0),
    "schedule": Default(
        "polynomial",
        None,
        "power 0.9 as nnU-Net; spans all iterations",
        words=("polynomial", "constant", "step", "plateau"),
    ),
    "batch_size": Default(2, None, "the same for all arms, so that they stay comparable", at_least=1, auto=True),
}
"""Keys of `training:` that may vary; `iterations` and `precision` are the same for all trials."""

SGD_LEARNING_RATE = Default(
    1e-2,
    Range(1e-3, 1e-1, log=True),
    "sgd needs ten times adam's step size; `auto` divides by the loss's gradient scale (`gradient_scales`)",
    above=0,
    auto=True,
)
