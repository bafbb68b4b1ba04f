"""The spine of an Accounting-Request: what it changes, and what is written down about it.

Knows: what each Acct-Status-Type is. Refuses to know: where it is written and that the answer waits for it (RFC 2866
section 2: answer only what has been recorded).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, TypeAlias

from nacd.admit import NOTHING, Nothing, place, token_in
from nacd.audit import events
from nacd.identity.mac import parse
from nacd.session.clocks import happened_at, said_at
from nacd.sessions import Accounted, AccountingKind, Names, NasRestarted
from nacd.values import AccountingRequest, AuditEvent, Instant, MacAddress

Account: TypeAlias = Accounted | NasRestarted | Nothing

_KINDS: Final = {
    "start": AccountingKind.START,
    "interim-update": AccountingKind.INTERIM,
    "alive": AccountingKind.INTERIM,
    "stop": AccountingKind.STOP,
}
_RESTARTS: Final = {
    "accounting-on": "its NAS was started",
    "accounting-off": "its NAS was stopped",
}


def change(request: AccountingRequest, now: Instant) -> Account:
    """What the record changes in the sessions. Total: an unknown status type changes nothing."""
    status = request.status_type.casefold()
    if status in _RESTARTS:
        return NasRestarted(
            nas=request.nas.name,
            source=request.source,
            nas_identifier=request.nas_identifier,
            nas_address=request.nas_address,
            at=now.wall,
            happened_at=happened_at(request, now.wall),
            said_at=said_at(request, now.wall),
            record=record_digest(request),
            cause=_RESTARTS[status],
        )
    kind = _KINDS.get(status)
    if kind is None:
        return NOTHING
    return Accounted(
        kind=kind,
        place=place(request),
        names=Names(
            acct_session_id=request.acct_session_id,
            acct_multi_session_id=request.acct_multi_session_id,
            audit_session_id=request.audit_session_id,
            token=token_in(request.class_values),
            user_name=request.user_name,
            chargeable_user_identity=request.chargeable_user_identity,
            user_name_octets=request.user_name_octets,
        ),
        at=now.wall,
        happened_at=happened_at(request, now.wall),
        said_at=said_at(request, now.wall),
        record=record_digest(request),
        session_time_s=request.session_time_s,
        cause=request.terminate_cause,
    )


def account(request: AccountingRequest, session: int, now: Instant) -> AuditEvent:
    """The audit event of one accounting record. Total: an unknown status type is recorded by its number.

    session: number of the session it was tied to, 0 for none.
    """
    mac = parse(request.calling_station_id)
    text = mac.text if isinstance(mac, MacAddress) else ""
    return events.accounting(request=request, now=now, mac=text, session=session)


def record_digest(request: AccountingRequest) -> str:
    """32 hex digits that a retransmission and a replay of this record share, and no other record.

    A retransmission may have another Identifier, source port and Acct-Delay-Time (RFC 2866 section 5.2); nothing else.
    """
    said = (
        request.nas.name,
        request.source,
        request.status_type,
        request.acct_session_id,
        request.user_name,
        request.calling_station_id,
        request.called_station_id,
        request.nas_identifier,
        request.nas_address,
        request.nas_port,
        request.nas_port_id,
        request.framed_address,
        request.audit_session_id,
        request.class_values,
        request.session_time_s,
        request.event_timestamp,
        request.terminate_cause,
        request.chargeable_user_identity,
    )
    return blake2b(ascii(said).encode(), digest_size=16).hexdigest()
