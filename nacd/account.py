"""The spine of an Accounting-Request: what is written down about it.

Knows: which event each Acct-Status-Type is. Refuses to know: where it is written and that the
answer waits for it (RFC 2866 section 2: answer only what has been recorded).
"""

from __future__ import annotations

from nacd.audit import events
from nacd.identity.mac import parse
from nacd.values import AccountingRequest, AuditEvent, Instant, MacAddress


def account(request: AccountingRequest, now: Instant) -> AuditEvent:
    """The audit event of one accounting record. Total: an unknown status type is recorded by its number."""
    mac = parse(request.calling_station_id)
    return events.accounting(request=request, now=now, mac=mac.text if isinstance(mac, MacAddress) else "")
