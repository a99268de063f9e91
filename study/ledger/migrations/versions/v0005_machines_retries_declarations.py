"""Machines by segment, trials that were opened again, and declarations of what is tested."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the three tables; older segments have no machine, and older studies declare with their next change."""
    op.create_table(
        "segment_machines",
        sa.Column("trial_id", ID, nullable=False),
        sa.Column("iteration", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("machine", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.id"], name="segment_machines_trial_id_foreign"),
        sa.PrimaryKeyConstraint("trial_id", "iteration", name="segment_machines_primary"),
    )
    op.create_table(
        "retries",
        sa.Column("id", ID, nullable=False),
        sa.Column("trial_id", ID, nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.id"], name="retries_trial_id_foreign"),
        sa.PrimaryKeyConstraint("id", name="retries_primary"),
    )
    op.create_index("retries_by_trial", "retries", ["trial_id"])
    op.create_table(
        "declarations",
        sa.Column("id", ID, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("report_reads", sa.Integer(), nullable=False),
        sa.Column("declared", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="declarations_study_id_foreign"),
        sa.PrimaryKeyConstraint("id", name="declarations_primary"),
    )
    op.create_index("declarations_by_study", "declarations", ["study_id"])
