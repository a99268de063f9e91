"""The ledger's tables. Columns that `ledger.digest` leaves out (wall times, hosts, attempts, addresses) are VIEW_ONLY.

A change here needs a revision in `study/ledger/migrations/versions` and a new `VERSION`: a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from study.ledger.database.column_types import VIEW_ONLY, Id, PlainData, metadata
from study.ledger.database.score_tables import (
    case_counts,
    case_scores,
    case_slices,
    curves,
    lesion_scores,
    pooled_scores,
    predicted_slices,
    previews,
)

__all__ = [
    "VERSION", "VERSION_TABLE", "VIEW_ONLY", "arms", "attempts", "case_counts", "case_scores", "case_slices", "cases",
    "checkpoints", "curves", "declarations", "footprints", "leases", "lesion_scores", "metadata", "notices",
    "pooled_scores", "predicted_slices", "previews", "retries", "segment_machines", "segments", "studies", "trials",
    "views",
]  # fmt: skip

VERSION = "0005"  # the newest revision in study/ledger/migrations/versions; they sort as text
VERSION_TABLE = "segstudy_version"  # not Alembic's default: MLflow keeps its own in a database that may be shared

studies = Table(
    "studies",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("file", PlainData, nullable=False),  # the study file as validated, all defaults written out
    Column("marks", PlainData, nullable=False),  # Design.marks
    Column("maximize", Boolean, nullable=False),  # Design.maximize
    Column("data_digest", String, nullable=False),  # of the cases' files
    Column("versions", PlainData, nullable=False, info=VIEW_ONLY),  # python, torch, ray, optuna, segstudy
    Column("created", Float, nullable=False, info=VIEW_ONLY),  # seconds since 1970, as all times here
    Column("stop_requested", Boolean, nullable=False, info=VIEW_ONLY),
    Column("report_reads", Integer, nullable=False, info=VIEW_ONLY),  # how often test tables were shown
)

leases = Table(
    "leases",
    metadata,
    Column("study_id", ForeignKey("studies.id"), primary_key=True),
    Column("fence", Integer, nullable=False),  # grows with each owner; a transaction with an older one is refused
    Column("revision", Integer, nullable=False),  # grows with each transaction of an owner
    Column("owner", PlainData),  # lease.Owner; null when free
    Column("expires", Float, nullable=False),
    info=VIEW_ONLY,
)

cases = Table(
    "cases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("study_id", ForeignKey("studies.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("group_name", String, nullable=False),
    Column("splits", PlainData, nullable=False),  # for each fold: train, validation or test
    Column("facts", PlainData, nullable=False),  # shape, spacing, ceilings, …
    UniqueConstraint("study_id", "name"),
)

arms = Table(
    "arms",
    metadata,
    Column("id", Id, primary_key=True),
    Column("study_id", ForeignKey("studies.id"), nullable=False),
    Column("number", Integer, nullable=False),  # Arm.index
    Column("name", String, nullable=False),
    Column("model", String, nullable=False),
    Column("loss", String, nullable=False),
    Column("weighting", String, nullable=False),
    Column("space", PlainData, nullable=False),  # dotted name → {fixed:} | {choice: […]} | {low:, high:, log:, step:}
    UniqueConstraint("study_id", "number"),
)

trials = Table(
    "trials",
    metadata,
    Column("id", Id, primary_key=True),
    Column("study_id", ForeignKey("studies.id"), nullable=False),
    Column("arm_id", ForeignKey("arms.id"), nullable=False),
    Column("key", String, nullable=False),  # str(TrialKey)
    Column("stage", String, nullable=False),
    Column("search", Integer, nullable=False),
    Column("fold", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("cohort", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("parameters", PlainData, nullable=False),  # shortest text that reads back as the same double
    Column("source", String),  # key of the search trial whose configuration this is
    Column("status", String, nullable=False),  # design.Status
    Column("reason", Text),  # why it failed or was lost
    Column("sampled_by", String, nullable=False),  # "tpe, optuna 5.0.0"
    Column("revision", Integer, nullable=False, info=VIEW_ONLY),  # leases.revision of its last change
    Column("created", Float, nullable=False, info=VIEW_ONLY),
    Column("ended", Float, info=VIEW_ONLY),
    UniqueConstraint("study_id", "key"),
    Index("trials_by_arm", "arm_id"),
    Index("trials_by_revision", "study_id", "revision"),
)

segments = Table(
    "segments",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("iteration", Integer, primary_key=True, autoincrement=False),  # the mark that it reached
    Column("objective", Float),  # null: the values of all cases are missing
    Column("weights", String, nullable=False),  # digest of network and optimiser
    Column("revision", Integer, nullable=False, info=VIEW_ONLY),  # leases.revision when it was recorded
    Column("checkpoint", Text, info=VIEW_ONLY),  # folder; null once it was removed
    Column("attempts", Integer, nullable=False, info=VIEW_ONLY),
    Column("seconds", Float, nullable=False, info=VIEW_ONLY),  # training time of the last attempt
    Column("evaluate_seconds", Float, nullable=False, info=VIEW_ONLY),
    Column("trained", Integer, nullable=False, info=VIEW_ONLY),  # iterations that `seconds` belong to
    Column("host", String, nullable=False, info=VIEW_ONLY),
    Column("device", String, nullable=False, info=VIEW_ONLY),
    Column("peak_bytes", BigInteger, nullable=False, info=VIEW_ONLY),
    Column("ended", Float, nullable=False, info=VIEW_ONLY),
    Index("segments_by_revision", "revision"),
    sqlite_with_rowid=False,
)

segment_machines = Table(  # what trained a segment, also one that failed; not in the digest: it says where, not what
    "segment_machines",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("iteration", Integer, primary_key=True, autoincrement=False),
    Column("machine", PlainData, nullable=False),  # Outcome.machine: CPU capability, GPU, versions, code digests
    info=VIEW_ONLY,
)

retries = Table(  # trials that had ended lost or failed and were opened again
    "retries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("trial_id", ForeignKey("trials.id"), nullable=False),
    Column("created", Float, nullable=False),
    Column("attempt", BigInteger, nullable=False),  # attempts.id of the trial's last attempt before; 0 without one
    Column("status", String, nullable=False),  # before: lost or failed
    Column("reason", Text),  # of that end
    Index("retries_by_trial", "trial_id"),
    info=VIEW_ONLY,
)

attempts = Table(  # a segment handed to a worker
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("trial_id", ForeignKey("trials.id"), nullable=False),
    Column("stop", Integer, nullable=False),  # the mark that it was to reach
    Column("started_from", Integer, nullable=False),  # iteration of the checkpoint that it was given
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("result", String),  # done, failed, lost, stopped; null while it runs
    Column("reason", Text),
    Index("attempts_by_trial", "trial_id"),
    Index("attempts_open", "trial_id", sqlite_where=text("result IS NULL"), postgresql_where=text("result IS NULL")),
    info=VIEW_ONLY,
)

checkpoints = Table(  # between marks
    "checkpoints",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("iteration", Integer, primary_key=True, autoincrement=False),
    Column("folder", Text, nullable=False),
    Column("created", Float, nullable=False),
    info=VIEW_ONLY,
    sqlite_with_rowid=False,
)

footprints = Table(  # what training a network takes at one size, measured; of no one study
    "footprints",
    metadata,
    Column("subject", String, primary_key=True),  # digest of network, sizes, losses: probing.subject
    Column("device", String, primary_key=True),  # the GPU's name, or `cpu of HOST`
    Column("model", String, nullable=False),
    Column("seconds", Float, nullable=False),  # of an iteration
    Column("window_seconds", Float, nullable=False),
    Column("voxel_seconds", Float, nullable=False),
    Column("peak_bytes", BigInteger, nullable=False),
    Column("total_bytes", BigInteger, nullable=False),
    Column("measured", Float, nullable=False),
    info=VIEW_ONLY,
)

views = Table(  # how far a view (MLflow) has followed
    "views",
    metadata,
    Column("study_id", ForeignKey("studies.id"), primary_key=True),
    Column("view", String, primary_key=True),  # its address
    Column("position", PlainData, nullable=False),
    info=VIEW_ONLY,
)

declarations = Table(  # what is tested and shown: as it stood when the final stage began, and each change since
    "declarations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("study_id", ForeignKey("studies.id"), nullable=False),
    Column("created", Float, nullable=False),
    Column("report_reads", Integer, nullable=False),  # how often test tables had been shown by then
    Column("declared", PlainData, nullable=False),  # key of the study file → value
    Index("declarations_by_study", "study_id"),
    info=VIEW_ONLY,
)

notices = Table(  # what a reader of the report must know: warnings of check, losses of machines
    "notices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("study_id", ForeignKey("studies.id"), nullable=False),
    Column("created", Float, nullable=False),
    Column("text", Text, nullable=False),
    Index("notices_by_study", "study_id"),
    info=VIEW_ONLY,
)
