"""BibTeX entries of a study: networks, losses, search, statistics, software."""

from collections.abc import Iterator, Mapping
from importlib.resources import files

from reports.results.results import Results

MODELS: Mapping[str, tuple[str, ...]] = {
    "unet": ("ronneberger2015",),
    "unet3d": ("cicek2016", "muller2021"),
    "vnet": ("milletari2016",),
    "segnet": ("badrinarayanan2017",),
    "enet": ("paszke2016",),
    "resunet3d": ("shirokikh2020",),
    "dynunet": ("isensee2021", "cardoso2022"),
    "segresnet": ("myronenko2018", "cardoso2022"),
    "attention_unet": ("oktay2018", "cardoso2022"),
    "unetplusplus": ("zhou2018", "cardoso2022"),
    "mednext": ("roy2023", "cardoso2022"),
    "swin_unetr": ("hatamizadeh2022swin", "cardoso2022"),
    "unetr": ("hatamizadeh2022", "cardoso2022"),
}
LOSSES: Mapping[str, tuple[str, ...]] = {
    "balanced": ("lin2017",),
    "weighted_cross_entropy": ("sudre2017", "shirokikh2020"),
    "top_k_cross_entropy": ("wu2016",),
    "dice": ("milletari2016", "muller2021"),
    "dice_sq": ("milletari2016",),
    "dice_lin": ("milletari2016",),
    "dice_flat_s1": ("milletari2016",),
    "weighted_dice": ("milletari2016",),
    "gdl_sudre": ("sudre2017",),
    "gdl_iw": ("sudre2017", "shirokikh2020"),
    "focal": ("lin2017",),
    "tversky": ("salehi2017",),
    "focal_tversky": ("abraham2019", "salehi2017"),
    "asl_sq": ("hashemi2019",),
    "asl_lin": ("hashemi2019",),
    "log_cosh_dice": ("jadon2020",),
    "log_cosh_weighted_dice": ("jadon2020",),
    "log_cosh_focal_tversky": ("jadon2020", "abraham2019"),
    "wasserstein_dice": ("fidon2018",),
    "custom": ("lin2017", "milletari2016"),
    "dice_cross_entropy": ("milletari2016",),
    "dice_focal": ("lin2017", "milletari2016"),
    "cl_dice": ("shit2021",),
    "hausdorff": ("karimi2020",),
    "unified_focal": ("yeung2022",),
}
OPTIMIZERS: Mapping[str, str] = {"adam": "kingma2015", "adamw": "loshchilov2019"}
SAMPLERS: Mapping[str, str] = {"tpe": "bergstra2011", "random": "bergstra2012"}
PACKAGES: Mapping[str, str] = {"optuna": "akiba2019", "ray": "moritz2018", "torch": "paszke2019"}


def bibliography(*studies: Results) -> str:
    """Returns the entries of everything that the studies used, by key, each once."""
    known = entries()
    return "".join(f"{known[key]}\n" for key in sorted({key for results in studies for key in _used(results)}))


def entries() -> dict[str, str]:
    """Returns key → entry of all known references, one line each."""
    text = files("reports.formats").joinpath("templates/references.bib").read_text("utf-8")
    return {line[line.index("{") + 1 : line.index(",")]: line for line in text.splitlines() if line}


def _used(results: Results) -> Iterator[str]:
    how, file = results.protocol, results.records.study.file
    for arm in results.arms:
        yield from MODELS.get(arm.row.model, ())
        parts = {name.split(".")[1] for name in arm.row.space if name.count(".") > 1}  # terms of a sum of losses
        yield from (key for loss in (arm.row.loss, *parts) for key in LOSSES.get(loss, ()))
        if arm.row.weighting == "inverse":
            yield "shirokikh2020"
    optimizer = file["training"]["optimizer"]
    yield from (
        OPTIMIZERS[name] for name in ([optimizer] if isinstance(optimizer, str) else optimizer) if name in OPTIMIZERS
    )
    yield from (PACKAGES[name] for name in results.records.study.versions if name in PACKAGES)
    if any(arm.progress.search.planned for arm in results.arms):
        yield from [SAMPLERS[how.sampler]] if how.sampler in SAMPLERS else []
        yield from ["jamieson2016"] if (file["budget"]["halving"] or {}).get("eta", 1) > 1 else ["dodge2019"]
    if results.comparisons:
        yield from ("bell2002", "cornfield1956", "holm1979", "satterthwaite1946")
        yield from ["nadeau2003"] if how.folds > 1 and not how.test_apart else []
