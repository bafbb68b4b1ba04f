"""nacd compiled: the modules that every packet goes through as machine code, made from the same source."""
