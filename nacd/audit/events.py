"""Builders: one function for each audit event, from values to a finished record.

Knows: what each record says and its one sentence of why. Refuses to know: the clock (``now`` is given),
how records become lines (``line``) and where they lie (``store/``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from nacd.audit import blocks
from nacd.audit.blocks import Block, timestamp
from nacd.audit.catalogue import EVENTS, document
from nacd.audit.reload.events import loaded as configuration_loaded
from nacd.values import (
    NO_LINK,
    AccessKind,
    AccessList,
    AccessRequest,
    AccountingRequest,
    Attribute,
    AuditEvent,
    AuditValue,
    Compliance,
    Decision,
    Device,
    EapFailed,
    Effect,
    Endpoint,
    Identity,
    Instant,
    Link,
    Named,
    Rendered,
    ReplyCode,
)

__all__ = [
    "EVENTS",
    "accounting",
    "audit_resumed",
    "bug",
    "configuration_loaded",
    "decision",
    "document",
    "drops",
    "eap_failed",
    "over_budget",
    "overflow",
    "probe_warning",
    "refused",
    "repeated",
    "reply_too_long",
    "started",
    "stopped",
    "timestamp",
]

_ACCOUNTING = {
    "start": ("A2001I", "the NAS began a session"),
    "interim-update": ("A2002I", "the NAS reports a session that goes on"),
    "alive": ("A2002I", "the NAS reports a session that goes on"),
    "stop": ("A2003I", "the NAS ended a session"),
    "accounting-on": ("A2004I", "the NAS says it has started; its earlier sessions are over"),
    "accounting-off": ("A2005I", "the NAS says it stops; its sessions are over"),
}


# -- access ---------------------------------------------------------------------------------


def decision(
    *,
    request: AccessRequest,
    named: Named,
    compliance: Compliance,
    decision: Decision,
    rendered: Rendered | None,
    shown: list[AuditValue],
    latency_ms: float,
    now: Instant,
    occasion: str = "request",
    tls_version: str = "",
    cipher: str = "",
    peer_identity: str = "",
    chargeable_user_identity: str = "",
    link: Link = NO_LINK,
    inventory: tuple[str, ...] = (),
) -> AuditEvent:
    """``access.accept``, ``access.reject`` or ``access.managed``: the whole why of one decision.

    rendered: the profile in the vendor's words, ``None`` on deny. shown: the attributes of this answer, the profile's
    and the request's own, out of ``blocks.attributes``. occasion: ``request``, ``late_answer`` or ``reassess``.
    An accept has no repeat key: it is always written by itself. A reject repeats when port, caller, rule and
    compliance do.
    """
    allowed = decision.effect is Effect.ALLOW
    code = "A1001I" if allowed else "A1008W" if decision.refused_above else "A1002I"
    verdict = f"gives profile `{decision.profile}`" if allowed else "denies"
    who = _who(named.identity)
    fields: Block = {
        "code": code,
        "time": timestamp(now.wall),
        "event": EVENTS[code].name,
        "why": f"{who}: rule `{decision.rule}` {verdict}: {'; '.join(decision.reasons)}",
        "access": named.access,
        "nas": blocks.nas(request),
        "endpoint": blocks.endpoint(request, mac=named.mac, user=named.user, link=link, inventory=inventory),
        "session": blocks.session(request),
        "occasion": occasion,
        "identity": blocks.identity(named),
        "eap": {"peer_identity": peer_identity, "tls_version": tls_version, "cipher": cipher},
        "compliance": blocks.compliance(compliance, now),
        "decision": blocks.decision(decision),
        "reply": {
            "code": ReplyCode.ACCEPT if allowed else ReplyCode.REJECT,
            "attributes": shown,
            "omitted": list(rendered.omitted) if rendered else [],
            "actions": list(rendered.on_quarantine) if rendered else [],
        },
        "chargeable_user_identity": chargeable_user_identity,
        "latency_ms": blocks.thousandths(latency_ms),
    }
    fields |= blocks.certificate(named.certificate)
    if allowed:
        return AuditEvent(code=code, fields=fields)
    repeat_key = _repeat_key(code, request, decision.rule, compliance.state, who)
    return AuditEvent(code=code, fields=fields, repeat_key=repeat_key, port_key=_port_key(request))


def eap_failed(
    *, request: AccessRequest, failed: EapFailed, access: AccessKind, latency_ms: float, now: Instant
) -> AuditEvent:
    """``access.eap_failed``: the endpoint could not prove who it is."""
    fields: Block = {
        **_request(request, access=access),
        "eap": {"failure": failed.code, "peer_identity": failed.peer_identity, "tls_version": "", "cipher": ""},
        "certificate": {"subject": failed.subject, "issuer": failed.issuer},
        "latency_ms": blocks.thousandths(latency_ms),
    }
    if not failed.subject and not failed.issuer:
        del fields["certificate"]
    return _event(
        "A1003W",
        failed.reason,
        fields,
        now,
        repeat_key=_repeat_key("A1003W", request, failed.code, failed.subject),
        port_key=_port_key(request),
    )


def refused(*, request: AccessRequest, refusal: str, reason: str, latency_ms: float, now: Instant) -> AuditEvent:
    """``access.refused``: no access kind, or a MAB whose password is wrong. refusal: its stable word."""
    fields: Block = {**_request(request), "refusal": refusal, "latency_ms": blocks.thousandths(latency_ms)}
    return _event(
        "A1004W",
        reason,
        fields,
        now,
        repeat_key=_repeat_key("A1004W", request, refusal, request.service_type),
        port_key=_port_key(request),
    )


def list_downloaded(*, request: AccessRequest, listed: AccessList, latency_ms: float, now: Instant) -> AuditEvent:
    """``access.list_downloaded``: the last page of an access list is sent. It names no endpoint."""
    shown: Block = {"name": listed.name, "lines": listed.lines, "packets": len(listed.pages)}
    fields: Block = {**_request(request), "access_list": shown, "latency_ms": blocks.thousandths(latency_ms)}
    return _event("A1006I", f"NAS `{request.nas.name}` has downloaded the access list `{listed.name}`", fields, now)


def reply_too_long(
    *,
    request: AccessRequest,
    named: Named,
    decision: Decision,
    sent: tuple[Attribute, ...],
    octets: int,
    now: Instant,
) -> AuditEvent:
    """``access.reply_too_long``: the answer did not fit; a Reject went out. octets: its length, 0 if unknown."""
    size = f"{octets} octets" if octets else "more than a packet holds"
    fields: Block = {
        **_request(request, access=named.access, mac=named.mac, user=named.user),
        "identity": blocks.identity(named),
        **blocks.certificate(named.certificate),
        "decision": blocks.decision(decision),
        "reply": {"octets": octets, "attributes": blocks.attributes(sent)},
    }
    return _event(
        "A1005E",
        f"the answer of profile `{decision.profile}` would take {size}, a packet holds 4096: shorten the profile",
        fields,
        now,
        repeat_key=_repeat_key("A1005E", request, decision.rule, decision.profile),
        port_key=_port_key(request),
    )


# -- refusals counted -----------------------------------------------------------------------


_COUNTED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "certificate": ("issuer",),
    "eap": ("failure",),
    "compliance": ("state",),
    "decision": ("rule", "reasons"),
}


def repeated(*, of: AuditEvent, count: int, first: float, last: float, now: Instant) -> AuditEvent:
    """``access.repeated``: ``count`` more refusals equal to the record ``of``. first, last: seconds since the epoch."""
    original = of.fields
    fields: Block = {
        **{name: original[name] for name in ("access", "nas", "endpoint", "session", "refusal") if name in original},
        "repeated": {"code": of.code, "event": EVENTS[of.code].name, "why": original.get("why", "")},
        **_span(count, first, last),
    }
    # What a report counts them by: most refusals are repeats.
    for block, names in _COUNTED_BY.items():
        shown = original.get(block)
        told = {name: shown[name] for name in names if name in shown} if isinstance(shown, dict) else {}
        if told:
            fields[block] = told
    return _event("A1010W", f"{count} more times: {original.get('why', '')}", fields, now)


def over_budget(
    *, of: AuditEvent, count: int, by_code: Mapping[str, int], first: float, last: float, now: Instant
) -> AuditEvent:
    """``access.port_over_budget``: refusals of one NAS port that were only counted. of: the first of them."""
    fields: Block = {
        **{name: of.fields[name] for name in ("access", "nas", "endpoint", "session") if name in of.fields},
        "repeated": {"by_code": dict(by_code)},
        **_span(count, first, last),
    }
    why = (
        f"one NAS port caused {count} more refusals than are written: look for an endpoint that changes its name or MAC"
    )
    return _event("A1011W", why, fields, now)


def overflow(
    *, count: int, by_code: Mapping[str, int], by_nas: Mapping[str, int], first: float, last: float, now: Instant
) -> AuditEvent:
    """``access.repeats_overflow``: refusals counted by code and NAS alone, for want of room to tell them apart."""
    fields: Block = {"repeated": {"by_code": dict(by_code), "by_nas": dict(by_nas)}, **_span(count, first, last)}
    return _event("A1012W", f"{count} refusals were not written: too many different ones at a time", fields, now)


# -- accounting and packets -----------------------------------------------------------------


def accounting(*, request: AccountingRequest, now: Instant, mac: str = "", session: int = 0) -> AuditEvent:
    """The accounting event of this status type. mac: the endpoint's MAC, canonical, where it is known. session: number
    of the session that the record was tied to, 0 for none."""
    other = ("A2006W", f"Acct-Status-Type `{request.status_type}` is acknowledged and not acted on")
    code, why = _ACCOUNTING.get(request.status_type.casefold(), other)
    if request.terminate_cause:
        why += f", cause {request.terminate_cause}"
    return _event(code, why, {**blocks.accounting(request, mac=mac), "nacd_session": session}, now)


def drops(
    *, nas: str, source: str, reason: str, detail: str, count: int, first: float, last: float, now: Instant
) -> AuditEvent:
    """``packets.dropped``: one line of the report on silent drops. first, last: seconds since the epoch."""
    fields: Block = {
        "nas": {"name": nas, "source": source},
        "packets": {"reason": reason, "detail": detail},
        **_span(count, first, last),
    }
    who = f"NAS `{nas}`" if nas else "an address no NAS is configured for"
    return _event("A3001W", f"{count} packets from {who} dropped: {detail or reason}", fields, now)


def probe_warning(*, nas: str, source: str, user_name: str, reason: str, detail: str, now: Instant) -> AuditEvent:
    """``packets.probe``: a NAS's health probe was dropped, so the NAS may give up on nacd."""
    fields: Block = {
        "nas": {"name": nas, "source": source},
        "endpoint": {"user_name": user_name},
        "packets": {"reason": reason, "detail": detail},
    }
    why = f"the health probe of NAS `{nas}` gets no answer: {detail or reason}"
    return _event("A3002W", why, fields, now, repeat_key=repr(("A3002W", nas, source, reason)))


