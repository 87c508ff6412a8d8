"""What became of every event: the journal in Redis, the records in PostgreSQL, and the ledger over both."""
