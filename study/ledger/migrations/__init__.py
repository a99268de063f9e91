"""Revisions of the ledger's tables, one for each released schema. `database/version.py` runs the missing ones."""
