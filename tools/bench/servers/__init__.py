"""The two servers under test, each started as its own process from a configuration written for it."""
