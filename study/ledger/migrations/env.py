"""Alembic's environment: runs the revisions in the transaction that `database/version.py` has opened."""

from alembic import context

from study.ledger.database import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    version_table=schema.VERSION_TABLE,
    render_as_batch=True,  # SQLite changes a column by copying its table
)
with context.begin_transaction():
    context.run_migrations()
