"""The chain through the records: what ties each line to all before it, and what signs that from time to time."""