# -- the service itself ---------------------------------------------------------------------


def started(*, version: str, detail: str, now: Instant) -> AuditEvent:
    """``service.started``."""
    return _event("A9001I", f"nacd {version} started", {"service": {"version": version, "detail": detail}}, now)


def stopped(*, version: str, detail: str, now: Instant) -> AuditEvent:
    """``service.stopped``. detail: why, in words."""
    why = f"nacd {version} stopped" + (f": {detail}" if detail else "")
    return _event("A9002I", why, {"service": {"version": version, "detail": detail}}, now)


def audit_resumed(*, by_code: Mapping[str, int], since: float, why: str, now: Instant) -> AuditEvent:
    """``audit.resumed``. by_code: how many were lost, by event code. since: seconds since the epoch; why: what had kept
    records from being written."""
    lost = sum(by_code.values())
    shown: Block = {"lost": lost, "by_code": dict(by_code), "since": timestamp(since)}
    return _event("A9005E", f"{lost} audit records were lost: {why}", {"audit": shown}, now)


def bug(*, kind: str, where: str, nas: str, source: str, now: Instant) -> AuditEvent:
    """``service.bug``. kind: type of the exception; its text is left out, since it may quote a packet's secrets.

    where: ``file:line function``.
    """
    fields: Block = {"nas": {"name": nas, "source": source}, "bug": {"type": kind, "where": where}}
    why = f"an error in nacd itself ({kind} at {where}): the packet gets no answer"
    return _event("A9009E", why, fields, now, repeat_key=repr(("A9009E", kind, where, nas)))


