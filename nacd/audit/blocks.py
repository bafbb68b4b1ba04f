"""The objects inside an audit record: NAS, endpoint, identity, certificate and so on, each from its value.

Knows: how a value of the vocabulary is laid out for a record. Refuses to know: which record holds it
(``events``).
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from nacd.audit.redaction import attribute
from nacd.values import (
    NO_FACTS,
    NO_LINK,
    AccessRequest,
    AccountingRequest,
    Assurance,
    Attribute,
    AuditValue,
    Certificate,
    CertificateFacts,
    Compliance,
    ComplianceState,
    Decision,
    Device,
    DeviceFacts,
    Identity,
    Instant,
    Link,
    Named,
    Unidentified,
)

Block = dict[str, AuditValue]
_ASSURANCES = [level.name.lower() for level in sorted(Assurance)]
"""By the number of the level: an index is found in a third of the time that the hash of an enumeration takes."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_MS = -62_135_596_800_000
_LATEST_MS = 253_402_300_799_999
_FAR = 1e11
_FRACTIONS = [f".{thousandth:03d}Z" for thousandth in range(1000)]


def timestamp(wall: float) -> str:
    """Seconds since the epoch as RFC 3339 text in UTC with milliseconds. What no calendar holds is clamped."""
    if 0 <= wall < _FAR:
        thousandths = int(wall * 1000)
    else:  # a NaN is neither
        wall = 0.0 if math.isnan(wall) else wall
        thousandths = math.floor(max(_EARLIEST_MS, min(_LATEST_MS, wall * 1000)))
    return _second(thousandths // 1000) + _FRACTIONS[thousandths % 1000]


def thousandths(number: float) -> float:
    """A number of no more than three decimals, the rest cut off: ``round`` takes five times as long."""
    return int(number * 1000) / 1000


# Verdicts are shown again and again with the date of their question.
_as_of = lru_cache(maxsize=4_096)(timestamp)


@lru_cache(maxsize=4_096)
def _second(seconds: int) -> str:
    """Date and time of day. Kept: a thousand records share a second, and verdicts share theirs."""
    return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat(timespec="seconds")


def nas(request: AccessRequest) -> Block:
    known = request.nas
    return {
        "name": known.name,
        "vendor": known.vendor,
        "source": request.source,
        "source_port": request.source_port,
        "identifier": request.nas_identifier,
        "address": request.nas_address,
        "port": request.nas_port,
        "port_id": request.nas_port_id,
        "port_type": request.nas_port_type,
        "groups": _groups(known.groups),
        "location": known.location,
    }


@lru_cache(maxsize=4_096)
def _groups(groups: frozenset[str]) -> list[AuditValue]:
    """Kept and shared by all records of a NAS: not to be changed."""
    return [*sorted(groups)]


def _nas(request: AccountingRequest) -> Block:
    return {
        "name": request.nas.name,
        "vendor": request.nas.vendor,
        "source": request.source,
        "source_port": request.source_port,
        "identifier": request.nas_identifier,
        "address": request.nas_address,
        "port": request.nas_port,
        "port_id": request.nas_port_id,
    }


def endpoint(
    request: AccessRequest, *, mac: str = "", user: str = "", link: Link = NO_LINK, inventory: tuple[str, ...] = ()
) -> Block:
    return {
        "user_name": request.user_name,
        "user": user,
        "mac": mac,
        "calling_station_id": request.calling_station_id,
        "called_station_id": request.called_station_id,
        "ssid": request.ssid,
        "tunnel_client_endpoint": request.tunnel_client_endpoint,
        "bssid": link.bssid,
        "tunnel_group": link.tunnel_group,
        "client_platform": link.client_platform,
        "client_platform_version": link.client_platform_version,
        "client_agent": link.client_agent,
        "inventory": [*inventory],
    }


def session(request: AccessRequest) -> Block:
    return {"acct_session_id": request.acct_session_id, "audit_session_id": request.audit_session_id}


def accounting(request: AccountingRequest, *, mac: str) -> Block:
    """NAS, endpoint and session of an Accounting-Request."""
    return {
        "nas": _nas(request),
        "endpoint": {
            "user_name": request.user_name,
            "mac": mac,
            "calling_station_id": request.calling_station_id,
            "called_station_id": request.called_station_id,
            "framed_address": request.framed_address,
        },
        "session": {
            "acct_session_id": request.acct_session_id,
            "audit_session_id": request.audit_session_id,
            "time_s": request.session_time_s,
            "delay_s": request.delay_s,
            "event_timestamp": request.event_timestamp,
            "terminate_cause": request.terminate_cause,
            "status_type": request.status_type,
        },
        "chargeable_user_identity": request.chargeable_user_identity,
    }


def identity(named: Named) -> Block:
    """The identity, every attempt on the way to it, and the tenant that is asked about it."""
    block = identified(named.identity, named.tenant)
    attempts: list[AuditValue] = []
    for attempt in named.attempts:
        attempts.append({"source": attempt.source, "outcome": attempt.outcome, "detail": attempt.detail})
    block["attempts"] = attempts
    return block


def identified(found: Identity, tenant: str) -> Block:
    """The identity and the tenant that is asked about it, without the way to it."""
    if isinstance(found, Unidentified):
        return _identified("unidentified", tenant, detail=found.reason)
    level, source = _ASSURANCES[found.assurance], found.source
    if isinstance(found, Device):
        return _identified("device", tenant, found.id.guid, found.id.kind, "", source, level)
    return _identified("endpoint", tenant, "", "", found.mac.text, source, level, found.ask_detail)


def _identified(
    kind: str,
    tenant: str,
    guid: str = "",
    register: str = "",
    mac: str = "",
    source: str = "",
    assurance: str = "none",
    detail: str = "",
) -> Block:
    return {
        "kind": kind,
        "id": guid,
        "register": register,
        "mac": mac,
        "source": source,
        "assurance": assurance,
        "detail": detail,
        "tenant": tenant,
    }


def certificate(shown: Certificate) -> Block:
    """``{"certificate": {...}}``, or ``{}`` when the endpoint showed none."""
    if not isinstance(shown, CertificateFacts):
        return {}
    return {
        "certificate": {
            "subject": shown.subject,
            "issuer": shown.issuer,
            "serial": shown.serial,
            "fingerprint": shown.fingerprint,
            "not_before": timestamp(shown.not_before),
            "not_after": timestamp(shown.not_after),
            "anchor": shown.anchor,
            "common_name": shown.common_name,
            "san_uris": list(shown.san_uris),
            "san_dns": list(shown.san_dns),
            "san_upns": list(shown.san_upns),
            "templates": list(shown.templates),
            "tenant_ids": list(shown.tenant_ids),
            "ekus": list(shown.ekus),
        }
    }


def compliance(known: Compliance, now: Instant) -> Block:
    """State, detail, source and age, and what is known of the device. A verdict dated in the future has age 0:
    clocks differ."""
    asked = known.state is not ComplianceState.NOT_ASKED
    age_s = now.wall - known.as_of
    block: Block = {
        "state": known.state,
        "detail": known.detail,
        "provider": known.provider,
        "source": known.source,
        "as_of": _as_of(known.as_of) if asked else "",
        "age_s": (thousandths(age_s) if age_s > 0 else 0.0) if asked else -1,
        "grace_until": _as_of(known.grace_until) if known.grace_until else "",
    }
    # The first question costs next to nothing, and for most answers it is the only one.
    if known.device is not NO_FACTS and known.device != NO_FACTS:
        block["device"] = _device(known.device)
    return block


def _device(known: DeviceFacts) -> Block:
    asked = bool(known.in_groups or known.outside_groups or known.groups_doubt)
    groups: Block = {
        "in_groups": list(known.in_groups),
        "outside_groups": list(known.outside_groups),
        "groups_doubt": known.groups_doubt,
    }
    return {
        "name": known.name,
        "operating_system": known.operating_system,
        "os_version": known.os_version,
        "owner": known.owner,
        "user": known.user,
        "last_sync": _as_of(known.last_sync) if known.last_sync else "",
        **(groups if asked else {}),
    }


def decision(made: Decision) -> Block:
    return {
        "effect": made.effect,
        "rule": made.rule,
        "profile": made.profile,
        "reasons": list(made.reasons),
        "policy_digest": made.policy_digest,
    }


def attributes(sent: tuple[Attribute, ...]) -> list[AuditValue]:
    return [attribute(each) for each in sent]
