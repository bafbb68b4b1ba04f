"""Manual pages, made of what is there already: the command line's own help, and docs/reference.md."""
