"""The configuration shell: two YAML files in, one checked ``Loaded`` out, or every problem with its place.

Knows: files, YAML, environment variables, systemd credentials, and where each setting was written.
Refuses to know: sockets, what the rooms do with their options, and how a vendor says a profile.
"""