# -- parts ----------------------------------------------------------------------------------


def _event(code: str, why: str, fields: Block, now: Instant, *, repeat_key: str = "", port_key: str = "") -> AuditEvent:
    head: Block = {"code": code, "time": timestamp(now.wall), "event": EVENTS[code].name, "why": why}
    return AuditEvent(code=code, fields={**head, **fields}, repeat_key=repeat_key, port_key=port_key)


def _request(request: AccessRequest, *, access: AccessKind | None = None, mac: str = "", user: str = "") -> Block:
    return {
        "access": access or "",
        "nas": blocks.nas(request),
        "endpoint": blocks.endpoint(request, mac=mac, user=user),
        "session": blocks.session(request),
    }


def _span(count: int, first: float, last: float) -> Block:
    return {"count": count, "first": timestamp(first), "last": timestamp(last)}


def _who(identity: Identity) -> str:
    if isinstance(identity, Endpoint):
        return f"endpoint {identity.mac.text}"
    return f"device {identity.id}" if isinstance(identity, Device) else "unidentified"


def _repeat_key(code: str, request: AccessRequest, *cause: str) -> str:
    """What makes two refusals the same: port, caller and cause. ``repr`` keeps foreign text from running together."""
    return repr((code, *_port(request), request.calling_station_id, request.user_name, *cause))


def _port_key(request: AccessRequest) -> str:
    return repr(_port(request))


def _port(request: AccessRequest) -> tuple[str, ...]:
    """One NAS port, by what the endpoint cannot choose.

    A VPN's and an access point's port number is new with each connection, so the client's address and the
    BSSID take its place; otherwise the called station tells apart what shares a port number.
    """
    port = request.nas_port_id or request.nas_port
    kind = request.nas_port_type.casefold()
    if kind == "virtual" and request.calling_station_id:
        port = request.calling_station_id
    elif kind.startswith("wireless") and request.called_station_id:
        port = ""
    return (request.nas.name, request.source, port, request.called_station_id)
