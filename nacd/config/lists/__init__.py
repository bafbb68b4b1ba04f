"""Lists that a policy keeps in files beside it."""
