"""Papers whose printed numbers are included (`reports/published`): the names that `report.published` takes."""

PUBLISHED: dict[str, tuple[str, ...]] = {
    "chest-ct": ("chest-ct",),
    "matthews": ("brats15", "promise12"),
    "inverse-weighting": ("luna16", "luna16-validation", "lits", "metastases"),
    "kits19": ("kits19",),
}
"""Study → its data sets. `report.published` names a study or one of its data sets, `matthews/promise12`."""
