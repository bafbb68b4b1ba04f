"""Overload: what is worked on first, what waits no longer, and who has had his share."""
