"""The audit event of a NAS that has shown that it signs: its row of the one table, and its builder.

Knows: what the record says. Refuses to know: the clock (``now`` is given), and what a signature is.
"""

from __future__ import annotations

from typing import Final

from nacd.audit.blocks import timestamp
from nacd.audit.kind import HEAD, Event, event
from nacd.values import AuditEvent, Instant

ROWS: Final[tuple[Event, ...]] = (
    event(
        "A9180I",
        "client.signs",
        "A NAS under `message_authenticator: auto` has signed a request that nobody forced it to sign: from now on"
        " unsigned ones from this address are refused. Written once for an address.",
        *(*HEAD, "nas.name", "nas.source"),
    ),
)


def signs(*, nas: str, source: str, now: Instant) -> AuditEvent:
    """``client.signs``."""
    row = ROWS[0]
    why = f"NAS `{nas}` ({source}) sends Message-Authenticator of its own accord: it is required of it from now on"
    fields = {"code": row.code, "time": timestamp(now.wall), "event": row.name, "why": why}
    return AuditEvent(code=row.code, fields={**fields, "nas": {"name": nas, "source": source}})
