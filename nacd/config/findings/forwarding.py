"""What is lawful among the destinations of the audit trail, and yet may not be meant.

Knows: destinations. Refuses to know: whether anybody is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nacd.config.sections.audit.forwarding import Destination
from nacd.config.yaml import PathTo
from nacd.findings import Code


def remarks(destinations: Sequence[Destination]) -> Iterator[tuple[Code, PathTo, str]]:
    """Code, path in ``nacd.yaml``, message."""
    for number, each in enumerate(destinations):
        if each.in_clear:
            message = (
                f"destination `{each.name}` gets records in clear over `{each.scheme}`: use `syslog+tls` or `https`"
            )
            yield Code.FORWARD_IN_CLEAR, ("audit", "forward", number, "url"), message
