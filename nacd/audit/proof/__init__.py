"""Whether a trail is as it was written, and who says so: octets in, findings out."""
