"""The ledger's tables over time: one revision a released schema. `ledger_version` runs those that are missing."""
