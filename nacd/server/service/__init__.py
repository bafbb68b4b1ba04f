"""What whoever started the daemon is told of it: systemd, or anything that speaks sd_notify(3)."""
