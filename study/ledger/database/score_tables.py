"""The ledger's tables of what trials measured: curves, scores, voxel counts, lesions, pictures."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Integer, String, Table

from study.ledger.database.column_types import VIEW_ONLY, Deflated, PlainData, metadata

curves = Table(
    "curves",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("iteration", Integer, primary_key=True, autoincrement=False),
    Column("value", Float, nullable=False),
    sqlite_with_rowid=False,
)

case_scores = Table(
    "case_scores",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("iteration", Integer, primary_key=True, autoincrement=False),
    Column("region", String, primary_key=True),
    Column("metric", String, primary_key=True),
    Column("case_id", ForeignKey("cases.id"), primary_key=True),
    Column("value", Float),  # null: missing, by the policy that `note` names
    Column("note", String),
    sqlite_with_rowid=False,
)

case_counts = Table(  # voxels: what is pooled over cases or groups, and the volume of what is falsely found
    "case_counts",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("iteration", Integer, primary_key=True, autoincrement=False),
    Column("region", String, primary_key=True),
    Column("case_id", ForeignKey("cases.id"), primary_key=True),
    Column("tp", BigInteger, nullable=False),
    Column("fp", BigInteger, nullable=False),
    Column("fn", BigInteger, nullable=False),
    Column("tn", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

pooled_scores = Table(  # of all cases of a trial together, where case_counts do not give them: average precision
    "pooled_scores",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("iteration", Integer, primary_key=True, autoincrement=False),
    Column("region", String, primary_key=True),
    Column("metric", String, primary_key=True),
    Column("value", Float),  # null: no case has the region
    sqlite_with_rowid=False,
)

lesion_scores = Table(
    "lesion_scores",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("iteration", Integer, primary_key=True, autoincrement=False),
    Column("region", String, primary_key=True),
    Column("case_id", ForeignKey("cases.id"), primary_key=True),
    Column("lesions", Integer, nullable=False),  # in the reference
    Column("found", Integer, nullable=False),
    Column("false_positives", Integer, nullable=False),
    Column("records", Deflated, nullable=False),  # trainables.lesion_records.Lesions.pack: each of them
)

previews = Table(
    "previews",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("case_id", ForeignKey("cases.id"), primary_key=True),
    Column("slice_index", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("image", Deflated, nullable=False),  # uint8, row-major; so the two below
    Column("reference", Deflated, nullable=False),
    Column("prediction", Deflated, nullable=False),
)

case_slices = Table(  # of the cases in the gallery, once for all trials; the data digest covers them
    "case_slices",
    metadata,
    Column("case_id", ForeignKey("cases.id"), primary_key=True),
    Column("study_id", ForeignKey("studies.id"), nullable=False),
    Column("slices", PlainData, nullable=False),  # indices along z
    Column("height", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("image", Deflated, nullable=False),  # uint8, slice by slice, row-major; so the next
    Column("reference", Deflated, nullable=False),
    info=VIEW_ONLY,
)

predicted_slices = Table(  # on the slices of case_slices
    "predicted_slices",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("case_id", ForeignKey("cases.id"), primary_key=True),
    Column("prediction", Deflated, nullable=False),
)
