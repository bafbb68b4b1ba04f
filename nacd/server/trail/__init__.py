"""The audit trail as the daemon's configuration wants it."""
