"""Voxel counts by case, scores pooled over cases, and lesions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the three tables; trials that were scored before have no rows in them."""
    op.create_table(
        "case_counts",
        sa.Column("trial_id", ID, nullable=False),
        sa.Column("iteration", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("tp", sa.BigInteger(), nullable=False),
        sa.Column("fp", sa.BigInteger(), nullable=False),
        sa.Column("fn", sa.BigInteger(), nullable=False),
        sa.Column("tn", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="case_counts_case_id_foreign"),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.id"], name="case_counts_trial_id_foreign"),
        sa.PrimaryKeyConstraint("trial_id", "iteration", "region", "case_id", name="case_counts_primary"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lesion_scores",
        sa.Column("trial_id", ID, nullable=False),
        sa.Column("iteration", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("lesions", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("false_positives", sa.Integer(), nullable=False),
        sa.Column("records", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="lesion_scores_case_id_foreign"),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.id"], name="lesion_scores_trial_id_foreign"),
        sa.PrimaryKeyConstraint("trial_id", "iteration", "region", "case_id", name="lesion_scores_primary"),
    )
    op.create_table(
        "pooled_scores",
        sa.Column("trial_id", ID, nullable=False),
        sa.Column("iteration", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.id"], name="pooled_scores_trial_id_foreign"),
        sa.PrimaryKeyConstraint("trial_id", "iteration", "region", "metric", name="pooled_scores_primary"),
        sqlite_with_rowid=False,
    )
