"""The policy room: rules, the first that matches, and why.

Knows: facts in, decision out. Refuses to know: YAML, files, positions, vendors, octets, clocks.
"""
