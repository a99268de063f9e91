"""Slices of the gallery's cases: the images once, predictions by trial."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the two tables; trials that ended before have one slice of a case, as they had."""
    op.create_table(
        "case_slices",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("slices", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="case_slices_case_id_foreign"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="case_slices_study_id_foreign"),
        sa.PrimaryKeyConstraint("case_id", name="case_slices_primary"),
    )
    op.create_table(
        "predicted_slices",
        sa.Column("trial_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("prediction", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="predicted_slices_case_id_foreign"),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.id"], name="predicted_slices_trial_id_foreign"),
        sa.PrimaryKeyConstraint("trial_id", "case_id", name="predicted_slices_primary"),
    )
