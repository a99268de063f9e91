"""MLflow as a view of the ledger: what to send, how to send it, and the thread that does so."""
