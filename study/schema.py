"""The ledger's tables. What the digest leaves out (wall times, hosts, attempts, addresses) is marked `view only`."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts rows only in a column that is exactly INTEGER

studies = Table(
    "studies",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("file", JSON, nullable=False),  # the study file as validated, all defaults written out
    Column("data_digest", String(64), nullable=False),  # of the cases' files
    Column("versions", JSON, nullable=False),  # view only: python, torch, ray, optuna, segstudy
    Column("created", Float, nullable=False),  # view only: seconds since 1970, as all times here
    Column("stop_requested", Integer, nullable=False, default=0),  # view only
    Column("report_reads", Integer, nullable=False, default=0),  # view only: how often test tables were shown
)

leases = Table(
    "leases",
    metadata,
    Column("study_id", ForeignKey("studies.id"), primary_key=True),
    Column("fence", Integer, nullable=False),  # grows with each owner; a transaction with an older one is refused
    Column("owner", JSON),  # host, pid, start time of that process; null when free
    Column("expires", Float, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("study_id", ForeignKey("studies.id"), nullable=False),
    Column("name", String(300), nullable=False),
    Column("group_name", String(300), nullable=False),
    Column("splits", JSON, nullable=False),  # for each fold: train, validation or test
    Column("facts", JSON, nullable=False),  # shape, spacing, ceilings, …
    UniqueConstraint("study_id", "name"),
)

arms = Table(
    "arms",
    metadata,
    Column("id", Id, primary_key=True),
    Column("study_id", ForeignKey("studies.id"), nullable=False),
    Column("number", Integer, nullable=False),  # Arm.index
    Column("name", String(200), nullable=False),
    Column("model", String(100), nullable=False),
    Column("loss", String(100), nullable=False),
    Column("weighting", String(20), nullable=False),
    Column("space", JSON, nullable=False),  # dotted name → {fixed: …} | {choice: […]} | {low:, high:, log:, step:}
    UniqueConstraint("study_id", "number"),
)

trials = Table(
    "trials",
    metadata,
    Column("id", Id, primary_key=True),
    Column("study_id", ForeignKey("studies.id"), nullable=False),
    Column("arm_id", ForeignKey("arms.id"), nullable=False),
    Column("key", String(80), nullable=False),  # str(TrialKey)
    Column("stage", String(10), nullable=False),
    Column("search", Integer, nullable=False),
    Column("fold", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("cohort", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("parameters", JSON, nullable=False),  # shortest text that reads back as the same double
    Column("source", String(80)),  # key of the search trial whose configuration this is
    Column("status", String(10), nullable=False),  # design.Status
    Column("reason", Text),  # why it failed or was lost
    Column("sampled_by", String(80), nullable=False),  # "tpe, optuna 5.0.0"
    Column("created", Float, nullable=False),  # view only
    Column("ended", Float),  # view only
    UniqueConstraint("study_id", "key"),
    Index("trials_by_arm", "arm_id"),
)

segments = Table(
    "segments",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("iteration", Integer, primary_key=True),  # the mark that it reached
    Column("objective", Float),
    Column("weights", String(64), nullable=False),  # digest of network and optimiser
    Column("checkpoint", Text),  # view only: folder; null once it was removed
    Column("attempts", Integer, nullable=False),  # view only
    Column("seconds", Float, nullable=False),  # view only: training time of the last attempt
    Column("evaluate_seconds", Float, nullable=False),  # view only
    Column("trained", Integer, nullable=False),  # view only: iterations that `seconds` belong to
    Column("host", String(200), nullable=False),  # view only
    Column("device", String(100), nullable=False),  # view only
    Column("peak_bytes", BigInteger, nullable=False),  # view only
    Column("ended", Float, nullable=False),  # view only
)

attempts = Table(  # view only, all of it: a segment handed to a worker
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("trial_id", ForeignKey("trials.id"), nullable=False),
    Column("stop", Integer, nullable=False),  # the mark that it was to reach
    Column("started_from", Integer, nullable=False),  # iteration of the checkpoint that it was given
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("result", String(10)),  # done, failed, lost, stopped; null while it runs
    Column("reason", Text),
    Index("attempts_by_trial", "trial_id"),
)

checkpoints = Table(  # view only: between marks
    "checkpoints",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("iteration", Integer, primary_key=True),
    Column("folder", Text, nullable=False),
    Column("created", Float, nullable=False),
)

curves = Table(
    "curves",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("name", String(60), primary_key=True),
    Column("iteration", Integer, primary_key=True),
    Column("value", Float, nullable=False),
)

case_scores = Table(
    "case_scores",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("iteration", Integer, primary_key=True),
    Column("region", String(100), primary_key=True),
    Column("metric", String(60), primary_key=True),
    Column("case_id", ForeignKey("cases.id"), primary_key=True),
    Column("value", Float),  # null: missing, by the policy that `note` names
    Column("note", String(60)),
)

previews = Table(
    "previews",
    metadata,
    Column("trial_id", ForeignKey("trials.id"), primary_key=True),
    Column("case_id", ForeignKey("cases.id"), primary_key=True),
    Column("slice_index", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("image", LargeBinary, nullable=False),  # zlib-deflated uint8, row-major; so the two below
    Column("reference", LargeBinary, nullable=False),
    Column("prediction", LargeBinary, nullable=False),
)

views = Table(  # how far a view (MLflow) has followed; view only
    "views",
    metadata,
    Column("study_id", ForeignKey("studies.id"), primary_key=True),
    Column("view", String(200), primary_key=True),  # its address
    Column("position", JSON, nullable=False),
)

notices = Table(  # what a reader of the report must know; view only: warnings of check, losses of machines
    "notices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("study_id", ForeignKey("studies.id"), nullable=False),
    Column("created", Float, nullable=False),
    Column("text", Text, nullable=False),
)
