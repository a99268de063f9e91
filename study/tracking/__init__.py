"""MLflow as a view of the ledger: what to send, how it is sent, and the thread that does it."""
