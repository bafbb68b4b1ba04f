"""What is handed out: a wheel, and a Debian package with everything that it needs inside."""
