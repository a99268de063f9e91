"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True)


def upgrade() -> None:
    """Make them in an empty database."""
    op.create_table(
        "studies",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("file", JSON, nullable=False),
        sa.Column("marks", JSON, nullable=False),
        sa.Column("maximize", sa.Boolean(), nullable=False),
        sa.Column("data_digest", sa.String(), nullable=False),
        sa.Column("versions", JSON, nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("stop_requested", sa.Boolean(), nullable=False),
        sa.Column("report_reads", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="studies_primary"),
        sa.UniqueConstraint("name", name="studies_name_unique"),
    )
    op.create_table(
        "arms",
        sa.Column("id", ID, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("loss", sa.String(), nullable=False),
        sa.Column("weighting", sa.String(), nullable=False),
        sa.Column("space", JSON, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="arms_study_id_foreign"),
        sa.PrimaryKeyConstraint("id", name="arms_primary"),
        sa.UniqueConstraint("study_id", "number", name="arms_study_id_number_unique"),
    )
    op.create_table(
        "cases",
        sa.Column("id", ID, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("group_name", sa.String(), nullable=False),
        sa.Column("splits", JSON, nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="cases_study_id_foreign"),
        sa.PrimaryKeyConstraint("id", name="cases_primary"),
        sa.UniqueConstraint("study_id", "name", name="cases_study_id_name_unique"),
    )
    op.create_table(
        "leases",
        sa.Column("study_id", ID, nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("owner", JSON, nullable=True),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="leases_study_id_foreign"),
        sa.PrimaryKeyConstraint("study_id", name="leases_primary"),
    )
    op.create_table(
        "notices",
        sa.Column("id", ID, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="notices_study_id_foreign"),
        sa.PrimaryKeyConstraint("id", name="notices_primary"),
    )
    op.create_index("notices_by_study", "notices", ["study_id"])
    op.create_table(
        "views",
        sa.Column("study_id", ID, nullable=False),
        sa.Column("view", sa.String(), nullable=False),
        sa.Column("position", JSON, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="views_study_id_foreign"),
        sa.PrimaryKeyConstraint("study_id", "view", name="views_primary"),
    )
    op.create_table(
        "trials",
        sa.Column("id", ID, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("arm_id", ID, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("search", sa.Integer(), nullable=False),
        sa.Column("fold", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cohort", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("parameters", JSON, nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("sampled_by", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("ended", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["arm_id"], ["arms.id"], name="trials_arm_id_foreign"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="trials_study_id_foreign"),
        sa.PrimaryKeyConstraint("id", name="trials_primary"),
        sa.UniqueConstraint("study_id", "key", name="trials_study_id_key_unique"),
    )
    op.create_index("trials_by_arm", "trials", ["arm_id"])
    op.create_index("trials_by_revision", "trials", ["study_id", "revision"])
    op.create_table(
        "attempts",
        sa.Column("id", ID, nullable=False),
        sa.Column("trial_id", ID, nullable=False),
        sa.Column("stop", sa.Integer(), nullable=False),
        sa.Column("started_from", sa.Integer(), nullable=False),
        sa.Column("started", sa.Float(), nullable=False),
        sa.Column("ended", sa.Float(), nullable=True),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.id"], name="attempts_trial_id_foreign"),
        sa.PrimaryKeyConstraint("id", name="attempts_primary"),
    )
    op.create_index("attempts_by_trial", "attempts", ["trial_id"])
    op.create_index(
        "attempts_open",
        "attempts",
        ["trial_id"],
        sqlite_where=sa.text("result IS NULL"),
        postgresql_where=sa.text("result IS NULL"),
    )
    op.create_table(
        "case_scores",
        sa.Column("trial_id", ID, nullable=False),
        sa.Column("iteration", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="case_scores_case_id_foreign"),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.id"], name="case_scores_trial_id_foreign"),
        sa.PrimaryKeyConstraint("trial_id", "iteration", "region", "metric", "case_id", name="case_scores_primary"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "checkpoints",
        sa.Column("trial_id", ID, nullable=False),
        sa.Column("iteration", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.id"], name="checkpoints_trial_id_foreign"),
        sa.PrimaryKeyConstraint("trial_id", "iteration", name="checkpoints_primary"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "curves",
        sa.Column("trial_id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("iteration", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.id"], name="curves_trial_id_foreign"),
        sa.PrimaryKeyConstraint("trial_id", "name", "iteration", name="curves_primary"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "previews",
        sa.Column("trial_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("slice_index", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.Column("prediction", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="previews_case_id_foreign"),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.id"], name="previews_trial_id_foreign"),
        sa.PrimaryKeyConstraint("trial_id", "case_id", name="previews_primary"),
    )
    op.create_table(
        "segments",
        sa.Column("trial_id", ID, nullable=False),
        sa.Column("iteration", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("objective", sa.Float(), nullable=True),
        sa.Column("weights", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("evaluate_seconds", sa.Float(), nullable=False),
        sa.Column("trained", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("peak_bytes", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.id"], name="segments_trial_id_foreign"),
        sa.PrimaryKeyConstraint("trial_id", "iteration", name="segments_primary"),
        sqlite_with_rowid=False,
    )
    op.create_index("segments_by_revision", "segments", ["revision"])
